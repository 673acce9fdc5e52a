"""The contract of `Gate` as a suite, for built-in gates and those of projects and packages.

A gate may ignore a part of the evidence. So it keeps a promise about bad evidence if it does not pass, and also if its verdict
equals the one on good evidence: then it did not look at the bad part.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from retrain.core.evaluation.scores import Scores
from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Gate, Outcome, Verdict
from retrain.testing.evidence import make_evidence, make_scores
from retrain.testing.promises import check_promises, must_hold

__all__ = ["GATE_PROMISES", "check_gate"]

_MANY_ROWS: Final = 50_000


def check_gate(gate: Gate, evidence: Evidence | None = None) -> None:
    """Check that a gate keeps every promise; run each one alone with `GATE_PROMISES`.

    Args:
        gate: The gate, with the params of a spec.
        evidence: Evidence on which it must pass, with the columns that it reads. By default, a challenger that is much better than
            its opponent, on 400 rows of two classes with a column ``place``.

    Raises:
        AssertionError: It breaks a promise.

    >>> from retrain.core.policy.gates import Threshold
    >>> check_gate(Threshold(check="threshold", metric="roc_auc", min=0.5))
    """
    good = make_evidence(make_scores()) if evidence is None else evidence
    check_promises(GATE_PROMISES, gate, good)


def passes_on_good_evidence(gate: Gate, good: Evidence) -> None:
    """The gate passes on good evidence; otherwise every other promise would be empty."""
    verdict = _judge(gate, good, "good evidence")
    must_hold(
        verdict.outcome is Outcome.PASS, f"it must pass on good evidence, but says {verdict.outcome}: {verdict.reason}"
    )


def gives_a_name_and_a_reason(gate: Gate, good: Evidence) -> None:
    """A verdict names its gate and gives a reason on one line."""
    for verdict in (_judge(gate, good, "good evidence"), _judge(gate, _select_rows(good, slice(0)), "no rows")):
        must_hold(bool(verdict.name.strip()), "a verdict must name its gate")
        must_hold(
            bool(verdict.reason.strip()) and verdict.reason.isprintable(), "a reason must be one line of plain text"
        )


def gives_the_same_verdict_again(gate: Gate, good: Evidence) -> None:
    """The same evidence gives the same verdict, whatever the gate judged in between; an equal gate gives it too."""
    first = _judge(gate, good, "good evidence")
    _judge(gate, _select_rows(good, slice(0, None, 2)), "half of the rows")
    for again in (gate, type(gate).model_validate(gate.model_dump())):
        verdict = _judge(again, good, "the same evidence")
        must_hold(_plain(verdict) == _plain(first), "the same evidence must give the same verdict")


def leaves_the_evidence_unchanged(gate: Gate, good: Evidence) -> None:
    """Judging changes nothing that the next gate sees."""
    _judge(gate, good, "good evidence")
    shown = copy.deepcopy(good)
    gate.judge(shown)
    same = shown.scorecard == good.scorecard and all(
        _same(getattr(shown.scores, name), getattr(good.scores, name))
        for name in vars(good.scores)
        if name != "columns"
    )
    columns = good.scores.columns
    same = same and shown.scores.columns.keys() == columns.keys()
    same = same and all(_same(shown.scores.columns[name], values) for name, values in columns.items())
    must_hold(same, "judging must not change the evidence")


def reads_only_the_columns_it_names(gate: Gate, good: Evidence) -> None:
    """Columns that neither the gate nor the slices name change nothing; without a column that it names, it does not pass."""
    named = {*gate.columns, *(item.column for item in good.scorecard.slices)}
    kept = {name: values for name, values in good.scores.columns.items() if name in named}
    verdict = _judge(gate, _replace_scores(good, columns=kept), "evidence with its own columns only")
    must_hold(_plain(verdict) == _plain(_judge(gate, good, "good evidence")), "it must name each column that it reads")
    if gate.columns:
        _never_passes(gate, good, _replace_scores(good, columns={}), "evidence without its columns")


def never_passes_on_nan_of_the_challenger(gate: Gate, good: Evidence) -> None:
    """It does not pass if every score and metric of the challenger is NaN."""
    _never_passes(gate, good, _fill_with_nan(good, "challenger"), "NaN of the challenger")


def never_passes_on_nan_of_the_opponent(gate: Gate, good: Evidence) -> None:
    """It does not pass if every score and metric of the opponent is NaN."""
    if good.scores.opponent is not None:
        _never_passes(gate, good, _fill_with_nan(good, "opponent"), "NaN of the opponent")


def never_passes_without_an_opponent(gate: Gate, good: Evidence) -> None:
    """It does not pass without an opponent to compare with."""
    alone = _replace_scores(good, opponent=None)
    card = replace(
        alone.scorecard,
        opponent=None,
        why_no_opponent="the champion is lost",
        opponent_metrics={},
        slices=tuple(replace(item, opponent={}) for item in alone.scorecard.slices),
    )
    _never_passes(gate, good, replace(alone, scorecard=card), "evidence without an opponent")


def never_passes_without_metrics(gate: Gate, good: Evidence) -> None:
    """It does not pass on a metric that was never computed."""
    slices = tuple(replace(item, challenger={}, opponent={}) for item in good.scorecard.slices)
    card = replace(good.scorecard, challenger_metrics={}, opponent_metrics={}, slices=slices)
    _never_passes(gate, good, replace(good, scorecard=card), "evidence without metrics")


def never_passes_on_what_was_not_measured(gate: Gate, good: Evidence) -> None:
    """A gate that reads the profile or the resource usage does not pass if they were not measured."""
    card = replace(good.scorecard, profile=None, resource_usage=None)
    _never_passes(gate, good, replace(good, scorecard=card), "evidence without profile and resource usage")


def never_passes_on_no_rows(gate: Gate, good: Evidence) -> None:
    """It does not pass on an empty holdout."""
    _never_passes(gate, good, _select_rows(good, slice(0)), "no rows")


def never_passes_on_three_rows(gate: Gate, good: Evidence) -> None:
    """It does not pass on a tiny holdout."""
    _never_passes(gate, good, _select_rows(good, slice(0, 3)), "three rows")


def judges_a_single_class(gate: Gate, good: Evidence) -> None:
    """Rows of one class give a verdict and no error."""
    if good.scores.challenger.ndim == 2:
        _judge(gate, _select_rows(good, good.scores.y == good.scores.y[0]), "a single class")


def judges_many_rows(gate: Gate, good: Evidence) -> None:
    """Tens of thousands of rows give a verdict."""
    times = max(1, _MANY_ROWS // len(good.scores.y))
    _judge(gate, _select_rows(good, np.tile(np.arange(len(good.scores.y)), times)), f"{_MANY_ROWS} rows")


def is_frozen_and_knows_its_fields(gate: Gate, good: Evidence) -> None:  # noqa: ARG001 - every promise takes both
    """A gate is frozen, refuses unknown fields, and equals itself after a round trip through JSON."""
    for name in type(gate).model_fields:
        try:
            setattr(gate, name, getattr(gate, name))
        except ValidationError:
            continue
        must_hold(False, f"its field {name} must be frozen")
    try:
        type(gate).model_validate(gate.model_dump() | {"no_such_field": 1})
    except ValidationError:
        pass
    else:
        must_hold(False, "it must refuse a field that it does not have")
    again = type(gate).model_validate(json.loads(json.dumps(gate.model_dump(mode="json"), allow_nan=False)))
    must_hold(again == gate, "it must survive its own JSON")


GATE_PROMISES: Final[tuple[Callable[[Gate, Evidence], None], ...]] = (
    passes_on_good_evidence,
    gives_a_name_and_a_reason,
    gives_the_same_verdict_again,
    leaves_the_evidence_unchanged,
    reads_only_the_columns_it_names,
    never_passes_on_nan_of_the_challenger,
    never_passes_on_nan_of_the_opponent,
    never_passes_without_an_opponent,
    never_passes_without_metrics,
    never_passes_on_what_was_not_measured,
    never_passes_on_no_rows,
    never_passes_on_three_rows,
    judges_a_single_class,
    judges_many_rows,
    is_frozen_and_knows_its_fields,
)
"""Each takes a gate, and evidence on which it must pass; each raises AssertionError if the promise is broken."""


def _judge(gate: Gate, evidence: Evidence, of: str) -> Verdict:
    """Return the verdict on a copy, checked: it is a verdict, and its JSON reads back as the same."""
    try:
        verdict = gate.judge(copy.deepcopy(evidence))
    except Exception as error:
        raise AssertionError(f"it must give a verdict on {of}, but raises {type(error).__name__}: {error}") from error
    must_hold(isinstance(verdict, Verdict), f"it must return a Verdict on {of}")
    must_hold(isinstance(verdict.outcome, Outcome), f"its verdict on {of} must have an Outcome")
    try:
        document = json.dumps(verdict.to_json(), allow_nan=False)
        again = Verdict.from_json(json.loads(document))
    except (AttributeError, TypeError, ValueError) as error:
        raise AssertionError(f"its verdict on {of} must be plain JSON: {error}") from error
    must_hold(json.dumps(again.to_json()) == document, f"its verdict on {of} must survive its JSON")
    return verdict


def _never_passes(gate: Gate, good: Evidence, bad: Evidence, of: str) -> None:
    verdict = _judge(gate, bad, of)
    if verdict.outcome is Outcome.PASS:
        unread = _plain(verdict) == _plain(_judge(gate, good, "good evidence"))
        must_hold(unread, f"it must not pass on {of}, but says: {verdict.reason}")


def _plain(verdict: Verdict) -> dict[str, Any]:
    """Return what can be compared: NaN is not equal to itself."""
    return verdict.to_json()


def _replace_scores(evidence: Evidence, **parts: Any) -> Evidence:
    return replace(evidence, scores=replace(evidence.scores, **parts))


def _select_rows(evidence: Evidence, rows: Any) -> Evidence:
    """Return the evidence on some of the rows, in an order, with the metrics that they make."""
    whole, card = evidence.scores, evidence.scorecard
    scores = Scores(
        whole.y[rows],
        whole.challenger[rows],
        None if whole.opponent is None else whole.opponent[rows],
        whole.event_time[rows],
        {name: values[rows] for name, values in whole.columns.items()},
        whole.baseline,
    )
    made = make_evidence(
        scores,
        metrics=list(card.challenger_metrics),
        slices=list(dict.fromkeys(item.column for item in card.slices)),
    ).scorecard
    measured = {name: getattr(made, name) for name in ("rows", "challenger_metrics", "opponent_metrics", "slices")}
    return replace(evidence, scorecard=replace(card, **measured), scores=scores)


def _fill_with_nan(evidence: Evidence, side: str) -> Evidence:
    card, scores = evidence.scorecard, evidence.scores

    def nan_of(metrics: dict[str, float]) -> dict[str, Any]:
        return {side: dict.fromkeys(metrics, math.nan)}

    metrics: dict[str, Any] = {f"{side}_metrics": nan_of(card.challenger_metrics)[side]}
    slices = tuple(replace(item, **nan_of(item.challenger)) for item in card.slices)
    said: dict[str, Any] = {side: np.full_like(scores.challenger, np.nan)}
    return replace(evidence, scorecard=replace(card, slices=slices, **metrics), scores=replace(scores, **said))


def _same(one: Any, other: Any) -> bool:
    return one is other or bool(np.array_equal(one.astype(str), other.astype(str)))
