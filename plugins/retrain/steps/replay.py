"""Do a past retrain again, from its stored snapshot, and say how like the first one it came out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.policy.decision import Decision
from retrain.core.ports import Trainer
from retrain.core.resources import Resources
from retrain.core.spec import PipelineSpec
from retrain.core.stats.metrics.base import Floats
from retrain.core.training.recipe import Recipe
from retrain.errors import NotFoundError, TrainingError
from retrain.steps.refit import fetch_version

if TYPE_CHECKING:
    from pandas import DataFrame

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

    Of a refitted version both models are trained again; the likeness is the worse of the two.

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
        files = fetch_version(registry, spec.model, challenger.version, challenger.manifest_digest, Path(scratch))
        restored, changed = _not_as_it_was(spec, tags, trainer.recipe(files.judged), trainer)
        models = [("", files.judged, Part.TRAIN)]
        if files.refit is not None:
            models.append(("the refitted model: ", files.served, Part.LABELLED))
        found = []
        for name, first, part in models:
            try:
                again = _train_again(spec, first, snapshot, part, resources)
            except TrainingError as error:
                if not changed:
                    raise
                likeness, where = Likeness.DIFFERENT, f"it trains no more: {error.got}"
            else:
                likeness, where = _find_difference(first, again, holdout, trainer, tolerance)
            found.append((likeness, f"{name}{where}" if where else ""))
    likeness, difference = max(found, key=lambda pair: list(Likeness).index(pair[0]))
    return Replay(decision.id, likeness, restored, changed, difference, len(holdout))


def _train_again(spec: PipelineSpec, first: Path, snapshot: Snapshot, part: Part, resources: Resources) -> Path:
    """Train a stored model again on the rows of its part, beside it; return the new model's folder.

    Raises:
        TrainingError: Its recipe does not train any more.
    """
    trainer = resources.load_trainer(spec)
    recipe, features = trainer.recipe(first), trainer.load(first).features
    rows = resources.snapshots.frame(snapshot, part, [*features, recipe.spec.data.label])
    again = first.with_name(f"{first.name}-again")
    resources.train_by_recipe(recipe, rows, again, current_spec=spec)
    return again


def _find_difference(
    first: Path, again: Path, holdout: DataFrame, trainer: Trainer, tolerance: float
) -> tuple[Likeness, str]:
    """Return how like two stored models are, and where they differ first."""
    difference = trainer.find_difference(first, again)
    if not difference:
        return Likeness.BIT_IDENTICAL, ""
    scores, scores_again = (trainer.score(trainer.load(folder), holdout) for folder in (first, again))
    likeness, where = _compare(scores, scores_again, tolerance)
    return likeness, where or difference


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
