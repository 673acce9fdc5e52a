"""One operator a step of a retrain; each reads hook, step, small JSON."""

from retrain.operators.assets import champion_asset, snapshot_asset
from retrain.operators.evaluate import EvaluateModelOperator
from retrain.operators.gate import QualityGateOperator
from retrain.operators.promote import PromoteModelOperator
from retrain.operators.snapshot import SnapshotDataOperator
from retrain.operators.train import TrainModelOperator
from retrain.operators.validate import ValidateDataOperator

__all__ = [
    "EvaluateModelOperator",
    "PromoteModelOperator",
    "QualityGateOperator",
    "SnapshotDataOperator",
    "TrainModelOperator",
    "ValidateDataOperator",
    "champion_asset",
    "snapshot_asset",
]
