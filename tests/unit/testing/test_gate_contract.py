"""The suite finds the gate that breaks a promise, each promise by the one gate that breaks it."""

# ruff: noqa: ARG002 - the contract's arguments

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ConfigDict
from tests.gates import GoodInPlace, Raising, SayingAnArray, SayingPass, SayingYes

from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Gate, Outcome, PointEstimate, Threshold, Verdict
from retrain.testing import GATE_PROMISES, check_gate, make_evidence, make_scores

GOOD = Threshold(check="threshold", metric="roc_auc", min=0.5)


def verdict(passes: bool, value: float = 1.0, reason: str = "because") -> Verdict:
    return Verdict("sample", Outcome.PASS if passes else Outcome.INCONCLUSIVE, reason, value)


EVIDENCE = make_evidence(make_scores(columns={"shop": ["one", "two"] * 200}))


class ByRows(Gate):
    """Pass where there are rows."""

    least: int = 100

    def judge(self, evidence: Evidence) -> Any:
        rows = len(evidence.scores.y)
        return verdict(rows >= self.least, rows)


class NeverPassing(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        return verdict(False)


class SayingNoReason(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        return verdict(True, reason=" ")


class Escaping(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        return verdict(True, reason="fine \x1b[31m")


class Nameless(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        return Verdict(" ", Outcome.PASS, "because")


class Random(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        return verdict(True, float(np.random.default_rng().uniform()))


class Overwriting(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        evidence.scores.challenger[:] = 0.5
        return super().judge(evidence)


class Adding(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        evidence.scores.columns["sample"] = evidence.scores.y
        return super().judge(evidence)


class Secretive(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        return verdict(True, float("shop" in evidence.scores.columns))


class Careless(ByRows):
    @property
    def columns(self) -> tuple[str, ...]:
        return ("place",)

    def judge(self, evidence: Evidence) -> Any:
        return verdict(True, float("place" in evidence.scores.columns))


class TakingNanForGood(ByRows):
    side: str = "challenger"

    def judge(self, evidence: Evidence) -> Any:
        scores = getattr(evidence.scores, self.side)
        if len(evidence.scores.y) < 10 or scores is None:
            return verdict(False)
        return verdict(True, float(np.nan_to_num(scores).mean()))


class TakingNobodyForWorse(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        scores = evidence.scores.opponent
        if scores is not None and not (len(scores) > 10 and np.isfinite(scores).all()):
            return verdict(False)
        return verdict(True, 0.0 if scores is None else 1.0)


class TakingNothingForZero(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        value = evidence.challenger_metric("roc_auc")
        if len(evidence.scores.y) < 10 or (math.isnan(value) and evidence.scorecard.challenger_metrics):
            return verdict(False)
        return verdict(True, 0.0 if math.isnan(value) else value)


class OneClassRaising(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        if len(evidence.scores.y) > 100 and len(np.unique(evidence.scores.y)) < 2:
            raise ValueError("one class")
        return super().judge(evidence)


class ManyRaising(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        if len(evidence.scores.y) > 10_000:
            raise MemoryError
        return super().judge(evidence)


class Unmeasured(ByRows):
    def judge(self, evidence: Evidence) -> Any:
        profile = evidence.scorecard.profile
        return verdict(len(evidence.scores.y) > 10, 0.0 if profile is None else float(profile.train_rows))


class Thawed(ByRows):
    model_config = ConfigDict(frozen=False)


class Lenient(ByRows):
    model_config = ConfigDict(extra="ignore")


@pytest.mark.parametrize("gate", [GOOD, ByRows(), GoodInPlace(place="north")])
def test_a_good_gate_keeps_every_promise(gate: Gate) -> None:
    check_gate(gate)


def test_a_gate_is_tried_on_the_evidence_of_its_task() -> None:
    regression = make_evidence(make_scores(task="regression"))
    check_gate(Threshold(check="threshold", metric="mae", max=1.0), regression)
    alone = make_evidence(make_scores(opponent=None))
    check_gate(GOOD, alone)
    with pytest.raises(AssertionError, match="must pass on good evidence, but says inconclusive"):
        check_gate(PointEstimate(check="point_estimate", metric="roc_auc"), alone)


@pytest.mark.parametrize(
    ("gate", "promise", "words"),
    [
        (NeverPassing(), "passes_on_good_evidence", "must pass on good evidence"),
        (Raising(), "passes_on_good_evidence", "raises ValueError"),
        (SayingYes(), "passes_on_good_evidence", "must return a Verdict"),
        (SayingPass(), "passes_on_good_evidence", "must have an Outcome"),
        (SayingAnArray(), "passes_on_good_evidence", "must be plain JSON"),
        (SayingNoReason(), "gives_a_name_and_a_reason", "one line of plain text"),
        (Escaping(), "gives_a_name_and_a_reason", "one line of plain text"),
        (Nameless(), "gives_a_name_and_a_reason", "must name its gate"),
        (Random(), "gives_the_same_verdict_again", "must give the same verdict"),
        (Overwriting(), "leaves_the_evidence_unchanged", "must not change the evidence"),
        (Adding(), "leaves_the_evidence_unchanged", "must not change the evidence"),
        (Secretive(), "reads_only_the_columns_it_names", "must name each column"),
        (Careless(), "reads_only_the_columns_it_names", "must not pass on evidence without its columns"),
        (TakingNanForGood(), "never_passes_on_nan_of_the_challenger", "must not pass on NaN of the challenger"),
        (
            TakingNanForGood(side="opponent"),
            "never_passes_on_nan_of_the_opponent",
            "must not pass on NaN of the opponent",
        ),
        (TakingNobodyForWorse(), "never_passes_without_an_opponent", "must not pass on evidence without an opponent"),
        (TakingNothingForZero(), "never_passes_without_metrics", "must not pass on evidence without metrics"),
        (Unmeasured(), "never_passes_on_what_was_not_measured", "must not pass on evidence without profile"),
        (ByRows(least=0), "never_passes_on_no_rows", "must not pass on no rows"),
        (ByRows(least=3), "never_passes_on_three_rows", "must not pass on three rows"),
        (OneClassRaising(), "judges_a_single_class", "on a single class, but raises ValueError"),
        (ManyRaising(), "judges_many_rows", "rows, but raises MemoryError"),
        (Thawed(), "is_frozen_and_knows_its_fields", "field least must be frozen"),
        (Lenient(), "is_frozen_and_knows_its_fields", "refuse a field"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_gate_that_breaks_a_promise_is_caught(gate: Gate, promise: str, words: str) -> None:
    (check,) = (each for each in GATE_PROMISES if each.__name__ == promise)
    with pytest.raises(AssertionError, match=words):
        check(gate, EVIDENCE)
    with pytest.raises(AssertionError):
        check_gate(gate, EVIDENCE)


def test_each_promise_is_broken_above(request: pytest.FixtureRequest) -> None:
    marks = test_a_gate_that_breaks_a_promise_is_caught.pytestmark  # type: ignore[attr-defined]
    broken = {case[1] for mark in marks if mark.name == "parametrize" for case in mark.args[1]}
    assert broken == {promise.__name__ for promise in GATE_PROMISES}
