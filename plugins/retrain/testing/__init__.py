"""For the tests of a project or a package: what every gate and every port promises, and evidence to try a gate on."""

from retrain.testing.evidence import make_column, make_evidence, make_profile, make_resource_usage, make_scores
from retrain.testing.gate_contract import GATE_PROMISES, check_gate
from retrain.testing.ledger_contract import LEDGER_PROMISES, check_ledger
from retrain.testing.metric_contract import METRIC_PROMISES, check_metric
from retrain.testing.registry_contract import REGISTRY_PROMISES, check_registry
from retrain.testing.source_contract import (
    SOURCE_PROMISES,
    STORE_PROMISES,
    check_snapshot_source,
    check_snapshot_store,
)
from retrain.testing.trainer_contract import TRAINER_PROMISES, TrainingRows, check_trainer
from retrain.testing.validator_contract import VALIDATOR_PROMISES, ValidationCase, check_validator

__all__ = [
    "GATE_PROMISES",
    "LEDGER_PROMISES",
    "METRIC_PROMISES",
    "REGISTRY_PROMISES",
    "SOURCE_PROMISES",
    "STORE_PROMISES",
    "TRAINER_PROMISES",
    "VALIDATOR_PROMISES",
    "TrainingRows",
    "ValidationCase",
    "check_gate",
    "check_ledger",
    "check_metric",
    "check_registry",
    "check_snapshot_source",
    "check_snapshot_store",
    "check_trainer",
    "check_validator",
    "make_column",
    "make_evidence",
    "make_profile",
    "make_resource_usage",
    "make_scores",
]
