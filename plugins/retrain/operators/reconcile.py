"""The world put back in line with the ledger."""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from retrain.operators.champion import ChampionOperator

__all__ = ["ReconcileModelsOperator"]


class ReconcileModelsOperator(ChampionOperator):
    """Verifies the ledger, mends what is out of line, then fails where a person should know: that is the alarm.

    Give it Airflow notifiers as ``on_failure_callback``.

    Returns (XCom): ``findings``, a line each.
    """

    def operate(self) -> dict[str, Any]:
        """Reconcile all models."""
        from retrain.steps import reconcile_all

        findings = reconcile_all(
            list(self.specs.values()), actor=f"reconciler ({self.actor})", registry=self.registry, ledger=self.ledger
        )
        for finding in findings:
            self.log.log(40 if finding.alarming else 20, "%s", finding)
        alarms = [str(finding) for finding in findings if finding.alarming]
        if alarms:
            raise AirflowFailException("Out of line, see what was done about it: " + "; ".join(alarms))
        return {"findings": [str(finding)[:300] for finding in findings[:10]]}
