"""The ports: what a retrain needs from the world, one Protocol a system.

Every implementation meets the contract suite of its port under ``tests/contracts``. A system that does not answer raises
`OutageError`; bytes that are not what was recorded raise `IntegrityError`.
"""

from retrain.core.ports.evidence import EvidenceStore
from retrain.core.ports.ledger import Ledger, OpenRetrain
from retrain.core.ports.meter import Meter
from retrain.core.ports.refit import Refit
from retrain.core.ports.registry import DatasetRef, ModelRegistry
from retrain.core.ports.smoke_test import SmokeTest
from retrain.core.ports.snapshots import SnapshotStore
from retrain.core.ports.trainer import FittedModel, Trainer
from retrain.core.ports.trials import Search, TrialStore
from retrain.core.ports.validator import Validator

__all__ = [
    "DatasetRef",
    "EvidenceStore",
    "FittedModel",
    "Ledger",
    "Meter",
    "ModelRegistry",
    "OpenRetrain",
    "Refit",
    "Search",
    "SmokeTest",
    "SnapshotStore",
    "Trainer",
    "TrialStore",
    "Validator",
]
