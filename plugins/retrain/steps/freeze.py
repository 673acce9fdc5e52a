"""Stop automatic promotions of a model, and let them happen again."""

from __future__ import annotations

from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.core.ports import Ledger
from retrain.errors import NotFoundError
from retrain.steps.operation import propose_no_move

__all__ = ["freeze_model", "unfreeze_model"]


def freeze_model(model: str, timeline: str, *, actor: str, reason: str, ledger: Ledger) -> LedgerEntry:
    """Stop automatic promotions until `unfreeze_model`; a second call changes nothing."""
    standing = ledger.standing(model, timeline)
    if standing.freeze is not None:
        return standing.freeze
    return ledger.append(propose_no_move(Action.FREEZE, model, timeline, standing.champion, actor, reason))


def unfreeze_model(model: str, timeline: str, *, actor: str, reason: str, ledger: Ledger) -> LedgerEntry:
    """Let automatic promotions happen again.

    Raises:
        NotFoundError: The model is not frozen.
    """
    standing = ledger.standing(model, timeline)
    if standing.freeze is None:
        raise NotFoundError(f"{model} must be frozen on {timeline}", got="no freeze", fix="Nothing to do.")
    return ledger.append(propose_no_move(Action.UNFREEZE, model, timeline, standing.champion, actor, reason))
