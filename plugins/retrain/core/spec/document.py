"""Reads specs from YAML, and names every mistake in one error."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError

from retrain.core.extensions import ExtensionPoint, installed_names
from retrain.core.policy.gates import BUILT_IN_GATES, INSTALLED_TAG, Installed
from retrain.core.spec.model import PipelineSpec
from retrain.core.spec.plain_yaml import PlainYamlError, read_yaml
from retrain.core.spec.rules import broken_rules, did_you_mean
from retrain.core.user_code import ESTIMATOR_EXAMPLE, GATE_EXAMPLE
from retrain.errors import SpecError, SpecProblem

__all__ = ["field_problems", "load_spec", "parse_spec", "read_spec_bytes", "spec_json_schema"]

_IMPORTED: Final = {"estimator": ("module:function", ESTIMATOR_EXAMPLE), "gate": ("module:Class", GATE_EXAMPLE)}

MAX_BYTES: Final = 256 * 1024
"""A spec is a page of text; anything far larger is a mistake or an attack."""

MAX_MISTAKES: Final = 50
"""How many mistakes of a text are named; the others are counted."""

_Outcome = PipelineSpec | SpecError

_outcomes: Final[dict[Path, tuple[str, _Outcome]]] = {}
"""The text of each file when it was last parsed, and the spec or the mistakes in it."""


def load_spec(path: Path) -> PipelineSpec:
    """Read one spec file. Its relative paths start from the folder that holds ``include/``.

    The file is read each time, but a process parses it again only if its text changed. The text itself is compared, because
    an edit may keep the time and the size, and reading takes less than a tenth of the time of parsing.

    Raises:
        SpecError: The file cannot be read or has mistakes; all of them are named.
    """
    try:
        text = read_spec_bytes(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = SpecProblem("", "must be a readable UTF-8 file", type(error).__name__, "Check the path and its mode.")
        raise SpecError(str(path), [problem]) from error
    known_text, outcome = _outcomes.get(path, (None, None))
    if outcome is None or known_text != text:
        outcome = _parse(text)
        _outcomes[path] = text, outcome
    return _unwrap(outcome, str(path)).rooted_at(_find_root(path))


def read_spec_bytes(path: Path) -> bytes:
    """Return the bytes of a spec file. Only a regular file is opened: a pipe never ends, and a device may not either.

    Raises:
        SpecError: It is not a regular file, or is too large.
        OSError: It cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        problem = SpecProblem("", "must be a regular file", "a folder, a pipe or a device", "Move it elsewhere.")
        raise SpecError(str(path), [problem])
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        problem = SpecProblem("", f"must be at most {MAX_BYTES} bytes", "a larger file", "Check the file.")
        raise SpecError(str(path), [problem])
    return content


def parse_spec(text: str, *, source: str = "<text>") -> PipelineSpec:
    """Read a spec from YAML text.

    Raises:
        SpecError: The text has mistakes; all of them are named.
    """
    return _unwrap(_parse(text), source)


def _parse(text: str) -> _Outcome:
    """Return the spec that a text holds, or the mistakes in it.

    Whatever else a text makes a library raise is a mistake in that text, too: it must not hide the other specs of a folder.
    """
    try:
        return _read_document(text)
    except Exception as error:  # noqa: BLE001 - see above
        return _refuse("must be a pipeline spec", type(error).__name__, "Shorten the file to find what causes it.")


def _read_document(text: str) -> _Outcome:
    try:
        document = read_yaml(text)
    except PlainYamlError as error:
        return _refuse("must be plain YAML", error.problem, "Fix the text there.", path=error.place)
    if not isinstance(document, Mapping):
        return _refuse("must be a mapping of keys", type(document).__name__, "Start with `model: <name>`.")
    try:
        return PipelineSpec.model_validate(document)
    except ValidationError as error:
        return _list_mistakes(error, document)


def _refuse(rule: str, got: str, hint: str, *, path: str = "") -> SpecError:
    return SpecError("", [SpecProblem(path, rule, got, hint)])


def _list_mistakes(error: ValidationError, document: Mapping[str, Any]) -> SpecError:
    """Return the first mistake per path, since the others there follow from it, and how many more there are."""
    found: dict[str, SpecProblem] = {}
    for problem in chain(field_problems(error, PipelineSpec), broken_rules(document)):
        if len(found) == MAX_MISTAKES and problem.path not in found:
            return SpecError("", list(found.values()), more=max(1, error.error_count() - MAX_MISTAKES))
        found.setdefault(problem.path, problem)
    return SpecError("", list(found.values()))


def _unwrap(outcome: _Outcome, source: str) -> PipelineSpec:
    """Return the spec, or raise its mistakes as the error of a source."""
    if isinstance(outcome, PipelineSpec):
        return outcome
    raise SpecError(source, outcome.problems, more=outcome.more)


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


def _find_root(path: Path) -> Path:
    """Return the folder that holds ``include/``, or else the file's own folder."""
    path = path.absolute()
    return next((folder.parent for folder in path.parents if folder.name == "include"), path.parent)


def field_problems(error: ValidationError, model: type[BaseModel]) -> Iterator[SpecProblem]:
    """Yield the mistakes in the fields of a model, each with its path in the document."""
    for item in error.errors(include_url=False):
        if item["type"] == "too_short" and item["input"]:
            continue  # the items in it had mistakes, which are listed themselves
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
                hint = did_you_mean(item["input"], expected, listed=True)
                yield SpecProblem(path, f"must be one of {', '.join(expected)}", _shorten(item["input"]), hint)
            case "string_pattern_mismatch" if key in _IMPORTED:
                form, example = _IMPORTED[key]
                yield SpecProblem(path, f"must be {form}", _shorten(item["input"]), f"For example {example}.")
            case "union_tag_invalid" | "union_tag_not_found":
                tag = item.get("ctx", {}).get("tag")
                known = [*BUILT_IN_GATES, *installed_names(ExtensionPoint.GATES)]
                hint = did_you_mean(tag, known) if tag else "Add `check:`."
                yield SpecProblem(f"{path}.check", "must name a gate", _shorten(tag or "nothing"), hint)
            case _:
                rule = item["msg"].removeprefix("Value error, ").replace("Input should", "must")
                yield SpecProblem(path, rule[:1].lower() + rule[1:], _shorten(item["input"]), "Fix the value.")


def _shorten(value: Any) -> str:
    """Return the value as Python writes it, in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _locate(location: tuple[int | str, ...], model: type[BaseModel]) -> tuple[str, type[BaseModel] | None]:
    """Return the path in dotted form, and the section that owns its last key."""
    path = ""
    owner: type[BaseModel] | None = None
    annotation: Any = model
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        values = _values_of(annotation)
        if values is not None:
            path, annotation = f"{path}.{part[:60]}", values
            continue
        models = _models_in(annotation)
        tagged = next((model for model in models if _tag_of(model) == part), None)
        if tagged is not None and len(models) > 1:
            annotation = tagged
            continue
        path += f".{part[:60]}" if path else part[:60]
        owner = models[0] if models else None
        field = owner.model_fields.get(part) if owner else None
        annotation = field.annotation if field else None
    return path, owner


def _values_of(annotation: Any) -> Any:
    """Return the type of the values of a mapping with free keys; None for any other type."""
    return get_args(annotation)[1] if get_origin(annotation) is dict else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation names, also inside unions and tuples."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _tag_of(model: type[BaseModel]) -> str | None:
    """Return the value of `check:` that selects a gate; None for a model without `check`."""
    field = model.model_fields.get("check")
    return next(iter(get_args(field.annotation)), INSTALLED_TAG) if field else None
