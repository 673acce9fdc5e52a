"""Between gate and promote: ask a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    TaskAwaitingInput,
    TaskDeferred,
)

from retrain.core.policy.decision import Choice
from retrain.core.text import escape_markdown
from retrain.operators.base import RetrainOperator
from retrain.operators.failures import to_airflow_error

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.policy.decision import Decision
    from retrain.core.resources import Retrain
    from retrain.core.spec import PipelineSpec

__all__ = ["ApprovePromotionOperator"]


class ApprovePromotionOperator(RetrainOperator, ApprovalOperator):
    """Shows the evidence of a PROMOTE decision to the pipeline's approvers and waits for one of them, without a slot.

    The user who requested the retrain may not answer. A rejection, and no answer in time, are refusals in the ledger.
    A simulation asks nobody, and a decision other than PROMOTE is skipped.

    Args:
        decision: What `QualityGateOperator` returned.

    Returns (XCom): ``decision`` (id) and ``approver`` (id of the user who approved). The approval itself is in the ledger.
    """

    template_fields: Sequence[str] = (*RetrainOperator.template_fields, "subject", "body", "decision")
    step = "approve"

    def __init__(self, *, spec: PipelineSpec, decision: Any, **kwargs: Any) -> None:
        kwargs.setdefault("subject", f"Promote a challenger of {spec.model}?")
        kwargs.setdefault("response_timeout", spec.promotion.approval_timeout)
        super().__init__(spec=spec, **kwargs)
        self.decision = decision

    def run_step(self, retrain: Retrain, context: Context) -> dict[str, Any]:
        """Ask, or return at once if nobody needs to be asked."""
        from retrain.steps import check_own_decision, list_approvers, needs_approval, page_path

        decision = retrain.resources.ledger.decision(self.decision["decision"])
        if decision.choice is not Choice.PROMOTE or decision.challenger is None:
            raise AirflowSkipException(f"{decision.choice.value}: {decision.reason}")
        check_own_decision(retrain, decision)
        if not needs_approval(self.spec, retrain.request.timeline):
            return {"decision": decision.id, "approver": ""}
        others = list_approvers(self.spec, retrain.request.actor)
        if not others:
            raise AirflowFailException(
                f"a promotion of {self.spec.model} must be approved by somebody other than the user who requested it; got "
                f"{retrain.request.actor} as the only approver. Name another in promotion.approvers."
            )
        self.assigned_users = [{"id": user, "name": user} for user in others]
        registry, run_id = retrain.resources.registry, decision.challenger.run_id
        page = registry.file_url(run_id, page_path(decision.timeline))
        self.body = _evidence(decision, page, registry.run_url(run_id))
        try:
            return dict(ApprovalOperator.execute(self, context) or {})
        except (TaskAwaitingInput, TaskDeferred) as pause:
            # Airflow keeps it with the waiting task, out of reach of users who may write XComs.
            pause.kwargs = {**(pause.kwargs or {}), "shown": decision.digest}
            raise

    def execute_complete(self, context: Context, event: dict[str, Any], shown: str = "") -> dict[str, Any]:
        """Record the approval in the ledger, or a rejection or a timeout as a refusal.

        Args:
            context: Airflow's.
            event: Who answered what, from Airflow's own table.
            shown: The digest of the decision that the approvers were shown.
        """
        try:
            return self._record_answer(context, event, shown)
        except AirflowException:
            raise
        except Exception as error:  # noqa: BLE001 - each error gets a form that logs may hold
            raise to_airflow_error(error, self.log) from None

    def _record_answer(self, context: Context, event: dict[str, Any], shown: str) -> dict[str, Any]:
        from retrain.steps import approve_promotion, refuse_promotion

        retrain = self.retrain(context)
        decision = retrain.resources.ledger.decision(self.decision["decision"])
        user = event.get("responded_by_user") or {}
        rejected = "error" not in event and self.APPROVE not in event["chosen_options"]
        if rejected:
            # Before Airflow handles the rejection: it raises an exception that skips what is downstream.
            refuse_promotion(retrain, decision, f"rejected by {user.get('name', 'nobody')}")
        try:
            super().execute_complete(context, event)
        except HITLTimeoutError:
            why = "nobody approved in time"
            refuse_promotion(retrain, decision, why)
            raise AirflowFailException(f"{why}. Clear the task to ask again.") from None  # a retry would ask again
        approver, name = str(user.get("id", "")), str(user.get("name", ""))
        if not rejected:
            approve_promotion(retrain, decision, approver=approver, name=name, shown=shown)
        return {"decision": decision.id, "approver": "" if rejected else approver}


def _evidence(decision: Decision, page_url: str, run_url: str) -> str:
    """Return the decision as Markdown."""
    version = decision.challenger.version if decision.challenger else "?"
    champion = f"version {decision.champion_version}" if decision.champion_version else "none"
    rows = "\n".join(
        f"| {verdict.name} | {verdict.outcome.value} | {escape_markdown(verdict.reason)} |"
        for verdict in decision.verdicts
    )
    return f"""\
**Version {version}** of `{decision.model}`, as of {decision.as_of:%Y-%m-%d}, would become champion; champion now: {champion}.

| gate | verdict | why |
|---|---|---|
{rows}

Trained on {decision.train_rows:,} rows, compared on {decision.holdout_rows:,}. [The scorecard]({page_url}),
[the run with its pictures]({run_url})
"""
