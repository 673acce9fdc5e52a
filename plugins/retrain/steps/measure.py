"""Measure the last versions of a timeline on the rows that none of its retrains has measured before."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from retrain.core.data.snapshot import Snapshot
from retrain.core.evaluation.measuring import VersionScores, measure_scores
from retrain.core.evaluation.scores import Scores
from retrain.core.policy.decision import Challenger, Decision
from retrain.core.policy.gates import Gate
from retrain.core.ports import FittedModel
from retrain.core.ratings import MOST_VERSIONS, Measurement
from retrain.core.resources import Retrain
from retrain.errors import DataError, IntegrityError, NotFoundError, TrainingError
from retrain.steps.refit import fetch_version
from retrain.steps.scoring import ScoredModel, align_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

__all__ = ["choose_fresh_rows", "find_fresh_start", "list_rated_by", "measure_versions"]

log = logging.getLogger(__name__)

_MOST_ROWS: Final = 100_000
"""More fresh rows are thinned out: the luck of whole days does not shrink with the rows of a day."""


def list_rated_by(gates: Iterable[Gate]) -> list[tuple[str, str | None]]:
    """Return each (metric, clusters) by which a gate has versions rated, once."""
    return list(dict.fromkeys(gate.rated for gate in gates if gate.rated is not None))


def find_fresh_start(
    past: Sequence[Measurement], holdout_start: datetime, rated_by: tuple[str, str | None]
) -> datetime:
    """Return the first instant of a holdout's rows that no earlier window has; windows that tell nothing have none.

    Args:
        rated_by: The metric and clusters of the rating.
    """
    ends = [each.end for each in past if each.tells and each.rated_by == rated_by]
    return max([holdout_start, *ends])


def choose_fresh_rows(times: NDArray[np.datetime64], start: datetime, key: str) -> NDArray[np.bool_]:
    """Return an (n,) mask of the rows to measure on: those at or after an instant.

    Of more than 100,000 rows as many are chosen at random, with the retrain's key as the seed.
    """
    fresh = times >= np.datetime64(start.replace(tzinfo=None), "us")
    found = np.flatnonzero(fresh)
    if len(found) > _MOST_ROWS:
        fresh = np.zeros(len(times), dtype=bool)
        fresh[np.random.default_rng(int(key[:8], 16)).choice(found, _MOST_ROWS, replace=False)] = True
    return np.asarray(fresh)


def measure_versions(
    retrain: Retrain,
    snapshot: Snapshot,
    challenger: Challenger,
    rows: DataFrame,
    scored: ScoredModel,
    scores: Scores,
    champion: tuple[int, datetime] | None,
) -> tuple[Measurement, ...]:
    """Return the measurements that the pipeline's gates rate versions by; empty if none does.

    The last 24 versions of the timeline are scored, and the champion. One that cannot be scored any more is listed with the
    reason, and stops nothing.

    Args:
        rows: The compared rows of the holdout.
        scored: The challenger with its scores on them.
        scores: Both sides' scores on them.
        champion: Version and as-of of the champion, if the opponent's scores are its own.
    """
    rated_by = list_rated_by(retrain.spec.gate)
    if not rated_by:
        return ()
    request, window = retrain.request, snapshot.window
    past = retrain.resources.ledger.measurements(request.model, request.timeline, request.as_of)
    starts = {rating: find_fresh_start(past, window.holdout_start, rating) for rating in rated_by}
    start = min(starts.values())
    fresh = choose_fresh_rows(scores.event_time, start, challenger.key)
    fresh_rows, fresh_scored, fresh_scores = rows[fresh].reset_index(drop=True), scored.on(fresh), scores.on(fresh)
    sides = [VersionScores(challenger.version, request.as_of, replace(fresh_scores, opponent=fresh_scores.challenger))]
    if champion is not None:
        sides.append(VersionScores(*champion, fresh_scores))
    unscored: dict[int, str] = {}
    known = {side.version for side in sides}
    for decision, earlier in _list_versions(retrain, challenger):
        if earlier.version in known:
            continue
        try:
            _check_unseen(decision, start)
            opponent = _score(retrain, earlier, scored.model, fresh_rows)
            aligned = align_scores(retrain.spec, fresh_rows, fresh_scored, opponent)
        except (DataError, IntegrityError, NotFoundError, TrainingError) as error:
            unscored[earlier.version] = str(error)
            log.warning("Version %s of %s leaves the rating: %s", earlier.version, request.model, error)
        else:
            sides.append(VersionScores(earlier.version, decision.as_of, aligned))
    return tuple(
        measure_scores(
            metric,
            by,
            request.as_of,
            (starts[metric, by], window.end),
            [_from(side, starts[metric, by]) for side in sides],
            unscored,
            champion=champion[0] if champion else None,
        )
        for metric, by in rated_by
    )


def _from(side: VersionScores, start: datetime) -> VersionScores:
    """Return the scores on the rows at or after an instant."""
    return replace(
        side, scores=side.scores.on(side.scores.event_time >= np.datetime64(start.replace(tzinfo=None), "us"))
    )


def _list_versions(retrain: Retrain, challenger: Challenger) -> list[tuple[Decision, Challenger]]:
    """Return the last versions that earlier retrains made, with the decisions on them, the newest first."""
    request = retrain.request
    made = {
        decision.challenger.version: (decision, decision.challenger)
        for decision in retrain.resources.ledger.decisions(request.model, request.timeline)
        if decision.challenger and decision.as_of <= request.as_of and decision.challenger.version != challenger.version
    }
    newest_first = sorted(made.values(), key=lambda pair: (pair[0].as_of, pair[1].version), reverse=True)
    return newest_first[:MOST_VERSIONS]


def _check_unseen(decision: Decision, start: datetime) -> None:
    """Check that a version trained on none of the fresh rows, which its own holdout must begin before.

    Raises:
        DataError: Its training range may reach into them.
    """
    if decision.holdout is None or decision.holdout[0] > start:
        raise DataError(
            "a rated version must not have trained on the rows that it is measured on",
            got=f"rows from {start:%Y-%m-%d} on",
            fix="Later windows begin after its training range.",
        )


def _score(retrain: Retrain, version: Challenger, challenger: FittedModel, rows: DataFrame) -> ScoredModel:
    """Load the judged model of one version and score it.

    A refitted model would be newer than its rivals by a holdout, and the newest one has trained on the fresh rows.

    Raises:
        DataError: The rows lack a column that it needs, or it has another task than the challenger.
        IntegrityError: Its artifact was altered.
        NotFoundError: Its artifact is gone.
        TrainingError: It cannot score the rows.
    """
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        registry, spec = retrain.resources.registry, retrain.spec
        files = fetch_version(registry, spec.model, version.version, version.manifest_digest, Path(scratch))
        model = retrain.trainer.load(files.judged)
    if (model.classes is None) != (challenger.classes is None):
        raise DataError(
            "a rated version must have the challenger's task",
            got="a classifier and a regression",
            fix="Give a pipeline that predicts something else another name.",
        )
    missing = [name for name in model.features if name not in rows]
    if missing:
        raise DataError(
            "the data must have the columns of the version",
            got=f"no {', '.join(missing)}",
            fix="Keep them in the query to rate it.",
        )
    return ScoredModel(model, retrain.trainer.score(model, rows))
