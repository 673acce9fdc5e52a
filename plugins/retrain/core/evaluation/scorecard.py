"""The scorecard: metrics of challenger and opponent on the same holdout rows, overall and per slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrain.core.codec import STORED_NAME, JsonDataclass
from retrain.core.digest import digest_json
from retrain.core.evaluation.refit import RefitCheck
from retrain.core.evaluation.resource_usage import ResourceUsage
from retrain.core.evaluation.scores import Opponent, Scores
from retrain.core.ledger.entries import Pointer
from retrain.core.ratings.measurement import Measurement
from retrain.core.stats.drift import Profile
from retrain.core.stats.metrics import METRICS
from retrain.core.stats.metrics.base import Floats

__all__ = ["Scorecard", "SliceScore", "score_slices", "value_of"]


@dataclass(frozen=True)
class SliceScore:
    """The metrics of one slice: the rows whose `column` has `value`."""

    column: str
    value: str
    rows: int
    challenger: dict[str, float]
    opponent: dict[str, float]


@dataclass(frozen=True)
class Scorecard(JsonDataclass):
    """The measurements of one retrain, before any gate judges them.

    Attributes:
        key: The key of the retrain.
        opponent: The model that the challenger was compared with; None if the champion could not be loaded.
        why_no_opponent: The reason in that case.
        champion: The pointer as it was read, so that the decision and the promotion rest on the same generation.
        scores: The sha256 of the stored per-row scores.
        dropped_rows: How many holdout rows were left out because the champion's training covers them.
        profile: Describes the window; None if no gate needs it.
        resource_usage: What the challenger costs; None if no gate needs it, or if it could not be measured.
        resource_usage_problem: Why it could not be measured.
        measurements: The last versions on the window's fresh rows, one per way in which a gate has them rated.
        refit: The refitted model that the version serves, beside the judged one; None if the version holds one model.
    """

    key: str
    model: str
    timeline: str
    rows: int
    opponent: Opponent | None
    why_no_opponent: str
    champion: Pointer | None
    challenger_metrics: dict[str, float]
    opponent_metrics: dict[str, float]
    scores: str
    dropped_rows: int = field(default=0, metadata={STORED_NAME: "cut"})
    slices: tuple[SliceScore, ...] = field(default=())
    profile: Profile | None = None
    resource_usage: ResourceUsage | None = field(default=None, metadata={STORED_NAME: "footprint"})
    resource_usage_problem: str = field(default="", metadata={STORED_NAME: "why_no_footprint"})
    measurements: tuple[Measurement, ...] = ()
    refit: RefitCheck | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; one without measurements or refit keeps the digest that it had before there were any."""
        document = super().to_json()
        for name in ("measurements", "refit"):
            if not document[name]:
                del document[name]
        return document

    def find_measurement(self, metric: str, cluster_by: str | None) -> Measurement | None:
        """Return the measurement by a metric and clusters; None if there is none."""
        return next((each for each in self.measurements if each.rated_by == (metric, cluster_by)), None)

    @property
    def digest(self) -> str:
        """The sha256 of the scorecard."""
        return digest_json(self.to_json())


def value_of(metrics: Sequence[str], y: Floats, scores: Floats | None) -> dict[str, float]:
    """Return the named metrics; empty if there are no scores."""
    return {} if scores is None else {name: METRICS[name].value(y, scores) for name in metrics}


def score_slices(
    metrics: Sequence[str], columns: Sequence[str], scores: Scores, *, most: int = 200
) -> Iterator[SliceScore]:
    """Yield the scores of each value of each column, at most the `most` frequent values of a column."""
    for column in columns:
        values, codes, counts = np.unique(scores.columns[column].astype(str), return_inverse=True, return_counts=True)
        for index in np.argsort(-counts, kind="stable")[:most]:
            rows = codes == index
            yield SliceScore(
                column,
                str(values[index]),
                int(counts[index]),
                value_of(metrics, scores.y[rows], scores.challenger[rows]),
                value_of(metrics, scores.y[rows], None if scores.opponent is None else scores.opponent[rows]),
            )
