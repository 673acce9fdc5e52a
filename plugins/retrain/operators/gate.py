"""The fifth task: make the one decision of the retrain, also if an earlier task failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from airflow.sdk.exceptions import AirflowFailException

from retrain import settings
from retrain.core.policy.decision import Challenger
from retrain.core.text import escape_markdown
from retrain.errors import IntegrityError
from retrain.operators.base import FAILURE_KEY, RetrainOperator
from retrain.operators.links import DecisionLink, ScorecardLink, decision_url

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.policy.decision import Decision
    from retrain.core.resources import Retrain

__all__ = ["QualityGateOperator"]


class QualityGateOperator(RetrainOperator):
    """Judges the scorecard by the pipeline's gates, records PROMOTE, HOLD or REJECT, and logs its page to the MLflow run.

    Runs even if an earlier task failed: it then records REJECT with that task's reason and fails, so that the run shows as
    failed.

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

    def run_step(self, retrain: Retrain, context: Context) -> dict[str, Any]:
        """Record the decision."""
        failure = self._find_failure(context)
        if failure is not None:
            self._reject(retrain, context, *failure)
        try:
            decision = self._decide(retrain)
        except IntegrityError as error:
            self._reject(retrain, context, self.step, str(error))
        self.decision_url = decision_url(decision)
        for verdict in decision.verdicts:
            self.log.info("%s: %s, %s", verdict.name, verdict.outcome.value, verdict.reason)
        self.log.info("Decision: %s, %s", decision.choice.value, decision.reason)
        self._note(context, decision)
        self._report(retrain, decision)
        return {"decision": decision.id, "choice": decision.choice.value, "reason": decision.reason[:1000]}

    def _decide(self, retrain: Retrain) -> Decision:
        from retrain.steps.decide import decide_retrain

        snapshot = retrain.resources.snapshots.load(self.snapshot["snapshot"])
        return decide_retrain(retrain, snapshot, Challenger(**self.challenger), self.scorecard["scorecard"])

    def _reject(self, retrain: Retrain, context: Context, step: str, reason: str) -> NoReturn:
        """Record REJECT and fail, so that the run shows as failed."""
        from retrain.steps.decide import record_failure

        decision = record_failure(retrain, step, reason)
        self._note(context, decision)
        self._report(retrain, decision)
        raise AirflowFailException(f"{decision.choice.value}: {decision.reason}")

    def _note(self, context: Context, decision: Decision) -> None:
        self.leave_note(context, f"{decision.choice.value}: {escape_markdown(decision.reason)}")

    def _report(self, retrain: Retrain, decision: Decision) -> None:
        """Log the page of a decision to the challenger's run, if this retrain has a challenger."""
        from retrain.steps.report import report_decision

        challenger = decision.challenger or self._find_challenger(retrain)
        if challenger is None:
            return
        origin = decision.origin
        self.scorecard_url = report_decision(
            self.spec,
            decision,
            challenger,
            retrain.resources,
            origin_url=f"{settings.airflow_url()}/dags/{quote(origin.dag_id)}/runs/{quote(origin.run_id)}",
        )

    def _find_challenger(self, retrain: Retrain) -> Challenger | None:
        """Return the challenger that was handed on, if this retrain trained it: its page must not go to any other run."""
        from retrain.steps.results import was_trained

        if not (self.snapshot and self.challenger):
            return None
        challenger = Challenger(**self.challenger)
        return challenger if was_trained(retrain, self.snapshot["snapshot"], challenger) else None

    def _find_failure(self, context: Context) -> tuple[str, str] | None:
        """Return step and reason of the failure that an earlier task left, or of the first task without a result."""
        before = sorted(self.get_flat_relative_ids(upstream=True))
        left = context["ti"].xcom_pull(task_ids=before, key=FAILURE_KEY) or []
        found = [item for item in left if isinstance(item, dict)]
        if found:
            return str(found[0].get("step"))[:100], str(found[0].get("reason"))[:2000]
        for step, result in (("snapshot", self.snapshot), ("train", self.challenger), ("evaluate", self.scorecard)):
            if not result:
                return step, "it ended without a result; read the logs of the tasks before the gate"
        return None
