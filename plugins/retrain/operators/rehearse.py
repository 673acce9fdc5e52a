"""Check, before it is needed, that a rollback would work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from retrain.core.names import PRODUCTION
from retrain.errors import OutageError, RetrainError
from retrain.operators.champion import ChampionOperator

if TYPE_CHECKING:
    from retrain.core.resources import Resources

__all__ = ["RehearseRollbackOperator"]


class RehearseRollbackOperator(ChampionOperator):
    """Smoke-tests the champion and the last former champions, as many as the spec pins.

    Fails if one of them no longer loads or scores.

    Returns (XCom): ``rehearsed``, the number of versions tested.
    """

    def operate(self, resources: Resources) -> dict[str, Any]:
        """Smoke-test all models."""
        from retrain.steps import smoke_test_version

        broken, tested = [], 0
        for spec in self.specs.values():
            standing = resources.ledger.standing(spec.model, PRODUCTION)
            pinned = [standing.champion, *standing.fallbacks()[: spec.promotion.pinned]] if standing.champion else []
            for entry in pinned:
                try:
                    rows = smoke_test_version(spec, entry, resources)
                except OutageError:
                    raise
                except RetrainError as error:
                    broken.append(f"version {entry.version} of {spec.model}: {error.got}")
                    continue
                tested += 1
                self.log.info("Version %d of %s loads and scores %d rows", entry.version, spec.model, rows)
        if broken:
            raise AirflowFailException("A rollback to these would fail: " + "; ".join(broken))
        return {"rehearsed": tested}
