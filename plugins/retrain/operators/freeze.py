"""Stop automatic promotions of a model until somebody lifts the freeze."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrain.operators.champion import ModelOperator

if TYPE_CHECKING:
    from retrain.core.resources import Resources

__all__ = ["FreezeModelOperator"]


class FreezeModelOperator(ModelOperator):
    """Freezes a model's champion, or lifts the freeze.

    Args:
        lift: Lift the freeze instead.

    Returns (XCom): ``action`` and ``seq`` of the ledger entry.
    """

    template_fields: Sequence[str] = (*ModelOperator.template_fields, "lift")

    def __init__(self, *, lift: str | bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lift = lift

    def operate(self, resources: Resources) -> dict[str, Any]:
        """Freeze or lift."""
        from retrain.steps import freeze_model, unfreeze_model

        operation = self.operation()
        change = unfreeze_model if str(self.lift).lower() == "true" else freeze_model
        entry = change(
            self.model, operation.timeline, actor=self.actor, reason=operation.reason, ledger=resources.ledger
        )
        self.log.info("%s: %s, entry %d", self.model, entry.action.value, entry.seq)
        return {"action": entry.action.value, "seq": entry.seq}
