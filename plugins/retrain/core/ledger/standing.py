"""The standing of a model on a timeline: its champion and what was live before it, a freeze, and the keys in quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from retrain.core.ledger.block_reason import BlockKind, BlockReason
from retrain.core.ledger.entries import Action, LedgerEntry

__all__ = ["Standing"]


@dataclass(frozen=True)
class Standing:
    """The state that results from the ledger's entries on one model and timeline.

    Attributes:
        moves: Every entry that moved the pointer, in order.
        freeze: The freeze that is in force.
        quarantined: The keys that a rollback left, each with that rollback; released while a forced version of the key is champion.
        freezes: Every freeze and unfreeze, in order.
    """

    moves: tuple[LedgerEntry, ...] = ()
    freeze: LedgerEntry | None = None
    quarantined: Mapping[str, LedgerEntry] = field(default_factory=dict)
    freezes: tuple[LedgerEntry, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[LedgerEntry]) -> Standing:
        """Add up the entries of one model and timeline, given by sequence."""
        moves: list[LedgerEntry] = []
        freezes: list[LedgerEntry] = []
        freeze: LedgerEntry | None = None
        quarantined: dict[str, LedgerEntry] = {}
        released: dict[str, LedgerEntry] = {}
        for entry in entries:
            if entry.generation is not None:
                quarantined |= released  # the forced version goes
                released = {}
            if entry.action in (Action.FREEZE, Action.UNFREEZE):
                freezes.append(entry)
                freeze = entry if entry.action is Action.FREEZE else None
            elif entry.action is Action.FORCE:
                released = {entry.key: quarantined.pop(entry.key)} if entry.key in quarantined else {}
            elif entry.action is Action.ROLLBACK and moves:
                quarantined[moves[-1].key] = entry
            if entry.generation is not None:
                moves.append(entry)
        return cls(tuple(moves), freeze, quarantined, tuple(freezes))

    @property
    def champion(self) -> LedgerEntry | None:
        """The move that set the current pointer."""
        return self.moves[-1] if self.moves else None

    def was_live(self, version: int) -> LedgerEntry | None:
        """Return the last move to a version."""
        return next((move for move in reversed(self.moves) if move.version == version), None)

    def fallbacks(self) -> list[LedgerEntry]:
        """Return the versions that were live before the champion and may be again, the latest first.

        A version that was only ever forced is not among them, because its time was limited.
        """
        found: dict[int, LedgerEntry] = {}
        for move in reversed(self.moves):
            if move.action is Action.FORCE or move.key in self.quarantined:
                continue
            if self.champion and move.version != self.champion.version:
                found.setdefault(move.version, move)
        return list(found.values())

    def find_block(self, key: str) -> BlockReason | None:
        """Return why no automatic promotion of a key may happen; None when nothing blocks it."""
        if self.freeze is not None:
            return BlockReason(BlockKind.FROZEN, self.freeze.actor, self.freeze.at, self.freeze.reason)
        if key in self.quarantined:
            rollback = self.quarantined[key]
            return BlockReason(BlockKind.QUARANTINED, rollback.actor, rollback.at, rollback.reason)
        return None
