"""The two models of a version: the judged one, and the same recipe fitted again on all labelled rows, which is served.

One version holds both, and its manifest covers both. So what the gates judged, what a person approved and what the pointer names
are bound to each other by one digest, and no task hands on a second version that another one would have to believe.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.evaluation.refit import LEAST_LEAD, Refit, RefitCheck, compute_agreement
from retrain.core.evaluation.scorecard import value_of
from retrain.core.evaluation.scores import align_classes
from retrain.core.failpoints import failpoint
from retrain.core.ports import FittedModel, ModelRegistry
from retrain.core.resources import Retrain
from retrain.core.spec import PipelineSpec
from retrain.core.training.artifact import digest_manifest
from retrain.errors import DataError, IntegrityError, TrainingError
from retrain.steps.scoring import ScoredModel, align_scores, check_positive

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["JUDGED_FOLDER", "REFIT_FILE", "FittedFolder", "VersionFiles", "check_refit", "fetch_version", "fit_version"]

JUDGED_FOLDER: Final = "judged"
"""The folder of an artifact that holds the judged model, if the model at its top is a refitted one."""
REFIT_FILE: Final = "refit.json"
_AGREEMENT_ROWS: Final = 10_000


@dataclass(frozen=True)
class FittedFolder:
    """A new version's folder, and the model at its top.

    Attributes:
        rows: The features that this model was fitted on.
    """

    folder: Path
    model: FittedModel
    rows: DataFrame


@dataclass(frozen=True)
class VersionFiles:
    """The verified models of a stored version.

    Attributes:
        served: The folder of the model that the registry serves.
        judged: The folder of the model that gates judge; the same one if the version was not refitted.
        refit: What was refitted on which rows; None if the version holds one model.
    """

    served: Path
    judged: Path
    refit: Refit | None


def fit_version(retrain: Retrain, spec: PipelineSpec, snapshot: Snapshot, scratch: Path) -> FittedFolder:
    """Fit and save the judged model and, if the spec says so, the refitted one.

    Both agree on rows that both were fitted on. The holdout would not do: the refitted model trained on it and the judged one
    did not, so that of two sound models which learn rows by heart, one would know every label there.

    Args:
        spec: The spec with the params that a search chose.
        scratch: An existing folder.

    Raises:
        TrainingError: A model cannot be fitted or saved, or the refitted model is another one.
        DataError: The rows cannot be learnt from.
    """
    trainer, folder = retrain.trainer, scratch / "model"
    judged, rows = _fit(retrain, spec, snapshot, Part.TRAIN)
    if not spec.train.refit:
        trainer.save(judged, spec, rows, folder)
        return FittedFolder(folder, judged, rows)
    judged_folder, judged_rows = scratch / JUDGED_FOLDER, len(rows)
    trainer.save(judged, spec, rows, judged_folder)
    sample = rows.iloc[np.unique(np.linspace(0, judged_rows - 1, _AGREEMENT_ROWS).astype(int))]
    del rows  # the second fit has the memory for itself
    failpoint("judged_fitted")
    try:
        served, rows = _fit(retrain, spec, snapshot, Part.LABELLED)
    except (DataError, TrainingError) as error:
        raise type(error)(f"in the refit on all labelled rows {error.must}", got=error.got, fix=error.fix) from error
    agreement = _measure_agreement(retrain, sample, judged, served)
    trainer.save(served, spec, rows, folder)
    start, end = snapshot.span(Part.LABELLED)
    digests = (digest_manifest(judged_folder), digest_manifest(folder))
    refit = Refit(*digests, judged_rows, len(rows), start, end, round(agreement, 6))
    judged_folder.replace(folder / JUDGED_FOLDER)
    (folder / REFIT_FILE).write_text(json.dumps(refit.to_json(), sort_keys=True, indent=1), encoding="utf-8")
    return FittedFolder(folder, served, rows)


def _fit(retrain: Retrain, spec: PipelineSpec, snapshot: Snapshot, part: Part) -> tuple[FittedModel, DataFrame]:
    """Return the model of one part, and the features that it was fitted on."""
    features = list(spec.feature_columns([name for name, _ in snapshot.columns]))
    rows = retrain.resources.snapshots.frame(snapshot, part, [*features, spec.data.label])
    model = retrain.trainer.fit(spec, rows[features], rows[spec.data.label])
    check_positive(spec, model.classes)
    return model, rows[features]


def _measure_agreement(retrain: Retrain, rows: DataFrame, judged: FittedModel, served: FittedModel) -> float:
    """Return the agreement of two models on some rows.

    Raises:
        TrainingError: It is not above 0.
    """
    scores, refitted = retrain.trainer.score(judged, rows), retrain.trainer.score(served, rows)
    if judged.classes is not None and served.classes is not None:
        scores = align_classes(scores, judged.classes, served.classes)
    agreement = compute_agreement(scores, refitted)
    if not agreement > 0:
        raise TrainingError(
            "the refitted model must be nearer to the judged model, on rows that both trained on, than a constant is",
            got=f"an agreement of {agreement:.2f}, which must be above 0",
            fix="Look at the labels of the last rows; steady the estimator, or leave train.refit out.",
        )
    return agreement


def fetch_version(
    registry: ModelRegistry, model: str, version: int, manifest_digest: str, folder: Path
) -> VersionFiles:
    """Copy a version below an existing empty folder, verify it, and part its two models.

    Raises:
        NotFoundError: The version or its artifact does not exist.
        IntegrityError: The artifact does not have that digest, was never finished, or its refit cannot be read.
    """
    served = registry.fetch(model, version, manifest_digest, folder)
    facts = served / REFIT_FILE
    if not facts.is_file():
        return VersionFiles(served, served, None)
    try:
        refit = Refit.from_json(json.loads(facts.read_text(encoding="utf-8")))
        judged = (served / JUDGED_FOLDER).replace(served.with_name(f"{served.name}-{JUDGED_FOLDER}"))
    except (OSError, ValueError, TypeError) as error:
        raise IntegrityError(
            f"a refitted version must hold {REFIT_FILE} and the folder {JUDGED_FOLDER}",
            got=type(error).__name__,
            fix="Retrain it with a nonce.",
        ) from error
    facts.unlink()
    return VersionFiles(served, judged, refit)


def check_refit(retrain: Retrain, files: VersionFiles, holdout: DataFrame, judged: ScoredModel) -> RefitCheck | None:
    """Return the refitted model's primary metric on the holdout beside the judged one's; None if the version holds one model.

    The refitted model trained on these rows, so it should do better here. If it does worse, its fit went wrong.

    Raises:
        TrainingError: It keeps less than nine tenths of the judged model's lead over a constant.
    """
    if files.refit is None:
        return None
    spec, model = retrain.spec, retrain.trainer.load(files.served)
    served = ScoredModel(model, retrain.trainer.score(model, holdout))
    metric = spec.evaluation.primary

    scores = align_scores(spec, holdout, judged, served)
    constant = align_scores(spec, holdout, judged, ScoredModel.baseline_of(judged.model, len(holdout)))
    values = [(scores.y, scores.challenger), (scores.y, scores.opponent), (constant.y, constant.opponent)]
    judged_value, served_value, constant_value = (value_of([metric], y, side)[metric] for y, side in values)
    check = RefitCheck(files.refit, metric, judged_value, served_value, constant_value)
    if not check.holds:
        raise TrainingError(
            f"the refitted model must keep {LEAST_LEAD:.0%} of the judged model's lead over a constant, on a holdout that it"
            " trained on",
            got=f"{metric} {served_value:.4f} after {judged_value:.4f}, with {constant_value:.4f} for the constant",
            fix="Look at the labels of the rows between training range and holdout, or leave train.refit out.",
        )
    return check
