"""Find the decision that a retrain would repeat."""

from __future__ import annotations

from retrain.core.policy.decision import Choice, Decision
from retrain.core.resources import Retrain
from retrain.errors import RetrainError
from retrain.steps.training import Training

__all__ = ["find_decided"]


def find_decided(retrain: Retrain) -> Decision | None:
    """Return the last decision of the timeline on the same as-of and the same key; None if the retrain has work to do.

    It has if a PROMOTE was not carried out, or if its data or code changed. A decision that other gates made is found as well.
    """
    spec, request, ledger = retrain.spec, retrain.request, retrain.resources.ledger
    made = [
        decision
        for decision in ledger.decisions(spec.model, request.timeline)
        if decision.challenger and not decision.failed_step and decision.as_of == request.as_of
    ]
    if not made:
        return None
    try:
        key = Training.of(retrain, retrain.resources.snapshots.take(spec, spec.window_at(request.as_of))).key
    except RetrainError:
        return None  # the retrain itself says what is wrong
    settled = [decision for decision in made if decision.challenger and decision.challenger.key == key]
    if settled and settled[-1].choice is Choice.PROMOTE and not ledger.entry(spec.model, request.timeline, key):
        return None
    return settled[-1] if settled else None
