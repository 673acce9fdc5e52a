"""Proof, before it is needed, that there is something to roll back to."""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from retrain.core.names import PRODUCTION
from retrain.errors import OutageError, RetrainError
from retrain.operators.champion import ChampionOperator

__all__ = ["RehearseRollbackOperator"]


class RehearseRollbackOperator(ChampionOperator):
    """Fetches, verifies, loads and scores the champion and the last versions that were live, as many as the spec pins.

    Fails where one of them no longer works.

    Returns (XCom): ``rehearsed``, how many.
    """

    def operate(self) -> dict[str, Any]:
        """Rehearse all models."""
        from retrain.steps import smoke_test_version

        proof, broken, rehearsed = self.proof(), [], 0
        for spec in self.specs.values():
            standing = proof["ledger"].standing(spec.model, PRODUCTION)
            pinned = [standing.champion, *standing.fallbacks()[: spec.promotion.pinned]] if standing.champion else []
            for entry in pinned:
                try:
                    rows = smoke_test_version(spec, entry, **proof)
                except OutageError:
                    raise
                except RetrainError as error:
                    broken.append(f"version {entry.version} of {spec.model}: {error.got}")
                    continue
                rehearsed += 1
                self.log.info("Version %d of %s loads and scores %d rows", entry.version, spec.model, rows)
        if broken:
            raise AirflowFailException("Not fit to roll back to: " + "; ".join(broken))
        return {"rehearsed": rehearsed}
