"""Made-up scores of a challenger and its opponent, and the evidence that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from retrain.core.evidence import Evidence
from retrain.core.ledger import Pointer
from retrain.core.metrics.base import Floats
from retrain.core.scorecard import Scorecard, score_slices, value_of
from retrain.core.scores import Opponent, Scores

__all__ = ["make_evidence", "make_scores"]

_METRICS: Final = {
    "classification": ("roc_auc", "log_loss", "brier", "accuracy"),
    "regression": ("mae", "rmse", "r2"),
}
_CHAMPION: Final = Pointer("churn", "production", 3, "d" * 64, 3, datetime(2024, 6, 1, tzinfo=UTC), "k" * 64)


def make_scores(
    rows: int = 400,
    *,
    task: str = "classification",
    classes: int = 2,
    challenger: float = 0.8,
    opponent: float | None = 0.3,
    seed: int = 7,
    a_day: int = 20,
    columns: Mapping[str, Any] | None = None,
) -> Scores:
    """Return scores on `rows` rows from 1 June 2024 on, with a column ``place`` and a dummy that says the average.

    Args:
        task: ``classification`` or ``regression``.
        challenger: How much the challenger knows, from 0 (nothing) to 1.
        opponent: The same of the opponent; None for no opponent.
        a_day: Rows a day.
        columns: More columns of the data, each (rows,).
    """
    random = np.random.default_rng(seed)
    time = np.datetime64("2024-06-01", "us") + np.arange(rows) // a_day * np.timedelta64(1, "D")
    place = np.array(["north", "south"], dtype=object)[np.arange(rows) % 2]
    if task == "regression":
        y = random.normal(size=rows)
        baseline = np.zeros(1)

        def say(skill: float) -> Floats:
            return np.asarray(skill * y + (1 - skill) * random.normal(size=rows))
    else:
        y = (np.arange(rows) % classes).astype(float)
        random.shuffle(y)
        baseline = np.full(classes, 1 / classes)

        def say(skill: float) -> Floats:
            strength = random.gamma(1.0, size=(rows, classes)) + 3 * skill * (y[:, None] == np.arange(classes))
            return np.asarray(strength / strength.sum(axis=1, keepdims=True))

    theirs = (say(challenger), None if opponent is None else say(opponent))
    named = {"place": place} | {name: _as_stored(values) for name, values in (columns or {}).items()}
    return Scores(y, *theirs, time, named, baseline)


def _as_stored(values: Any) -> NDArray[Any]:
    """Return a column as it comes out of a store of scores: texts are objects."""
    array = np.asarray(values)
    return array.astype(object) if array.dtype.kind == "U" else array


def make_evidence(
    scores: Scores,
    *,
    metrics: Sequence[str] | None = None,
    slices: Sequence[str] = ("place",),
    opponent: Opponent = "champion",
    **changes: Any,
) -> Evidence:
    """Return the evidence that `scores` make: their metrics, overall and by slice; `changes` are of the scorecard."""
    names = _METRICS["regression" if scores.challenger.ndim == 1 else "classification"] if metrics is None else metrics
    card = Scorecard(
        key="0123456789abcdef" * 4,
        model=_CHAMPION.model,
        timeline=_CHAMPION.timeline,
        rows=len(scores.y),
        opponent=None if scores.opponent is None else opponent,
        why_no_opponent="the champion is lost" if scores.opponent is None else "",
        champion=_CHAMPION,
        challenger_metrics=value_of(names, scores.y, scores.challenger),
        opponent_metrics=value_of(names, scores.y, scores.opponent),
        scores="5" * 64,
        slices=tuple(score_slices(names, slices, scores)),
    )
    return Evidence(replace(card, **changes), scores)
