"""The fifth task: the one decision of the retrain, also where an earlier task failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk.exceptions import AirflowFailException

from retrain import settings
from retrain.core.policy.decision import Challenger
from retrain.core.text import escape_markdown
from retrain.operators.base import FAILURE_KEY, RetrainOperator
from retrain.operators.links import DecisionLink, ScorecardLink, decision_url

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.policy.decision import Decision
    from retrain.core.request import RetrainRequest

__all__ = ["QualityGateOperator"]


class QualityGateOperator(RetrainOperator):
    """Judges the scorecard by the pipeline's gates, records PROMOTE, HOLD or REJECT, and puts its page on the MLflow run.

    Runs whatever became of the tasks before it: where one failed it records REJECT with that task's reason and fails, so that
    the run shows as failed.

    Args:
        snapshot: What `SnapshotDataOperator` returned.
        challenger: What `TrainModelOperator` returned.
        scorecard: What `EvaluateModelOperator` returned.

    Returns (XCom): ``decision`` (id), ``choice``, ``reason``.
    """

    template_fields: Sequence[str] = (*RetrainOperator.template_fields, "snapshot", "challenger", "scorecard")
    operator_extra_links = (DecisionLink(), ScorecardLink())
    step = "gate"

    def __init__(self, *, snapshot: Any, challenger: Any, scorecard: Any, **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.challenger = challenger
        self.scorecard = scorecard

    def run_step(self, request: RetrainRequest, context: Context) -> dict[str, Any]:
        """Record the decision."""
        from retrain.adapters.user_code.project_gates import gates_below
        from retrain.steps.decide import decide_retrain, record_failure

        ledger = self.ledger_hook.get_conn()
        failure = self._failure(context)
        if failure is not None:
            decision = record_failure(self.spec, request, failure["step"], failure["reason"], ledger=ledger)
            self._note(context, decision)
            self._report(decision)
            raise AirflowFailException(f"{decision.choice.value}: {decision.reason}")
        decision = decide_retrain(
            self.spec,
            request,
            self.store_hook.snapshots().load(self.snapshot["snapshot"]),
            Challenger(**self.challenger),
            self.scorecard["scorecard"],
            evidence=self.store_hook.evidence(),
            ledger=ledger,
            load_gate=gates_below(self.spec.root),
        )
        self.decision_url = decision_url(decision)
        for verdict in decision.verdicts:
            self.log.info("%s: %s, %s", verdict.name, verdict.outcome.value, verdict.reason)
        self.log.info("Decision: %s, %s", decision.choice.value, decision.reason)
        self._note(context, decision)
        self._report(decision)
        return {"decision": decision.id, "choice": decision.choice.value, "reason": decision.reason[:1000]}

    def _note(self, context: Context, decision: Decision) -> None:
        self.leave_note(context, f"{decision.choice.value}: {escape_markdown(decision.reason)}")

    def _report(self, decision: Decision) -> None:
        """Put the page of a decision on the run, where there is one."""
        from retrain.reports.html_scorecard import draw_scorecard
        from retrain.steps.report import report_retrain

        if not self.challenger:
            return
        dag_id, _, run_id = decision.origin.partition("/")
        self.scorecard_url = report_retrain(
            self.spec,
            decision,
            decision.challenger or Challenger(**self.challenger),
            snapshots=self.store_hook.snapshots(),
            registry=self.mlflow_hook.get_conn(),
            evidence=self.store_hook.evidence(),
            render=draw_scorecard,
            origin_url=f"{settings.airflow_url()}/dags/{quote(dag_id)}/runs/{quote(run_id)}",
        )

    def _failure(self, context: Context) -> dict[str, str] | None:
        """Return what a task before this one left, or the first that left nothing at all."""
        before = sorted(self.get_flat_relative_ids(upstream=True))
        left = context["ti"].xcom_pull(task_ids=before, key=FAILURE_KEY) or []
        found = [item for item in left if item]
        if found:
            return dict(found[0])
        for step, result in (("snapshot", self.snapshot), ("train", self.challenger), ("evaluate", self.scorecard)):
            if not result:
                return {"step": step, "reason": "it ended without a result; see the logs of the tasks before the gate"}
        return None
