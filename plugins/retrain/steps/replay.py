"""Do a past retrain again, from its stored snapshot, and say how like the first one it came out."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from retrain.core.decision import Decision
from retrain.core.metrics.base import Floats
from retrain.core.ports import ModelRegistry, SnapshotStore, Trainer
from retrain.core.snapshot import Part
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError, NotFoundError, TrainingError

__all__ = ["TOLERANCE", "Likeness", "Replay", "replay_retrain"]

TOLERANCE: Final = 1e-6
"""The largest difference of a score that still counts as the same model, in the units of the score."""
_SAMPLE_ROWS: Final = 100


class Likeness(StrEnum):
    """How like the first one a replayed model is, from the best on."""

    BIT_IDENTICAL = "bit-identical"
    PREDICTION_IDENTICAL = "prediction-identical"
    WITHIN_TOLERANCE = "within tolerance"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Replay:
    """What came of a replay.

    Attributes:
        changed: Which inputs are not those of the first time: spec, code, lock.
        first_difference: Where the models differ first, or the scores: a place, never a value of the data.
        rows: How many holdout rows both scored.
    """

    decision_id: str
    likeness: Likeness
    changed: tuple[str, ...]
    first_difference: str
    rows: int


def replay_retrain(
    spec: PipelineSpec,
    decision: Decision,
    *,
    snapshots: SnapshotStore,
    trainer: Trainer,
    registry: ModelRegistry,
    tolerance: float = TOLERANCE,
) -> Replay:
    """Train again on the stored snapshot with the spec's params and seed, and compare with the version that was made then.

    Raises:
        NotFoundError: The retrain made no version, or its snapshot or artifact is gone.
        IntegrityError: Stored data or the artifact was altered.
    """
    challenger = decision.challenger
    if challenger is None:
        raise NotFoundError(
            "a retrain that is replayed must have made a version",
            got=f"one that failed at {decision.failed_step or 'an early step'}",
            fix="Choose another of `retrain history`.",
        )
    tags = registry.run_tags(challenger.run_id)
    now = {"spec": spec.digest, "code": trainer.code_digest(spec), "lock": trainer.lock_digest(spec)}
    changed = tuple(name for name, digest in now.items() if tags.get(f"retrain.{name}") != digest)
    snapshot = snapshots.load(decision.snapshot)
    columns = [name for name, _ in snapshot.columns]
    features = list(spec.feature_columns(columns))
    rows = snapshots.frame(snapshot, Part.TRAIN, [*features, spec.data.label])
    holdout = snapshots.frame(snapshot, Part.HOLDOUT, columns)
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        first = registry.fetch(spec.model, challenger.version, challenger.manifest_digest, Path(scratch))
        if spec.train.search is not None:
            spec = spec.with_params(trainer.load(first).params)  # what the search found, without searching again
        try:
            again = trainer.fit(spec, rows[features], rows[spec.data.label])
        except (DataError, TrainingError) as error:
            if not changed:
                raise
            return Replay(decision.id, Likeness.DIFFERENT, changed, f"it trains no more: {error.got}", len(holdout))
        folder = Path(scratch) / "again"
        trainer.save(again, spec, rows[features].head(_SAMPLE_ROWS), folder)
        difference = trainer.difference(first, folder)
        if not difference:
            return Replay(decision.id, Likeness.BIT_IDENTICAL, changed, "", len(holdout))
        likeness, where = _compare(
            trainer.score(trainer.load(first), holdout), trainer.score(again, holdout), tolerance
        )
    return Replay(decision.id, likeness, changed, where or difference, len(holdout))


def _compare(first: Floats, again: Floats, tolerance: float) -> tuple[Likeness, str]:
    """Return how like two sets of scores are, and where they differ first beyond the tolerance."""
    if first.shape != again.shape:
        return Likeness.DIFFERENT, f"scores of shape {again.shape} instead of {first.shape}"
    gaps = np.abs(first - again).reshape(len(first), -1).max(axis=1) if len(first) else np.zeros(0)
    if not gaps.any():
        return Likeness.PREDICTION_IDENTICAL, ""
    beyond = np.flatnonzero(gaps > tolerance)
    if not len(beyond):
        return Likeness.WITHIN_TOLERANCE, f"scores differ by at most {gaps.max():.1e}"
    return (
        Likeness.DIFFERENT,
        f"scores from holdout row {beyond[0]} on: {len(beyond)} of {len(gaps)} rows, by at most {gaps.max():.1e}",
    )
