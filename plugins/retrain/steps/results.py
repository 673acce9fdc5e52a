"""What the steps of a retrain record in the ledger, and the checks before a step believes what it is handed.

Anyone who may run a DAG in Airflow may also write its XComs and mark its tasks as success. So each step looks up what the steps
before it recorded for the same request, and works out again what the request determines.
"""

from __future__ import annotations

from dataclasses import replace

from retrain.core.data.snapshot import Snapshot
from retrain.core.digest import digest_json
from retrain.core.ledger.step_result import Step, StepResult
from retrain.core.policy.decision import Challenger
from retrain.core.resources import Retrain
from retrain.errors import IntegrityError
from retrain.steps.suite import read_suite
from retrain.steps.training import Training

__all__ = [
    "describe_step",
    "require_challenger",
    "require_snapshot",
    "require_step",
    "require_validation",
    "was_trained",
]


def describe_step(
    retrain: Retrain,
    step: Step,
    snapshot: str,
    challenger: Challenger | None = None,
    *,
    suite: str = "",
    scorecard: str = "",
) -> StepResult:
    """Return the record of a step of this retrain that worked on the snapshot of a digest."""
    result = StepResult(step, retrain.request.id, snapshot, suite=suite, scorecard=scorecard, spec=retrain.spec.digest)
    if challenger is None:
        return result
    return replace(result, key=challenger.key, version=challenger.version, manifest_digest=challenger.manifest_digest)


def require_step(retrain: Retrain, result: StepResult) -> StepResult:
    """Check that a step of this retrain recorded exactly this, and return the record.

    Raises:
        IntegrityError: It did not.
    """
    if not retrain.resources.ledger.has_result(result):
        step = result.step.value
        raise IntegrityError(
            f"the step {step} of this retrain must have recorded the result that is handed on",
            got="no such record: the task did not end well, the spec changed since, or something else wrote its XCom",
            fix=f"Clear the task {step} with what is downstream of it.",
        )
    return result


def was_trained(retrain: Retrain, snapshot: str, challenger: Challenger) -> bool:
    """Return whether this retrain trained or found a challenger on the snapshot of a digest."""
    return retrain.resources.ledger.has_result(describe_step(retrain, Step.TRAIN, snapshot, challenger))


def require_snapshot(retrain: Retrain, snapshot: Snapshot) -> None:
    """Check that a snapshot is the one that this retrain took, of the window that its as-of gives.

    Raises:
        IntegrityError: It is not.
    """
    require_step(retrain, describe_step(retrain, Step.SNAPSHOT, snapshot.digest))
    window = retrain.spec.window_at(retrain.request.as_of)
    if snapshot.window != window:
        raise IntegrityError(
            f"the snapshot must be of the window that as-of {window.as_of:%Y-%m-%d %H:%M} gives",
            got=f"one of as-of {snapshot.window.as_of:%Y-%m-%d %H:%M}, or of another data.window",
            fix="Clear the task snapshot with what is downstream of it.",
        )


def require_validation(retrain: Retrain, snapshot: Snapshot) -> StepResult:
    """Check that this retrain's snapshot met the expectations of the current suite, and return the record.

    Raises:
        IntegrityError: It has not been validated.
    """
    suite = digest_json(read_suite(retrain.spec))
    return require_step(retrain, describe_step(retrain, Step.VALIDATE, snapshot.digest, suite=suite))


def require_challenger(retrain: Retrain, snapshot: Snapshot, challenger: Challenger) -> None:
    """Check that a challenger is the one that this retrain trained on this snapshot, and the registry's.

    Raises:
        IntegrityError: It is not.
    """
    require_snapshot(retrain, snapshot)
    require_step(retrain, describe_step(retrain, Step.TRAIN, snapshot.digest, challenger))
    key = Training.of(retrain, snapshot).key
    if challenger.key != key:
        raise IntegrityError(
            "a challenger must be of the key that the inputs of its retrain give",
            got=f"key {challenger.key[:12]}, not {key[:12]}: the spec, its code or the packages changed since it was trained",
            fix="Clear the task train with what is downstream of it.",
        )
    registered = retrain.resources.registry.find_version(retrain.spec.model, challenger.version)
    if registered != challenger:
        raise IntegrityError(
            f"version {challenger.version} of {retrain.spec.model} must be in the registry as it was trained",
            got="another key, run or digest" if registered else "no such version",
            fix="Restore the version's tags, or clear the task train with what is downstream of it.",
        )
