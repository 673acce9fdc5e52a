"""Reads plain YAML: no aliases, no duplicate keys, no deep nesting, no Python objects. By libyaml's parser, written in C."""

from __future__ import annotations

from typing import Any, Final

import yaml

__all__ = ["MAX_DEPTH", "PlainYamlError", "PythonLoader", "choose_loader", "read_yaml"]

MAX_DEPTH: Final = 64
"""How deep collections may be nested. libyaml's composer recurses in C: without a limit, deep text ends the process."""

_STARTS: Final = frozenset({yaml.MappingStartEvent, yaml.SequenceStartEvent})
_ENDS: Final = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})


class PlainYamlError(ValueError):
    """The text is not plain YAML.

    Attributes:
        place: The line and the column, counted from 1; empty when unknown.
        problem: What is wrong there.
    """

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place = place
        self.problem = problem


class _RefuseDuplicates:
    """Constructs mappings only if their keys are plain text and differ, so that no value is lost silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise PlainYamlError(_place(key.start_mark), "a key must be plain text")
            if key.value in seen:
                raise PlainYamlError(_place(key.start_mark), f"the key {str(key.value)[:60]!r} is given twice")
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)  # type: ignore[misc]  # the parser's
        return mapping


class PythonLoader(_RefuseDuplicates, yaml.SafeLoader):
    """The parser written in Python, for a PyYAML that was built without libyaml."""


def choose_loader() -> type[PythonLoader]:
    """Return the loader by libyaml, several times as fast, or the one in Python if libyaml is missing."""
    if not yaml.__with_libyaml__:
        return PythonLoader

    class LibyamlLoader(_RefuseDuplicates, yaml.CSafeLoader):
        """The parser written in C."""

    return LibyamlLoader  # type: ignore[return-value]  # both are safe loaders, without a common base in the stubs


_LOADER: Final = choose_loader()


def read_yaml(text: str, loader: type[PythonLoader] = _LOADER) -> Any:
    """Return what a YAML text of one document holds.

    Raises:
        PlainYamlError: The text is not plain YAML.
    """
    try:
        _check_events(text, loader)
        return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are safe loaders
    except PlainYamlError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        problem = getattr(error, "problem", None) or type(error).__name__
        raise PlainYamlError(_place(getattr(error, "problem_mark", None)), problem) from None


def _check_events(text: str, loader: type[PythonLoader]) -> None:
    """Refuse aliases and deep nesting before anything is built: both make a small text cost too much memory."""
    depth = 0
    parser = loader(text)
    try:
        while (kind := type(event := parser.get_event())) is not yaml.StreamEndEvent:  # type: ignore[no-untyped-call]
            if kind in _STARTS:
                depth += 1
                if depth > MAX_DEPTH:
                    raise PlainYamlError(_place(event.start_mark), f"nested deeper than {MAX_DEPTH} levels")
            elif kind in _ENDS:
                depth -= 1
            elif kind is yaml.AliasEvent:
                raise PlainYamlError(_place(event.start_mark), "aliases are not allowed")
    finally:
        parser.dispose()


def _place(mark: Any) -> str:
    """Return where a mark of PyYAML is, as people count; empty without a mark."""
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
