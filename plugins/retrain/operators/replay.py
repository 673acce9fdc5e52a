"""Check regularly that past retrains can be reproduced."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from retrain.core.names import PRODUCTION
from retrain.errors import OutageError, RetrainError
from retrain.operators.champion import ChampionOperator

if TYPE_CHECKING:
    from retrain.core.resources import Resources

__all__ = ["ReplayRetrainOperator"]


class ReplayRetrainOperator(ChampionOperator):
    """Replays one past retrain of every model, chosen by the day, and fails if the same inputs give another model.

    Returns (XCom): ``replays``, one line each.
    """

    def operate(self, resources: Resources) -> dict[str, Any]:
        """Replay a sample."""
        from retrain.steps import Likeness, replay_retrain

        ledger = resources.ledger
        draw = random.Random(f"{ledger.now():%Y-%m-%d}")  # noqa: S311 - a sample, no secret
        lines, different = [], []
        for spec in self.specs.values():
            made = [decision for decision in ledger.decisions(spec.model, PRODUCTION) if decision.challenger]
            if not made:
                continue
            decision = draw.choice(made)
            try:
                replay = replay_retrain(spec, decision, resources)
            except OutageError:
                raise
            except RetrainError as error:  # of this model alone
                different.append(f"{spec.model} as of {decision.as_of:%Y-%m-%d}: {error}")
                continue
            changed = f", with other packages: {', '.join(replay.changed)}" if replay.changed else ""
            line = f"{spec.model} as of {decision.as_of:%Y-%m-%d}: {replay.likeness.value}{changed}"
            self.log.info("%s %s", line, replay.first_difference)
            lines.append(line)
            if replay.likeness is Likeness.DIFFERENT and not replay.changed:
                different.append(f"{line}, {replay.first_difference}")
        if different:
            raise AirflowFailException("Not reproduced: " + "; ".join(different))
        return {"replays": lines[:20]}
