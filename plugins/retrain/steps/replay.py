"""Do a past retrain again, from its stored snapshot, and say how like the first one it came out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from retrain.core.data.snapshot import Part
from retrain.core.policy.decision import Decision
from retrain.core.ports import Trainer
from retrain.core.resources import Resources
from retrain.core.spec import PipelineSpec
from retrain.core.stats.metrics.base import Floats
from retrain.core.training.recipe import Recipe
from retrain.errors import NotFoundError, TrainingError

__all__ = ["TOLERANCE", "Likeness", "Replay", "replay_retrain"]

TOLERANCE: Final = 1e-6
"""The largest difference of a score that still counts as the same model, in the units of the score."""


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
        restored: What is not as it was, and was put back for the replay: spec, code.
        changed: What is not as it was and cannot be put back: packages, as ``name then (now version)``.
        first_difference: The first place at which the models or the scores differ; it never holds a value of the data.
        rows: How many holdout rows both scored.
    """

    decision_id: str
    likeness: Likeness
    restored: tuple[str, ...]
    changed: tuple[str, ...]
    first_difference: str
    rows: int


def replay_retrain(
    spec: PipelineSpec, decision: Decision, resources: Resources, *, tolerance: float = TOLERANCE
) -> Replay:
    """Train again on the stored snapshot by the version's own recipe, and compare the result with the stored version.

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
    registry, snapshots, trainer = resources.registry, resources.snapshots, resources.load_trainer(spec)
    tags = registry.run_tags(challenger.run_id)
    snapshot = snapshots.load(decision.snapshot)
    holdout = snapshots.frame(snapshot, Part.HOLDOUT, [name for name, _ in snapshot.columns])
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        first = registry.fetch(spec.model, challenger.version, challenger.manifest_digest, Path(scratch))
        recipe, made = trainer.recipe(first), trainer.load(first)
        restored, changed = _not_as_it_was(spec, tags, recipe, trainer)
        rows = snapshots.frame(snapshot, Part.TRAIN, [*made.features, recipe.spec.data.label])
        folder = Path(scratch) / "again"
        try:
            resources.train_by_recipe(recipe, rows, folder, current_spec=spec)
        except TrainingError as error:
            if not changed:
                raise
            difference = f"it trains no more: {error.got}"
            return Replay(decision.id, Likeness.DIFFERENT, restored, changed, difference, len(holdout))
        difference = trainer.find_difference(first, folder)
        if not difference:
            return Replay(decision.id, Likeness.BIT_IDENTICAL, restored, changed, "", len(holdout))
        again = trainer.load(folder)
        likeness, where = _compare(trainer.score(made, holdout), trainer.score(again, holdout), tolerance)
    return Replay(decision.id, likeness, restored, changed, where or difference, len(holdout))


def _not_as_it_was(
    spec: PipelineSpec, tags: Mapping[str, str], recipe: Recipe, trainer: Trainer
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the recipe puts back, and what it cannot."""
    restored = ["spec"] if spec.digest != tags["retrain.spec"] else []
    changed = list(recipe.changed_packages(trainer.package_versions(recipe.spec)))
    try:
        code = trainer.code_digest(spec)
    except TrainingError:
        code = ""
    if code != tags["retrain.code"]:
        if recipe.has_code:
            restored.append("code")
        else:
            changed.append(f"the installed code of {recipe.spec.train.estimator}")
    return tuple(restored), tuple(changed)


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
