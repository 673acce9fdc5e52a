"""Check that a stored version still loads and scores."""

from __future__ import annotations

import tempfile
from pathlib import Path

from retrain.core.ledger.entries import LedgerEntry, Move
from retrain.core.resources import Resources
from retrain.core.spec import PipelineSpec

__all__ = ["smoke_test_version"]


def smoke_test_version(spec: PipelineSpec, version: LedgerEntry | Move, resources: Resources) -> int:
    """Verify, load and score a version on the holdout of its own decision; return how many rows it scored.

    Raises:
        IntegrityError: The version was altered, or does not load or score.
        NotFoundError: The version is gone.
    """
    decision = resources.ledger.decision(version.decision_id) if version.decision_id else None
    snapshot = resources.snapshots.load(decision.snapshot) if decision and decision.snapshot else None
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = resources.registry.fetch(version.model, version.version, version.manifest_digest, Path(scratch))
        return resources.smoke_test(spec, folder, snapshot)
