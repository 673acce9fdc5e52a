"""Bring registry and champions back in line with the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from retrain import settings
from retrain.operators.champion import ChampionOperator

if TYPE_CHECKING:
    from retrain.core.ports import HeadLog
    from retrain.core.resources import Resources

__all__ = ["ReconcileModelsOperator"]


class ReconcileModelsOperator(ChampionOperator):
    """Verifies the ledger and repairs what differs from it; fails if a person must act, which is the alarm.

    With the setting ``[retrain] heads``, the ledger must also begin with the last head that is kept there, and its head of
    now is added. Give it Airflow notifiers as ``on_failure_callback``.

    Returns (XCom): ``findings``, one line each.
    """

    def operate(self, resources: Resources) -> dict[str, Any]:
        """Reconcile all models."""
        from retrain.steps import reconcile_all

        findings = reconcile_all(
            list(self.specs.values()), resources, actor=f"reconciler ({self.actor})", heads=_open_heads()
        )
        for finding in findings:
            self.log.log(40 if finding.alarming else 20, "%s", finding)
        alarms = [str(finding) for finding in findings if finding.alarming]
        if alarms:
            raise AirflowFailException("Not in line with the ledger: " + "; ".join(alarms))
        return {"findings": [str(finding)[:300] for finding in findings[:10]]}


def _open_heads() -> HeadLog | None:
    from retrain.adapters.head_folder import HeadFolder

    uri = settings.heads_uri()
    return HeadFolder(uri) if uri else None
