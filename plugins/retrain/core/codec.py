"""One codec between frozen dataclasses and plain JSON, on whose text the digests of stored documents rest.

A number that is not finite is written as null, because JSON has neither NaN nor infinity; null in a field of numbers is read
as NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, Self, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["STORED_NAME", "JsonDataclass", "finite_or_none"]

STORED_NAME: Final = "stored_name"
"""The key of a field's metadata under which stored documents know the field, if it was renamed since."""

T = TypeVar("T")

_FIELDS: Final[dict[type[Any], tuple[tuple[str, str, Any], ...]]] = {}


class JsonDataclass:
    """A dataclass that is stored as JSON: an object with a key per field."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; its digest depends on every key and value."""
        return _write_fields(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            TypeError: A field without a default is missing, a key is unknown, or a value has another type.
            ValueError: A value is not one of its field.
        """
        return _read_fields(cls, document)


def finite_or_none(number: float | None) -> float | None:
    """Return a number as JSON can hold it: None for NaN and the infinities."""
    return number if number is not None and math.isfinite(number) else None


def _write_fields(item: Any) -> dict[str, Any]:
    return {stored: _write(getattr(item, name)) for name, stored, _ in _list_fields(type(item))}


def _write(value: Any) -> Any:
    if isinstance(value, JsonDataclass):
        return value.to_json()
    if is_dataclass(value):
        return _write_fields(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return finite_or_none(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _write(item) for key, item in value.items()}
    return [_write(item) for item in value] if isinstance(value, list | tuple) else value


def _read_fields(kind: type[T], document: Mapping[str, Any]) -> T:
    if not isinstance(document, Mapping):
        raise TypeError(f"a stored {kind.__name__} must be an object")
    known = _list_fields(kind)
    unknown = document.keys() - {stored for _, stored, _ in known}
    if unknown:
        raise TypeError(f"a stored {kind.__name__} has no {min(unknown)}")
    return kind(**{name: _read(hint, document[stored]) for name, stored, hint in known if stored in document})


def _read(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (wanted,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else _read(wanted, value)
    if origin is tuple:
        each = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(_read(item_hint, item) for item_hint, item in zip(each, value, strict=True))
    if origin is dict:
        return {key: _read(arguments[1], item) for key, item in value.items()}
    if hint is float:
        return _read_number(value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if isinstance(hint, type) and issubclass(hint, JsonDataclass):
        return hint.from_json(value)
    if isinstance(hint, type) and is_dataclass(hint):
        return _read_fields(hint, value)
    return hint(value) if isinstance(hint, type) and issubclass(hint, Enum) else value


def _read_number(value: Any) -> float:
    if value is None:
        return math.nan
    if not isinstance(value, int | float):
        raise TypeError("a stored number must be a number")
    return value  # not as a float: 1 and 1.0 have different digests


def _list_fields(kind: type[Any]) -> tuple[tuple[str, str, Any], ...]:
    """Return (name, stored name, type) of each field; the types are resolved once, because the annotations are texts."""
    if kind not in _FIELDS:
        hints = get_type_hints(kind)
        named = ((item.name, item.metadata.get(STORED_NAME, item.name)) for item in fields(kind))
        _FIELDS[kind] = tuple((name, stored, hints[name]) for name, stored in named)
    return _FIELDS[kind]
