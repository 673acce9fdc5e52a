"""Roll back to a version that was live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from retrain.errors import ConflictError, NotFoundError
from retrain.operators.champion import ModelOperator

if TYPE_CHECKING:
    from retrain.core.resources import Resources

__all__ = ["RollbackModelOperator"]


class RollbackModelOperator(ModelOperator):
    """Verifies, loads and scores a version that was live before, then moves the pointer to it.

    Quarantines the key of the version it replaces, so that no retrain brings it back. Two requests go back once.

    Args:
        to: The version; empty for the previous champion.
        plan_only: Only say what would change.

    Returns (XCom): ``from``, ``to``, ``generation``, ``quarantined`` (key), ``dry_run``.
    """

    template_fields: Sequence[str] = (*ModelOperator.template_fields, "to", "plan_only")

    def __init__(self, *, to: str | int | None = None, plan_only: str | bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.to = to
        self.plan_only = plan_only

    def operate(self, resources: Resources) -> dict[str, Any]:
        """Plan the rollback, and do it unless it is a dry run."""
        from retrain.steps import plan_rollback, refuse_operation, roll_back

        operation, ledger, to = self.operation(), resources.ledger, _parse_version(self.to)
        dry = str(self.plan_only).lower() == "true"
        try:
            plan = plan_rollback(operation, to=to, ledger=ledger)
        except (ConflictError, NotFoundError) as error:
            if not dry:
                refuse_operation(operation, to, str(error), ledger=ledger)
            raise
        result = {
            "from": plan.current.version,
            "to": plan.target.version,
            "generation": plan.current.generation,
            "quarantined": "" if plan.done else plan.current.key,
            "dry_run": dry,
        }
        if dry:
            self.log.info("Would roll back from version %d to version %d", plan.current.version, plan.target.version)
            return result
        entry = roll_back(plan, operation, resources)  # also if nothing is left to do: the alias may be behind
        if plan.done:
            self.log.info("Version %d is champion already: nothing to do", entry.version)
        else:
            self.log.info("Rolled back from version %d to version %d", plan.current.version, entry.version)
        return result | {"generation": entry.generation}


def _parse_version(text: str | int | None) -> int | None:
    if text in (None, "", "None"):
        return None
    if not str(text).isascii() or not str(text).isdigit():
        raise AirflowFailException(
            f"to must be a version's number; got {str(text)[:80]!r}. Look at the model's history."
        )
    return int(str(text))
