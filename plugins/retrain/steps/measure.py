"""Measure the last versions of a timeline on the rows that none of its retrains has measured before."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from retrain.core.data.snapshot import Snapshot
from retrain.core.evaluation.measuring import VersionScores, measure_scores
from retrain.core.evaluation.scores import Scores
from retrain.core.policy.decision import Challenger
from retrain.core.policy.gates import Gate
from retrain.core.ratings import MOST_VERSIONS, Measurement
from retrain.core.resources import Retrain
from retrain.errors import DataError, IntegrityError, NotFoundError, TrainingError
from retrain.steps.refit import fetch_version
from retrain.steps.scoring import ScoredModel, align_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

__all__ = ["choose_fresh_rows", "list_rated_by", "measure_versions"]

log = logging.getLogger(__name__)

_MOST_ROWS: Final = 100_000
"""More fresh rows are thinned out: the luck of whole days does not shrink with the rows of a day."""


def list_rated_by(gates: Iterable[Gate]) -> list[tuple[str, str | None]]:
    """Return each (metric, clusters) by which a gate has versions rated, once."""
    return list(dict.fromkeys(gate.rated for gate in gates if gate.rated is not None))


def choose_fresh_rows(times: NDArray[np.datetime64], measured_until: datetime | None, key: str) -> NDArray[np.bool_]:
    """Return an (n,) mask of the rows to measure on: those at or after an instant, or all if it is None.

    Of more than 100,000 rows as many are chosen at random, with the retrain's key as the seed.
    """
    fresh = np.ones(len(times), dtype=bool)
    if measured_until is not None:
        fresh = times >= np.datetime64(measured_until.replace(tzinfo=None), "us")
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
    request, ledger = retrain.request, retrain.resources.ledger
    past = ledger.measurements(request.model, request.timeline, request.as_of)
    until = max((measurement.end for measurement in past), default=None)
    fresh = choose_fresh_rows(scores.event_time, until, challenger.key)
    start = max(until or snapshot.window.holdout_start, snapshot.window.holdout_start)
    fresh_rows, fresh_scored, fresh_scores = rows[fresh].reset_index(drop=True), scored.on(fresh), scores.on(fresh)
    sides = [VersionScores(challenger.version, request.as_of, replace(fresh_scores, opponent=fresh_scores.challenger))]
    if champion is not None:
        sides.append(VersionScores(*champion, fresh_scores))
    unscored: dict[int, str] = {}
    known = {side.version for side in sides}
    for earlier, as_of in _list_versions(retrain, challenger):
        if earlier.version in known:
            continue
        try:
            opponent = _score(retrain, earlier, fresh_rows)
            sides.append(
                VersionScores(earlier.version, as_of, align_scores(retrain.spec, fresh_rows, fresh_scored, opponent))
            )
        except (DataError, IntegrityError, NotFoundError, TrainingError) as error:
            unscored[earlier.version] = str(error)
            log.warning("Version %s of %s leaves the rating: %s", earlier.version, request.model, error)
    return tuple(
        measure_scores(metric, by, request.as_of, (start, snapshot.window.end), sides, unscored)
        for metric, by in rated_by
    )


def _list_versions(retrain: Retrain, challenger: Challenger) -> Iterator[tuple[Challenger, datetime]]:
    """Yield the last versions that earlier retrains made, with their as-of, the newest first."""
    request = retrain.request
    made = {
        decision.challenger.version: (decision.challenger, decision.as_of)
        for decision in retrain.resources.ledger.decisions(request.model, request.timeline)
        if decision.challenger and decision.as_of <= request.as_of and decision.challenger.version != challenger.version
    }
    yield from sorted(made.values(), key=lambda pair: (pair[1], pair[0].version), reverse=True)[:MOST_VERSIONS]


def _score(retrain: Retrain, version: Challenger, rows: DataFrame) -> ScoredModel:
    """Load the judged model of one version and score it.

    A refitted model would be newer than its rivals by a holdout, and the newest one has trained on the fresh rows.

    Raises:
        DataError: The rows lack a column that it needs.
        IntegrityError: Its artifact was altered.
        NotFoundError: Its artifact is gone.
        TrainingError: It cannot score the rows.
    """
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        registry, spec = retrain.resources.registry, retrain.spec
        files = fetch_version(registry, spec.model, version.version, version.manifest_digest, Path(scratch))
        model = retrain.trainer.load(files.judged)
    missing = [name for name in model.features if name not in rows]
    if missing:
        raise DataError(
            "the data must have the columns of the version",
            got=f"no {', '.join(missing)}",
            fix="Keep them in the query to rate it.",
        )
    return ScoredModel(model, retrain.trainer.score(model, rows))
