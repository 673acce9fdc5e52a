"""Between gate and promote: a person's yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from retrain.core.policy.decision import Choice
from retrain.core.text import escape_markdown
from retrain.errors import OutageError, RetrainError
from retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.policy.decision import Decision
    from retrain.core.request import RetrainRequest
    from retrain.core.spec import PipelineSpec

__all__ = ["ApprovePromotionOperator"]


class ApprovePromotionOperator(RetrainOperator, ApprovalOperator):
    """Shows the evidence of a PROMOTE decision to the pipeline's approvers and waits for one of them, without a slot.

    Who asked for the retrain is not among those who may answer. No answer in time, and a no, are refusals in the ledger.
    A simulation asks nobody, and what is not PROMOTE is skipped.

    Args:
        decision: What `QualityGateOperator` returned.

    Returns (XCom): ``decision`` (id), ``approver`` (id) and ``name`` of who said yes.
    """

    template_fields: Sequence[str] = (*RetrainOperator.template_fields, "subject", "body", "decision")
    step = "approve"

    def __init__(self, *, spec: PipelineSpec, decision: Any, **kwargs: Any) -> None:
        kwargs.setdefault("subject", f"Promote a challenger of {spec.model}?")
        kwargs.setdefault("response_timeout", spec.promotion.approval_timeout)
        super().__init__(spec=spec, **kwargs)
        self.decision = decision

    def run_step(self, request: RetrainRequest, context: Context) -> dict[str, Any]:
        """Ask, or return at once where nobody needs to be asked."""
        from retrain.steps import needs_approval, page_path

        decision = self.ledger_hook.get_conn().decision(self.decision["decision"])
        if decision.choice is not Choice.PROMOTE or decision.challenger is None:
            raise AirflowSkipException(f"{decision.choice.value}: {decision.reason}")
        if not needs_approval(self.spec, request.timeline):
            return {"decision": decision.id, "approver": "", "name": ""}
        others = [user for user in self.spec.promotion.approvers if user != request.actor]
        if not others:
            raise AirflowFailException(
                f"a promotion of {self.spec.model} must be approved by somebody else than who asked for it; got "
                f"{request.actor} as the only approver. Name another in promotion.approvers."
            )
        self.assigned_users = [{"id": user, "name": user} for user in others]
        registry, run_id = self.mlflow_hook.get_conn(), decision.challenger.run_id
        page = registry.file_url(run_id, page_path(decision.timeline))
        self.body = _evidence(decision, page, registry.run_url(run_id))
        return dict(ApprovalOperator.execute(self, context) or {})

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on with a yes; a no or a timeout is a refusal."""
        try:
            return self._answered(context, event)
        except OutageError as error:
            raise AirflowException(str(error)) from error
        except RetrainError as error:
            raise AirflowFailException(str(error)) from None

    def _answered(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        from retrain.steps import refuse_promotion

        ledger = self.ledger_hook.get_conn()
        request, decision = self.request(context), ledger.decision(self.decision["decision"])
        user = event.get("responded_by_user") or {}
        if "error" not in event and self.APPROVE not in event["chosen_options"]:
            # Before Airflow's own answer to a no, which is an exception that skips what is downstream.
            refuse_promotion(self.spec, request, decision, f"rejected by {user.get('name', 'nobody')}", ledger=ledger)
        try:
            super().execute_complete(context, event)
        except HITLTimeoutError:
            why = "nobody approved in time"
            refuse_promotion(self.spec, request, decision, why, ledger=ledger)
            raise AirflowFailException(f"{why}. Clear the task to ask again.") from None  # a retry would ask again
        return {"decision": decision.id, "approver": user.get("id", ""), "name": user.get("name", "")}


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
