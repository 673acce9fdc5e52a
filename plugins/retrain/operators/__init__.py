"""One operator a step of a retrain, one an operation on a champion; each reads hook, step, small JSON."""

from retrain.operators.approve import ApprovePromotionOperator
from retrain.operators.assets import champion_asset, snapshot_asset
from retrain.operators.evaluate import EvaluateModelOperator
from retrain.operators.force import ForceChampionOperator
from retrain.operators.freeze import FreezeModelOperator
from retrain.operators.gate import QualityGateOperator
from retrain.operators.promote import PromoteModelOperator
from retrain.operators.reconcile import ReconcileModelsOperator
from retrain.operators.rehearse import RehearseRollbackOperator
from retrain.operators.replay import ReplayRetrainOperator
from retrain.operators.rollback import RollbackModelOperator
from retrain.operators.search import SearchTrialsOperator
from retrain.operators.snapshot import SnapshotDataOperator
from retrain.operators.train import TrainModelOperator
from retrain.operators.validate import ValidateDataOperator

__all__ = [
    "ApprovePromotionOperator",
    "EvaluateModelOperator",
    "ForceChampionOperator",
    "FreezeModelOperator",
    "PromoteModelOperator",
    "QualityGateOperator",
    "ReconcileModelsOperator",
    "RehearseRollbackOperator",
    "ReplayRetrainOperator",
    "RollbackModelOperator",
    "SearchTrialsOperator",
    "SnapshotDataOperator",
    "TrainModelOperator",
    "ValidateDataOperator",
    "champion_asset",
    "snapshot_asset",
]
