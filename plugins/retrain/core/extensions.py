"""Extension points: what installed packages add to a spec, found by the names of their entry points.

A spec is read with the names alone; `load_extension` imports a package when a step needs what it offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from retrain.core.names import is_name
from retrain.errors import InstallError

__all__ = ["Extended", "ExtensionName", "ExtensionPoint", "installed_names", "load_extension", "reread_installed"]

T = TypeVar("T")


class ExtensionPoint(StrEnum):
    """An entry-point group."""

    GATES = "retrain.gates"
    METRICS = "retrain.metrics"
    SOURCES = "retrain.sources"
    TRAINERS = "retrain.trainers"
    VALIDATORS = "retrain.validators"


def installed_names(point: ExtensionPoint) -> tuple[str, ...]:
    """Return the names that installed packages offer, sorted; nothing is imported.

    A name that is not 1 to 64 lower-case letters, digits, ``_`` or ``-`` is not offered.

    >>> installed_names(ExtensionPoint.GATES)
    ()
    """
    return tuple(sorted(_found(point)))


def load_extension(point: ExtensionPoint, name: str) -> Any:
    """Import what an installed package offers under a name.

    Raises:
        InstallError: No package offers the name, two packages do, or the import fails.
    """
    offers = _found(point).get(name, ())
    if len(offers) != 1:
        raise InstallError(
            f"exactly one installed package must offer {name!r} in the entry-point group {point}",
            got=", ".join(offer.dist.name if offer.dist else offer.value for offer in offers) or "none",
            fix="Uninstall all but one of them." if offers else "Install the package on every worker.",
        )
    try:
        return offers[0].load()
    except Exception as error:
        raise InstallError(
            f"{offers[0].value}, which offers {name!r} in {point}, must be importable",
            got=f"{type(error).__name__}: {error}",
            fix="Check that the package and what it needs are installed.",
        ) from error


def reread_installed() -> None:
    """Look at the installed packages again: for a process that lives on while one is installed, such as a test's."""
    _found.cache_clear()


@lru_cache(maxsize=len(ExtensionPoint))
def _found(point: ExtensionPoint) -> Mapping[str, tuple[EntryPoint, ...]]:
    """Return the entry points by name. Reading the metadata of all packages takes tens of milliseconds, so it is done once."""
    group = entry_points(group=point.value)
    return {name: tuple(group.select(name=name)) for name in {entry.name for entry in group} if is_name(name)}


class Extended(Mapping[str, T]):
    """Built-in values by name, then those of installed packages, each loaded when it is first asked for.

    Args:
        built_in: They win against equal names of packages.
        point: Where packages offer more.
        load: Loads the value of an installed name.
    """

    def __init__(self, built_in: Mapping[str, T], point: ExtensionPoint, load: Callable[[str], T]) -> None:
        self._built_in, self._point, self._load = built_in, point, lru_cache(load)

    def __getitem__(self, name: str) -> T:
        if name in self._built_in:
            return self._built_in[name]
        if name in installed_names(self._point):
            return self._load(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._built_in, *installed_names(self._point))))

    def __len__(self) -> int:
        return len(list(iter(self)))


@dataclass(frozen=True)
class ExtensionName:
    """The annotation of a text that must be a built-in name, or one that an installed package offers.

    A built-in name never looks at the installed packages, and wins against an equal one of theirs.
    """

    point: ExtensionPoint
    built_in: tuple[str, ...]

    @property
    def known(self) -> tuple[str, ...]:
        """The names that are allowed: the built-in ones in their order, then the installed ones."""
        return tuple(dict.fromkeys((*self.built_in, *installed_names(self.point))))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"enum": list(self.known), "type": "string"}

    def _check(self, value: object) -> str:
        if isinstance(value, str) and (value in self.built_in or value in self.known):
            return value
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, self.known))})
