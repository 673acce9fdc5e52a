"""Why no automatic promotion may happen, whatever the gates say: the facts, and the sentence that people read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from retrain.core.codec import JsonDataclass
from retrain.core.ledger.entries import Pointer

__all__ = ["BlockKind", "BlockReason", "find_superseding"]


class BlockKind(StrEnum):
    """What blocks a promotion."""

    FROZEN = "frozen"
    QUARANTINED = "quarantined"
    SUPERSEDED = "superseded"
    NO_VERDICT = "no_verdict"


@dataclass(frozen=True)
class BlockReason(JsonDataclass):
    """Why no verdict can promote a challenger.

    Attributes:
        actor: The user who froze the timeline or rolled back from the key; empty for other kinds.
        since: When the user did that.
        reason: The user's reason; for a decision that version 0.1 stored, the whole sentence.
        champion_version: The champion that superseded the challenger.
        champion_as_of: The as-of of that champion.
    """

    kind: BlockKind
    actor: str = ""
    since: datetime | None = None
    reason: str = ""
    champion_version: int | None = None
    champion_as_of: datetime | None = None

    @property
    def fact(self) -> str:
        """What blocks the promotion."""
        if self.kind is BlockKind.FROZEN and self.since:
            return f"{self.actor} froze promotions on {self.since:%Y-%m-%d %H:%M} ({self.reason})"
        if self.kind is BlockKind.QUARANTINED and self.since:
            rollback = f"{self.actor} rolled back from it on {self.since:%Y-%m-%d %H:%M} ({self.reason})"
            return f"this model is in quarantine: {rollback}"
        if self.kind is BlockKind.SUPERSEDED and self.champion_as_of:
            champion = f"champion version {self.champion_version}"
            return f"superseded: {champion} is as of {self.champion_as_of:%Y-%m-%d %H:%M}, which is not earlier"
        return self.reason or "no gate gave a verdict"

    @property
    def fix(self) -> str:
        """What to do next."""
        return {
            BlockKind.FROZEN: "run `retrain unfreeze` to allow promotions again",
            BlockKind.QUARANTINED: "retrain on later data, or set a nonce to train a fresh challenger",
            BlockKind.SUPERSEDED: "retrain with a later as-of",
            BlockKind.NO_VERDICT: "add a gate to the spec",
        }[self.kind]

    def __str__(self) -> str:
        is_of_first_form = bool(self.reason) and self.since is None
        return self.fact if is_of_first_form else f"{self.fact}; {self.fix}"


def find_superseding(as_of: datetime, champion: Pointer | None) -> BlockReason | None:
    """Return the block reason when the champion is as of the same instant or a later one."""
    if champion is None or as_of > champion.as_of:
        return None
    return BlockReason(BlockKind.SUPERSEDED, champion_version=champion.version, champion_as_of=champion.as_of)
