"""Make the challenger, or find the one that the same inputs made before."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from retrain.core.data.snapshot import Snapshot
from retrain.core.ledger.step_result import Step
from retrain.core.policy.decision import Challenger
from retrain.core.resources import Retrain
from retrain.steps.refit import fit_version
from retrain.steps.results import describe_step, require_snapshot
from retrain.steps.search import ReportProgress, search_params
from retrain.steps.training import Training

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["train_challenger"]

_SAMPLE_ROWS: Final = 100


def train_challenger(
    retrain: Retrain, snapshot: Snapshot, *, report_progress: ReportProgress = lambda _: None
) -> Challenger:
    """Return the one challenger of the retrain's key, fitted with the best params if the spec has a search.

    If the spec says `train.refit`, the version holds two models of the same recipe: one to judge, and one to serve.

    Raises:
        TrainingError: The estimator cannot be built or fitted, or others could not load the model.
        DataError: The training rows cannot be learnt from.
        IntegrityError: The snapshot is not the one that this retrain took.
    """
    require_snapshot(retrain, snapshot)
    with retrain.resources.freeze_code(retrain.spec) as spec:
        challenger = _train(replace(retrain, spec=spec), snapshot, report_progress, project=retrain.spec.root)
    retrain.resources.ledger.record_result(describe_step(retrain, Step.TRAIN, snapshot.digest, challenger))
    return challenger


def _train(retrain: Retrain, snapshot: Snapshot, report_progress: ReportProgress, *, project: Path) -> Challenger:
    training, resources = Training.of(retrain, snapshot), retrain.resources
    if existing := resources.registry.find_challenger(retrain.spec.model, training.key):
        training.check_resumed(existing)
        return existing
    run_id = training.open_run()
    spec = retrain.spec.with_params(search_params(training, run_id, report_progress=report_progress))
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        fitted = fit_version(retrain, spec, snapshot, Path(scratch))
        training.check_code()
        sample = _pick_sample(fitted.rows)
        resources.serving_test(fitted.folder, sample, retrain.trainer.score(fitted.model, sample), project=project)
        return resources.registry.publish(spec.model, training.key, run_id, fitted.folder)


def _pick_sample(features: DataFrame) -> DataFrame:
    """Return the first rows, and of each column the first row without a value."""
    missing = [int(mask.to_numpy().argmax()) for _, mask in features.isna().items() if mask.any()]
    return features.iloc[sorted({*range(min(_SAMPLE_ROWS, len(features))), *missing})]
