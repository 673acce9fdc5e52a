"""Gates from outside this package: of a project's own code, and of installed packages.

Their classes are imported when they judge, not when a spec is read.
"""

from __future__ import annotations

import copy
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from retrain.core.extensions import ExtensionName, ExtensionPoint
from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.text import to_one_line
from retrain.core.user_code import GATE_EXAMPLE, ImportPath, Params, check_storable

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Custom", "Installed", "LoadGate", "LoadedGate"]

_LONGEST: Final = 500


class LoadedGate(Gate):
    """Loads a class and returns its verdict; inconclusive if loading or judging fails, or if the verdict is not valid."""

    @property
    @abstractmethod
    def source(self) -> str:
        """The import path or entry point of the class."""

    @property
    @abstractmethod
    def fields_path(self) -> str:
        """The key of the spec's gate that holds the fields; empty if the gate itself holds them."""

    @property
    @abstractmethod
    def fields(self) -> Mapping[str, JsonValue]:
        """The fields of the class."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The gate's name in a verdict."""

    def judge(self, evidence: Evidence) -> Verdict:  # noqa: ARG002 - the contract's
        """Return inconclusive: `judge_by` takes the function that loads the class."""
        return self._hold("the gate's class was not loaded; judge it with `judge_by`")

    def judge_by(self, load: LoadGate, evidence: Evidence) -> Verdict:
        """Return the verdict of the class. It leaves out the text of an error, which may hold row values."""
        try:
            gate = load(self)
            missing = sorted({*gate.columns} - {*self.columns})
            if missing:
                return self._hold(f"the gate uses {', '.join(missing)}; list them in its `reads`")
            # A copy, so that user code cannot change the evidence of the next gate.
            return _validate_verdict(gate.judge(copy.deepcopy(evidence)))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever user code does, there is a decision
            return self._hold(f"{self.source} raised {type(error).__name__}; test it with `retrain.testing.check_gate`")

    def _hold(self, reason: str) -> Verdict:
        return Verdict(self.title, Outcome.INCONCLUSIVE, reason)


LoadGate = Callable[[LoadedGate], Gate]
"""Imports the class of a loaded gate and creates it with its fields; raises any error if it cannot."""


class Custom(LoadedGate):
    """A gate of the project's own code, by import path."""

    check: Literal["custom"]
    gate: ImportPath = Field(description="`module:Class` of a subclass of Gate.", examples=[GATE_EXAMPLE])
    params: Params = Field(default_factory=dict, description="The fields of that class.")
    reads: tuple[ColumnName, ...] = Field((), description="The columns of the data that it reads.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return self.reads

    @property
    def source(self) -> str:
        """The import path."""
        return self.gate

    @property
    def fields_path(self) -> str:
        """``params``."""
        return "params"

    @property
    def fields(self) -> Mapping[str, JsonValue]:
        """The params."""
        return self.params

    @property
    def title(self) -> str:
        """``custom`` with the name of the class."""
        return f"custom({self.gate.partition(':')[2]})"


class Installed(LoadedGate):
    """A gate of an installed package, by the name of its entry point; its own fields are next to `check` and `reads`."""

    model_config = ConfigDict(extra="allow")

    check: Annotated[str, ExtensionName(ExtensionPoint.GATES, ())]
    reads: tuple[ColumnName, ...] = Field((), description="The columns of the data that it reads.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return self.reads

    @property
    def source(self) -> str:
        """The entry point."""
        return f"{ExtensionPoint.GATES}: {self.check}"

    @property
    def fields_path(self) -> str:
        """Empty."""
        return ""

    @property
    def fields(self) -> Mapping[str, Any]:
        """All keys of the gate other than `check` and `reads`."""
        return self.model_extra or {}

    @property
    def title(self) -> str:
        """The name of the entry point."""
        return self.check

    @model_validator(mode="after")
    def _are_storable(self) -> Self:
        check_storable(self.fields)
        return self


def _validate_verdict(verdict: object) -> Verdict:
    """Return the verdict as the store will return it; raise if it cannot be stored, or the task would end without a decision."""
    if not isinstance(verdict, Verdict) or not isinstance(verdict.outcome, Outcome):
        raise TypeError("a gate must return a verdict")
    if not all(
        isinstance(text, str)
        for text in (verdict.check, verdict.metric, verdict.column, verdict.group, verdict.reason, verdict.method)
    ):
        raise TypeError("a verdict must name its gate and its reason")
    again = Verdict.from_json(json.loads(json.dumps(verdict.to_json(), allow_nan=False)))
    texts = ("check", "metric", "column", "group", "reason", "method")
    plain: dict[str, Any] = {name: to_one_line(getattr(again, name))[:_LONGEST] for name in texts}
    return replace(again, **plain)
