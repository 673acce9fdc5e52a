"""What a retrain does: one function a step, over the ports, without any framework."""

from retrain.steps.decide import decide_retrain, record_failure
from retrain.steps.evaluate import evaluate_challenger
from retrain.steps.promote import project_alias, promote_challenger
from retrain.steps.snapshot import take_snapshot
from retrain.steps.train import train_challenger
from retrain.steps.validate import validate_snapshot

__all__ = [
    "decide_retrain",
    "evaluate_challenger",
    "project_alias",
    "promote_challenger",
    "record_failure",
    "take_snapshot",
    "train_challenger",
    "validate_snapshot",
]
