"""A gate of the project's own: its class is named by import path, and imported where it judges, never where a spec is read."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.text import to_one_line
from retrain.core.user_code import GATE_EXAMPLE, ImportPath, Params

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = ["Custom", "LoadGate"]

_LONGEST: Final = 500


class Custom(Gate):
    """Say what a gate of the project says; inconclusive where that one cannot be had, fails, or gives no sound verdict."""

    check: Literal["custom"]
    gate: ImportPath = Field(description="`module:Class` of a subclass of Gate.", examples=[GATE_EXAMPLE])
    params: Params = Field(default_factory=dict, description="The fields of that class.")
    reads: tuple[ColumnName, ...] = Field((), description="The columns of the data that it reads.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return self.reads

    def judge(self, evidence: Evidence) -> Verdict:  # noqa: ARG002 - the contract's
        """Return inconclusive: `judge_by` needs who loads the code."""
        return self._doubt("nobody loaded its code")

    def judge_by(self, load: LoadGate, evidence: Evidence) -> Verdict:
        """Return the verdict of the class. An error's text is not told: it may hold row values."""
        try:
            gate = load(self)
            lacking = sorted({*gate.columns} - {*self.reads})
            if lacking:
                return self._doubt(f"its reads: must name {', '.join(lacking)}")
            # A copy, so that no code of a project changes what the next gate sees.
            return _sound(gate.judge(copy.deepcopy(evidence)))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a project's code does, there is a decision
            return self._doubt(f"{type(error).__name__} in {self.gate}")

    def _doubt(self, reason: str) -> Verdict:
        return Verdict(f"custom({self.gate.partition(':')[2]})", Outcome.INCONCLUSIVE, reason)


LoadGate = Callable[[Custom], Gate]
"""Imports the class that a custom gate names and gives it its params; any error says that it cannot."""


def _sound(verdict: object) -> Verdict:
    """Return a verdict as it will be read back, or raise: one that cannot be stored would end the task without a decision."""
    if not isinstance(verdict, Verdict) or not isinstance(verdict.outcome, Outcome):
        raise TypeError("a gate must return a verdict")
    if not all(isinstance(text, str) for text in (verdict.gate, verdict.reason, verdict.method)):
        raise TypeError("a verdict must name its gate and its reason")
    again = Verdict.from_json(json.loads(json.dumps(verdict.to_json(), allow_nan=False)))
    gate, reason, method = (to_one_line(text)[:_LONGEST] for text in (again.gate, again.reason, again.method))
    return replace(again, gate=gate, reason=reason, method=method)
