"""The ports: what retrain needs from trainers, snapshot sources, validators and stores, and the types that they speak of.

A package implements a port and offers it as an entry point; `retrain.testing` checks that it keeps the port's promises.
"""

from retrain.core.data.snapshot import Chunk, Part, Snapshot
from retrain.core.data.validation import ExpectationResult, ValidationReport
from retrain.core.data.window import Window
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.evaluation.scores import Scores
from retrain.core.ledger.entries import Action, LedgerEntry, Move, Pointer
from retrain.core.ledger.standing import Standing
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.ports import (
    DatasetRef,
    EvidenceStore,
    FittedModel,
    Ledger,
    ModelRegistry,
    OpenRetrain,
    SnapshotSource,
    SnapshotStore,
    Trainer,
    Validator,
)
from retrain.core.request import RetrainRequest
from retrain.core.training.recipe import Recipe

__all__ = [
    "Action",
    "Challenger",
    "Choice",
    "Chunk",
    "DatasetRef",
    "Decision",
    "EvidenceStore",
    "ExpectationResult",
    "FittedModel",
    "Ledger",
    "LedgerEntry",
    "ModelRegistry",
    "Move",
    "OpenRetrain",
    "Part",
    "Pointer",
    "Recipe",
    "RetrainRequest",
    "Scorecard",
    "Scores",
    "Snapshot",
    "SnapshotSource",
    "SnapshotStore",
    "Standing",
    "Trainer",
    "ValidationReport",
    "Validator",
    "Window",
]
