"""Gates of a project's own for the tests, good and bad; a spec names one as ``tests.gates:<class>``."""
# ruff: noqa: ARG002 - the contract's arguments

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from pydantic import field_validator
from tests.estimators import EMAIL

from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Gate, Outcome, Verdict
from retrain.core.stats.metrics import METRICS


class GoodInPlace(Gate):
    """Pass where a metric of the challenger in one place is over a bound."""

    place: str
    metric: str = "roc_auc"
    over: float = 0.5
    min_rows: int = 50

    @field_validator("metric")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in METRICS:
            raise ValueError("must be a metric")
        return value

    @property
    def columns(self) -> tuple[str, ...]:
        return ("place",)

    def judge(self, evidence: Evidence) -> Verdict:
        name, metric, scores = "good_in_place", self.metric, evidence.scores
        if "place" not in scores.columns:
            return Verdict(name, Outcome.INCONCLUSIVE, "the data has no place", metric=metric)
        here = scores.columns["place"] == self.place
        if here.sum() < self.min_rows or not np.isfinite(scores.challenger).all():
            return Verdict(name, Outcome.INCONCLUSIVE, "too few rows, or a score is not a number", metric=metric)
        value = METRICS[self.metric].value(scores.y[here], scores.challenger[here])
        if not math.isfinite(value):
            return Verdict(
                name, Outcome.INCONCLUSIVE, f"{self.metric} is not a number there", bound=self.over, metric=metric
            )
        outcome = Outcome.PASS if value > self.over else Outcome.FAIL
        return Verdict(
            name, outcome, f"{self.metric} of place={self.place} is {value:.4f}", value, self.over, metric=metric
        )


class Saying(Gate):
    """Say whatever a test wants said."""

    def judge(self, evidence: Evidence) -> Any:
        return Verdict("saying", Outcome.PASS, "because", 1.0, 0.0)


class Raising(Saying):
    def judge(self, evidence: Evidence) -> Any:
        raise ValueError(f"could not convert {EMAIL}")


class Leaving(Saying):
    def judge(self, evidence: Evidence) -> Any:
        sys.exit(EMAIL)


class SayingYes(Saying):
    def judge(self, evidence: Evidence) -> Any:
        return True


class SayingPass(Saying):
    def judge(self, evidence: Evidence) -> Any:
        return Verdict("saying", "pass", "because")  # type: ignore[arg-type]


class SayingNothing(Saying):
    def judge(self, evidence: Evidence) -> Any:
        return Verdict("saying", Outcome.PASS, None)  # type: ignore[arg-type]


class SayingAnArray(Saying):
    def judge(self, evidence: Evidence) -> Any:
        return Verdict("saying", Outcome.PASS, "because", np.float32(1), rows_needed=np.int64(3))  # type: ignore[arg-type]


class SayingALot(Saying):
    def judge(self, evidence: Evidence) -> Any:
        return Verdict("saying", Outcome.FAIL, "so\n\x1b[31m" + "very " * 1000 + "bad")


class SayingMethod(Saying):
    def judge(self, evidence: Evidence) -> Any:
        return Verdict("saying", Outcome.PASS, "because", method=7)  # type: ignore[arg-type]


class SayingSurrogates(Saying):
    def judge(self, evidence: Evidence) -> Any:
        return Verdict("say\ning\ud800", Outcome.PASS, "because\udfff")


class Overwriting(Saying):
    def judge(self, evidence: Evidence) -> Any:
        evidence.scores.challenger[:] = 0.5
        evidence.scorecard.challenger_metrics.clear()
        return super().judge(evidence)


class Reading(Saying):
    @property
    def columns(self) -> tuple[str, ...]:
        return ("place", "plan")


not_a_gate = 7
