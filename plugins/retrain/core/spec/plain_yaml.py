"""Reads plain YAML: no tags, aliases, duplicate keys, deep nesting or Python objects. By libyaml's parser, written in C.

Values are read by the core schema of YAML 1.2.2 (https://yaml.org/spec/1.2.2/#103-core-schema), so that ``5e-2`` is a number and
a date stays a text. What YAML 1.1 reads as another value, such as ``yes`` or ``017``, is refused.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

import yaml

__all__ = ["MAX_DEPTH", "MAX_NUMBER", "MAX_VALUES", "PlainYamlError", "PythonLoader", "choose_loader", "read_yaml"]

MAX_DEPTH: Final = 64
"""How deep collections may be nested. libyaml's composer recurses in C: without a limit, deep text ends the process."""

MAX_VALUES: Final = 20_000
"""How many keys, values and collections a text may hold, so that reading and checking it takes less than a second."""

MAX_NUMBER: Final = 64
"""How many characters a number may have: Python refuses to write one of more than 4,300 digits, and takes long to read it."""

_STARTS: Final = frozenset({yaml.MappingStartEvent, yaml.SequenceStartEvent})
_ENDS: Final = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})


_NULL: Final = re.compile(r"(?:~|null|Null|NULL|)\Z")
_BOOL: Final = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT: Final = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")
_FLOAT: Final = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
_OLD_BOOL: Final = re.compile(r"(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)\Z")
_OLD_NUMBER: Final = re.compile(
    r"[-+]?(?:0[0-9_]+|0b[01_]+|0x_[0-9a-fA-F_]*|0x[0-9a-fA-F]+_[0-9a-fA-F_]*"  # 017, 0b11, 0x_ff
    r"|[0-9]+_[0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?"  # 1_000
    r"|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)\Z"  # 1:30:00
)
_AMBIGUOUS_STARTS: Final = frozenset("+-.0123456789yYnNoO")
_TAG: Final = "tag:yaml.org,2002:"
_Resolvers = dict[str, list[tuple[str, re.Pattern[str]]]]


def _list_resolvers() -> _Resolvers:
    """Return what a plain scalar may be, by its first character."""
    kinds = (
        ("null", _NULL, "~nN"),
        ("bool", _BOOL, "tTfF"),
        ("int", _INT, "-+0123456789"),
        ("float", _FLOAT, "-+.0123456789"),
    )
    resolvers: _Resolvers = {"": [(f"{_TAG}null", _NULL)]}
    for name, pattern, starts in kinds:
        for start in starts:
            resolvers.setdefault(start, []).append((_TAG + name, pattern))
    return resolvers


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


class _PlainConstructor:
    """Reads plain scalars by the core schema, and mappings only if their keys are plain text and differ."""

    yaml_implicit_resolvers: ClassVar[_Resolvers] = _list_resolvers()

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


class PythonLoader(_PlainConstructor, yaml.SafeLoader):
    """The parser written in Python, for a PyYAML that was built without libyaml."""


def choose_loader() -> type[PythonLoader]:
    """Return the loader by libyaml, several times as fast, or the one in Python if libyaml is missing."""
    if not yaml.__with_libyaml__:
        return PythonLoader

    class LibyamlLoader(_PlainConstructor, yaml.CSafeLoader):
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
    """Refuse, before anything is built, whatever makes a small text cost too much or be read in two ways."""
    depth = count = 0
    parser = loader(text)
    try:
        while (kind := type(event := parser.get_event())) is not yaml.StreamEndEvent:  # type: ignore[no-untyped-call]
            count += 1
            if kind is yaml.ScalarEvent:
                problem = _find_bad_scalar(event) if event.tag or event.value[:1] in _AMBIGUOUS_STARTS else ""
            elif kind in _STARTS:
                depth += 1
                problem = "tags are not allowed" if event.tag else ""
            else:
                depth -= kind in _ENDS
                problem = "aliases are not allowed" if kind is yaml.AliasEvent else ""
            if count > MAX_VALUES:
                problem = f"more than {MAX_VALUES} values"
            elif depth > MAX_DEPTH:
                problem = f"nested deeper than {MAX_DEPTH} levels"
            if problem:
                raise PlainYamlError(_place(event.start_mark), problem)
    finally:
        parser.dispose()


def _find_bad_scalar(event: yaml.ScalarEvent) -> str:
    """Return why a scalar must not be resolved; empty if it may."""
    text = event.value
    if event.tag:
        return "tags are not allowed"
    if not event.implicit[0]:
        return ""  # it is quoted
    if len(text) > MAX_NUMBER:
        return f"a number of more than {MAX_NUMBER} characters" if _INT.match(text) or _FLOAT.match(text) else ""
    if _OLD_BOOL.match(text):
        return f"{text}, which is a truth value in YAML 1.1 and a text in YAML 1.2: write true or false, or quote it"
    if _OLD_NUMBER.match(text):
        return f"{text}, which is another number in YAML 1.1 than in YAML 1.2: write its digits alone, or quote it"
    return ""


def _place(mark: Any) -> str:
    """Return where a mark of PyYAML is, as people count; empty without a mark."""
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
