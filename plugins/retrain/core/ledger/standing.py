"""The standing of a model on a timeline: its champion and what was live before it, a freeze, and the keys in quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from retrain.core.ledger.block_reason import BlockKind, BlockReason
from retrain.core.ledger.entries import Action, LedgerEntry

__all__ = ["Standing", "StandingTally"]


@dataclass(frozen=True)
class Standing:
    """The state that results from the ledger's entries on one model and timeline.

    Attributes:
        moves: Every entry that moved the pointer, in order.
        freeze: The freeze that is in force.
        quarantined: The keys that a rollback left, each with that rollback; released while a forced version of the key is champion.
        freezes: Every freeze and unfreeze, in order.
        decisions: The entry of each recorded decision, by id.
        approvals: The user who approved each decision, by the decision's digest; a later refusal ends the approval.
    """

    moves: tuple[LedgerEntry, ...] = ()
    freeze: LedgerEntry | None = None
    quarantined: Mapping[str, LedgerEntry] = field(default_factory=dict)
    freezes: tuple[LedgerEntry, ...] = ()
    decisions: Mapping[str, LedgerEntry] = field(default_factory=dict)
    approvals: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[LedgerEntry]) -> Standing:
        """Add up the entries of one model and timeline, given by sequence."""
        tally = StandingTally()
        for entry in entries:
            tally.add(entry)
        return tally.standing

    @property
    def champion(self) -> LedgerEntry | None:
        """The move that set the current pointer."""
        return self.moves[-1] if self.moves else None

    def was_live(self, version: int, manifest_digest: str, key: str) -> LedgerEntry | None:
        """Return the last move to a version; its number alone does not identify it, because a registry may start again at 1."""
        identity = (version, manifest_digest, key)
        return next((move for move in reversed(self.moves) if move.identity == identity), None)

    def fallbacks(self) -> list[LedgerEntry]:
        """Return the versions that were live before the champion and may be again, the latest first.

        A version that was only ever forced is not among them, because its time was limited. One whose artifact was lost comes
        after the others.
        """
        found: dict[tuple[int, str, str], LedgerEntry] = {}
        for move in reversed(self.moves):
            if move.action is Action.FORCE or move.key in self.quarantined:
                continue
            if self.champion and move.identity != self.champion.identity:
                found.setdefault(move.identity, move)
        return sorted(found.values(), key=lambda move: self._is_lost(move.key))

    def find_promotion(self, key: str) -> LedgerEntry | None:
        """Return the last promotion of a key; None if it was never promoted, or if its artifact was lost since."""
        if self._is_lost(key):
            return None
        return next((move for move in reversed(self.moves) if move.action is Action.PROMOTE and move.key == key), None)

    def count_losses(self, key: str) -> int:
        """Return how often a key was replaced as champion because its artifact was gone or altered."""
        return sum(before.key == key and _loses_artifact(before, move) for before, move in pairwise(self.moves))

    def _is_lost(self, key: str) -> bool:
        """Whether the key's last time as champion ended because its artifact was gone or altered."""
        ends = [_loses_artifact(before, move) for before, move in pairwise(self.moves) if before.key == key]
        is_champion = self.champion is not None and self.champion.key == key
        return not is_champion and ends[-1:] == [True]

    def find_block(self, key: str) -> BlockReason | None:
        """Return why no automatic promotion of a key may happen; None when nothing blocks it."""
        if self.freeze is not None:
            return BlockReason(BlockKind.FROZEN, self.freeze.actor, self.freeze.at, self.freeze.reason)
        if key in self.quarantined:
            rollback = self.quarantined[key]
            return BlockReason(BlockKind.QUARANTINED, rollback.actor, rollback.at, rollback.reason)
        return None


class StandingTally:
    """Adds up the entries of one model and timeline one by one, so that each can be checked against those before it."""

    def __init__(self) -> None:
        self._moves: list[LedgerEntry] = []
        self._freezes: list[LedgerEntry] = []
        self._freeze: LedgerEntry | None = None
        self._quarantined: dict[str, LedgerEntry] = {}
        self._released: dict[str, LedgerEntry] = {}
        self._decisions: dict[str, LedgerEntry] = {}
        self._approvals: dict[str, str] = {}

    @property
    def champion(self) -> LedgerEntry | None:
        """The last move so far."""
        return self._moves[-1] if self._moves else None

    @property
    def standing(self) -> Standing:
        """The standing so far; read it before the next entry is added, which changes its mappings."""
        return Standing(
            tuple(self._moves),
            self._freeze,
            self._quarantined,
            tuple(self._freezes),
            self._decisions,
            self._approvals,
        )

    def add(self, entry: LedgerEntry) -> None:
        """Add the next entry."""
        if entry.generation is not None:
            self._quarantined |= self._released  # the forced version goes
            self._released = {}
        if entry.action in (Action.FREEZE, Action.UNFREEZE):
            self._freezes.append(entry)
            self._freeze = entry if entry.action is Action.FREEZE else None
        elif entry.action is Action.FORCE:
            key = entry.key
            self._released = {key: self._quarantined.pop(key)} if key in self._quarantined else {}
        elif entry.action is Action.ROLLBACK and self._moves:
            self._quarantined[self._moves[-1].key] = entry
        elif entry.action is Action.DECIDE:
            self._decisions[entry.decision_id] = entry
        elif entry.action is Action.APPROVE:
            self._approvals[entry.decision_digest] = entry.approver
        elif entry.action is Action.REFUSE:
            self._approvals.pop(entry.decision_digest, None)
        if entry.generation is not None:
            self._moves.append(entry)


def _loses_artifact(before: LedgerEntry, move: LedgerEntry) -> bool:
    """Whether a move replaced a champion because its artifact was gone or altered; a forced version's time is over instead."""
    return move.action is Action.REVERT and before.action is not Action.FORCE
