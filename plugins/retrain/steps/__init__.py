"""The steps of a retrain and the operations on a champion: over the ports, without any framework."""

from retrain.steps.backtest import Policy, backtest_policies
from retrain.steps.decide import decide_retrain, record_failure
from retrain.steps.evaluate import evaluate_challenger
from retrain.steps.find_decided import find_decided
from retrain.steps.force import force_champion
from retrain.steps.freeze import freeze_model, unfreeze_model
from retrain.steps.operation import Operation, refuse_operation
from retrain.steps.pointer import project_alias
from retrain.steps.preview import Preview, preview_retrain
from retrain.steps.promote import (
    approve_promotion,
    check_own_decision,
    list_approvers,
    needs_approval,
    promote_challenger,
    refuse_promotion,
)
from retrain.steps.rate import rate_timeline
from retrain.steps.reconcile import Finding, Trouble, reconcile_all, reconcile_model
from retrain.steps.replay import Likeness, Replay, replay_retrain
from retrain.steps.report import collect_report, page_path, report_decision
from retrain.steps.rollback import RollbackPlan, plan_rollback, roll_back
from retrain.steps.search import try_params
from retrain.steps.smoke_test import smoke_test_version
from retrain.steps.snapshot import take_snapshot
from retrain.steps.train import train_challenger
from retrain.steps.validate import validate_snapshot

__all__ = [
    "Finding",
    "Likeness",
    "Operation",
    "Policy",
    "Preview",
    "Replay",
    "RollbackPlan",
    "Trouble",
    "approve_promotion",
    "backtest_policies",
    "check_own_decision",
    "collect_report",
    "decide_retrain",
    "evaluate_challenger",
    "find_decided",
    "force_champion",
    "freeze_model",
    "list_approvers",
    "needs_approval",
    "page_path",
    "plan_rollback",
    "preview_retrain",
    "project_alias",
    "promote_challenger",
    "rate_timeline",
    "reconcile_all",
    "reconcile_model",
    "record_failure",
    "refuse_operation",
    "refuse_promotion",
    "replay_retrain",
    "report_decision",
    "roll_back",
    "smoke_test_version",
    "take_snapshot",
    "train_challenger",
    "try_params",
    "unfreeze_model",
    "validate_snapshot",
]
