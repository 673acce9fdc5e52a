"""The second task: validate the data against its expectations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.resources import Retrain

__all__ = ["ValidateDataOperator"]


class ValidateDataOperator(RetrainOperator):
    """Validates a snapshot with Great Expectations; fails without a retry if an expectation is not met.

    Args:
        snapshot: What `SnapshotDataOperator` returned.

    Returns (XCom): ``suite``, ``expectations`` (how many), ``success``.
    """

    template_fields: Sequence[str] = (*RetrainOperator.template_fields, "snapshot")
    step = "validate"

    def __init__(self, *, snapshot: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot

    def run_step(self, retrain: Retrain, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the base's signature
        """Validate the window."""
        from retrain.steps.validate import validate_snapshot

        snapshot = retrain.resources.snapshots.load(self.snapshot["snapshot"])
        report = validate_snapshot(retrain, snapshot)
        self.log.info("All %d expectations of %s are met", len(report.results), report.suite)
        return {"suite": report.suite, "expectations": len(report.results), "success": report.success}
