"""The last task: make the challenger champion, if that was decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import AssetAlias
from airflow.sdk.exceptions import AirflowSkipException

from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice
from retrain.operators.assets import champion_asset
from retrain.operators.base import RetrainOperator
from retrain.operators.links import ModelVersionLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from retrain.core.request import RetrainRequest
    from retrain.core.spec import PipelineSpec

__all__ = ["PromoteModelOperator"]


class PromoteModelOperator(RetrainOperator):
    """Moves the timeline's pointer and, on production, the registry alias; skips where the decision is not PROMOTE.

    Updates the asset `champion_asset(model)` when production moved, and only then.

    Args:
        decision: What `QualityGateOperator` returned.
        approval: What `ApprovePromotionOperator` returned, where the spec asks for approval.

    Returns (XCom): ``version``, ``generation``, ``timeline``.
    """

    template_fields: Sequence[str] = (*RetrainOperator.template_fields, "decision", "approval")
    operator_extra_links = (ModelVersionLink(),)
    step = "promote"

    def __init__(self, *, spec: PipelineSpec, decision: Any, approval: Any = None, **kwargs: Any) -> None:
        # An alias, because a plain outlet would say "new champion" for every simulation as well.
        kwargs.setdefault("outlets", [AssetAlias(name=f"{spec.model}-promotions", group="retrain")])
        super().__init__(spec=spec, **kwargs)
        self.decision = decision
        self.approval = approval

    def run_step(self, request: RetrainRequest, context: Context) -> dict[str, Any]:
        """Promote or skip."""
        from retrain.steps.promote import Approval, promote_challenger

        ledger, registry = self.ledger_hook.get_conn(), self.mlflow_hook.get_conn()
        decision = ledger.decision(self.decision["decision"])
        if decision.choice is not Choice.PROMOTE:
            raise AirflowSkipException(f"{decision.choice.value}: {decision.reason}")
        approval = (
            Approval(self.approval["decision"], self.approval["approver"], self.approval["name"])
            if self.approval
            else None
        )
        entry = promote_challenger(self.spec, request, decision, registry=registry, ledger=ledger, approval=approval)
        self.version_url = registry.version_url(self.spec.model, entry.version)
        champion = ledger.pointer(self.spec.model, entry.timeline)
        stands = champion is not None and champion.generation == entry.generation
        self.log.info(
            "Version %d of %s %s champion on %s, generation %s",
            entry.version,
            self.spec.model,
            "is" if stands else "was, and is no more,",
            entry.timeline,
            entry.generation,
        )
        result: dict[str, Any] = {"version": entry.version, "generation": entry.generation, "timeline": entry.timeline}
        if stands and entry.timeline == PRODUCTION:
            alias = context["outlet_events"][self.outlets[0]]
            alias.add(champion_asset(self.spec.model), extra=result)
        return result
