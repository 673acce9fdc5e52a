"""The ports: the systems that a retrain needs, one Protocol per system.

Every implementation passes the contract suite of its port. If a system does not answer, a method raises `OutageError`, which is
worth a retry; if stored bytes are not the recorded bytes, it raises `IntegrityError`. Other errors stand under "Raises". No error
text, log line or stored document contains a row value or a secret. Methods that store something are idempotent: a repeated call
with the same arguments changes nothing and returns what the first call returned.
"""

from retrain.core.ports.evidence import EvidenceStore
from retrain.core.ports.head_log import HeadLog
from retrain.core.ports.ledger import Ledger, OpenRetrain
from retrain.core.ports.meter import Meter
from retrain.core.ports.recipe_training import RecipeTraining
from retrain.core.ports.registry import DatasetRef, ModelRegistry
from retrain.core.ports.reports import Reports
from retrain.core.ports.serving_test import ServingTest
from retrain.core.ports.smoke_test import SmokeTest
from retrain.core.ports.snapshots import SnapshotSource, SnapshotStore
from retrain.core.ports.trainer import FittedModel, Trainer
from retrain.core.ports.trials import Search, TrialStore
from retrain.core.ports.validator import Validator

__all__ = [
    "DatasetRef",
    "EvidenceStore",
    "FittedModel",
    "HeadLog",
    "Ledger",
    "Meter",
    "ModelRegistry",
    "OpenRetrain",
    "RecipeTraining",
    "Reports",
    "Search",
    "ServingTest",
    "SmokeTest",
    "SnapshotSource",
    "SnapshotStore",
    "Trainer",
    "TrialStore",
    "Validator",
]
