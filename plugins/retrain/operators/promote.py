"""The last task: make the challenger champion if the decision is PROMOTE."""

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

    from retrain.core.resources import Retrain
    from retrain.core.spec import PipelineSpec

__all__ = ["PromoteModelOperator"]


class PromoteModelOperator(RetrainOperator):
    """Moves the timeline's pointer and, on production, the registry alias; skips if the decision is not PROMOTE.

    Updates the asset `champion_asset(model)` only if production moved. If the spec asks for approval, the approval must be in
    the ledger, where `ApprovePromotionOperator` records it; put this task downstream of that one.

    Args:
        decision: What `QualityGateOperator` returned.

    Returns (XCom): ``version``, ``generation``, ``timeline``.
    """

    template_fields: Sequence[str] = (*RetrainOperator.template_fields, "decision")
    operator_extra_links = (ModelVersionLink(),)
    step = "promote"

    def __init__(self, *, spec: PipelineSpec, decision: Any, **kwargs: Any) -> None:
        # An alias, because a plain outlet would announce a new champion for every simulation as well.
        kwargs.setdefault("outlets", [AssetAlias(name=f"{spec.model}-promotions", group="retrain")])
        super().__init__(spec=spec, **kwargs)
        self.decision = decision

    def run_step(self, retrain: Retrain, context: Context) -> dict[str, Any]:
        """Promote or skip."""
        from retrain.steps.promote import promote_challenger

        ledger, registry = retrain.resources.ledger, retrain.resources.registry
        decision = ledger.decision(self.decision["decision"])
        if decision.choice is not Choice.PROMOTE:
            raise AirflowSkipException(f"{decision.choice.value}: {decision.reason}")
        entry = promote_challenger(retrain, decision)
        self.version_url = registry.version_url(self.spec.model, entry.version)
        champion = ledger.pointer(self.spec.model, entry.timeline)
        is_champion = champion is not None and champion.generation == entry.generation
        self.log.info(
            "Version %d of %s %s champion on %s, generation %s",
            entry.version,
            self.spec.model,
            "is" if is_champion else "was, but is no longer,",
            entry.timeline,
            entry.generation,
        )
        result: dict[str, Any] = {"version": entry.version, "generation": entry.generation, "timeline": entry.timeline}
        if is_champion and entry.timeline == PRODUCTION:
            alias = context["outlet_events"][self.outlets[0]]
            alias.add(champion_asset(self.spec.model), extra=result)
        return result
