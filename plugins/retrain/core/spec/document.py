"""Reading a spec: a small, safe subset of YAML, and every mistake in one error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from retrain.core.extensions import ExtensionPoint, installed_names
from retrain.core.policy.gates import BUILT_IN_GATES, INSTALLED_TAG, Installed
from retrain.core.spec.model import PipelineSpec
from retrain.core.spec.rules import broken_rules, did_you_mean
from retrain.core.user_code import ESTIMATOR_EXAMPLE, GATE_EXAMPLE
from retrain.errors import SpecError, SpecProblem

__all__ = ["field_problems", "load_spec", "parse_spec", "spec_json_schema"]

_IMPORTED: Final = {"estimator": ("module:function", ESTIMATOR_EXAMPLE), "gate": ("module:Class", GATE_EXAMPLE)}

MAX_BYTES: Final = 256 * 1024
"""A spec is a page of text; anything far larger is a mistake or an attack."""


class _SpecLoader(yaml.SafeLoader):
    """Safe YAML without aliases (no bombs) and without duplicate keys (no silent loss)."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {str(key.value)[:60]!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_spec(path: Path) -> PipelineSpec:
    """Read one spec file; its relative paths start from the folder that holds ``include/``.

    Raises:
        SpecError: The file cannot be read or has mistakes; all of them are named.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SpecError(
                str(path), [SpecProblem("", f"must be at most {MAX_BYTES} bytes", "a larger file", "Check the file.")]
            )
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = SpecProblem("", "must be a readable UTF-8 file", type(error).__name__, "Check the path and its mode.")
        raise SpecError(str(path), [problem]) from error
    return parse_spec(text, source=str(path)).rooted_at(_root_of(path))


def parse_spec(text: str, *, source: str = "<text>") -> PipelineSpec:
    """Read a spec from YAML text.

    Raises:
        SpecError: The text has mistakes; all of them are named.
    """
    document = _read_yaml(text, source)
    if not isinstance(document, Mapping):
        problem = SpecProblem("", "must be a mapping of keys", type(document).__name__, "Start with `model: <name>`.")
        raise SpecError(source, [problem])
    try:
        return PipelineSpec.model_validate(document)
    except ValidationError as error:
        raise SpecError(source, _one_a_place([*field_problems(error, PipelineSpec), *broken_rules(document)])) from None


def spec_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec, for editors."""
    schema = PipelineSpec.model_json_schema()
    _describe_gates(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "retrain pipeline"}


def _describe_gates(schema: dict[str, Any]) -> None:
    """Tell editors which gate has which fields, and leave the installed ones out if there are none."""
    gates, definitions = schema["properties"]["gate"]["items"], schema["$defs"]
    if not installed_names(ExtensionPoint.GATES):
        del definitions[Installed.__name__]
    names = [ref["$ref"].rpartition("/")[2] for ref in gates["oneOf"]]
    gates["oneOf"] = [{"$ref": f"#/$defs/{name}"} for name in names if name in definitions]
    mapping = {
        check: f"#/$defs/{name}"
        for name in names
        if name in definitions
        for check in _constants(definitions[name]["properties"]["check"])
    }
    gates["discriminator"] = {"mapping": mapping, "propertyName": "check"}


def _constants(field: dict[str, Any]) -> list[str]:
    return [field["const"]] if "const" in field else list(field["enum"])


def _root_of(path: Path) -> Path:
    path = path.absolute()
    return next((folder.parent for folder in path.parents if folder.name == "include"), path.parent)


def _read_yaml(text: str, source: str) -> Any:
    try:
        return yaml.load(text, Loader=_SpecLoader)  # noqa: S506 - _SpecLoader is a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        got = getattr(error, "problem", None) or type(error).__name__
        raise SpecError(source, [SpecProblem(where, "must be plain YAML", got, "Mend the text there.")]) from None


def _one_a_place(problems: list[SpecProblem]) -> list[SpecProblem]:
    """Keep the first problem of each path: what follows there follows from it."""
    return list({problem.path: problem for problem in reversed(problems)}.values())[::-1]


def field_problems(error: ValidationError, model: type[BaseModel]) -> Iterator[SpecProblem]:
    """Yield what is wrong with the fields of a model, by their places in it."""
    for item in error.errors(include_url=False):
        if item["type"] == "too_short" and item["input"]:
            continue  # it only says that the items had mistakes
        path, owner = _locate(item["loc"], model)
        key = str(item["loc"][-1]) if item["loc"] else ""
        match item["type"]:
            case "rules":
                yield from item["ctx"]["found"]
            case "extra_forbidden":
                known = list(owner.model_fields) if owner else []
                yield SpecProblem(path, "must be a known key", repr(key[:60]), did_you_mean(key, known))
            case "missing":
                hint = "Add it." if path.endswith("]") else f"Add `{key}:`."
                yield SpecProblem(path, "must be given", "nothing", hint)
            case "literal_error" | "enum":
                expected = [word.strip("' ") for word in item["ctx"]["expected"].replace(" or ", ", ").split(",")]
                hint = did_you_mean(item["input"], expected)
                yield SpecProblem(path, f"must be one of {', '.join(expected)}", _shown(item["input"]), hint)
            case "string_pattern_mismatch" if key in _IMPORTED:
                form, example = _IMPORTED[key]
                yield SpecProblem(path, f"must be {form}", _shown(item["input"]), f"Such as {example}.")
            case "union_tag_invalid" | "union_tag_not_found":
                tag = item.get("ctx", {}).get("tag")
                known = [*BUILT_IN_GATES, *installed_names(ExtensionPoint.GATES)]
                hint = did_you_mean(tag, known) if tag else "Add `check:`."
                yield SpecProblem(f"{path}.check", "must name a gate", repr(tag or "nothing"), hint)
            case _:
                rule = item["msg"].removeprefix("Value error, ").replace("Input should", "must")
                yield SpecProblem(path, rule[:1].lower() + rule[1:], _shown(item["input"]), "Mend the value.")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _locate(location: tuple[int | str, ...], model: type[BaseModel]) -> tuple[str, type[BaseModel] | None]:
    """Return the path as people write it, and the section that owns its last key."""
    path = ""
    owner: type[BaseModel] | None = None
    annotation: Any = model
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        values = _values_of(annotation)
        if values is not None:
            path, annotation = f"{path}.{part}", values
            continue
        models = _models_in(annotation)
        tagged = next((model for model in models if _tag_of(model) == part), None)
        if tagged is not None and len(models) > 1:
            annotation = tagged
            continue
        path += f".{part}" if path else part
        owner = models[0] if models else None
        field = owner.model_fields.get(part) if owner else None
        annotation = field.annotation if field else None
    return path, owner


def _values_of(annotation: Any) -> Any:
    """Return what a mapping of any keys holds; None for anything else."""
    return get_args(annotation)[1] if get_origin(annotation) is dict else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _tag_of(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("check")
    return next(iter(get_args(field.annotation)), INSTALLED_TAG) if field else None
