"""Pointer, moves, and the hash-chained ledger entries that prove which version was in production at which time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from retrain.core.codec import JsonDataclass
from retrain.core.digest import digest_json
from retrain.errors import IntegrityError

__all__ = ["GENESIS", "Action", "Head", "LedgerEntry", "Move", "Pointer", "check_decisions", "join_choice"]

GENESIS: Final = "0" * 64
"""The previous hash of the first entry."""
_AFTER_CHOICE: Final = ": "


class Action(StrEnum):
    """What a ledger entry records."""

    PROMOTE = "promote"
    """A challenger that a decision lets become champion."""
    ROLLBACK = "rollback"
    """Forward to a version that was live before; the key it leaves is quarantined."""
    FORCE = "force"
    """Break-glass: a version that no decision stands for, until it expires."""
    REVERT = "revert"
    """Back to a former champion without blame: a forced version's time is over, or the champion's artifact is gone or altered."""
    ADOPT = "adopt"
    """The registry's alias was moved by hand, and the pipeline's policy follows it."""
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    REFUSE = "refuse"
    """A move that was refused, and why."""
    DECIDE = "decide"
    """A decision was recorded: its choice, and the digest of its document."""
    APPROVE = "approve"
    """A person approved one decision, by its digest."""

    @property
    def moves(self) -> bool:
        """Whether the pointer moves."""
        return self in _MOVES

    @property
    def testifies(self) -> bool:
        """Whether it only records what happened, so that it is appended even if the ledger was tampered with."""
        return self in (Action.REFUSE, Action.DECIDE)


_MOVES: Final = frozenset({Action.PROMOTE, Action.ROLLBACK, Action.FORCE, Action.REVERT, Action.ADOPT})


@dataclass(frozen=True)
class Head(JsonDataclass):
    """The end of the ledger; a copy that is kept elsewhere can show later that nothing before it was changed.

    A model's timeline has a head of its own, over the hashes of its entries, because other entries stand between them.

    Attributes:
        count: The number of entries.
        hash: The hash of the last one, or of all of a timeline.
    """

    count: int = 0
    hash: str = GENESIS

    @classmethod
    def of(cls, last: LedgerEntry | None) -> Self:
        """Return the head of a ledger with this last entry."""
        return cls(last.seq, last.hash) if last else cls()

    @classmethod
    def over(cls, entries: Iterable[LedgerEntry]) -> Self:
        """Return the head of a timeline with these entries."""
        head = cls()
        for entry in entries:
            head = head.advance(entry)
        return head

    def advance(self, entry: LedgerEntry) -> Self:
        """Return the head of a timeline after its next entry."""
        return replace(self, count=self.count + 1, hash=digest_json([self.hash, entry.hash]))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the head that `str` wrote.

        Raises:
            ValueError: The text has another form.
        """
        count, colon, digest = text.strip().partition(":")
        if not (colon and count.isdecimal() and re.fullmatch("[0-9a-f]{64}", digest)):
            raise ValueError("a head must be written as <number of entries>:<hash of the last one>")
        return cls(int(count), digest)

    def __str__(self) -> str:
        return f"{self.count}:{self.hash}"


@dataclass(frozen=True)
class Pointer(JsonDataclass):
    """The champion of a model on a timeline.

    Attributes:
        generation: How many times the pointer moved; the next move must name it.
    """

    model: str
    timeline: str
    version: int
    manifest_digest: str
    generation: int
    as_of: datetime
    key: str


@dataclass(frozen=True)
class Move:
    """A proposed move of a pointer.

    Attributes:
        expected_generation: The generation that the move rests on; 0 if there is no champion yet.
        idempotency_key: Identifies the move: a repeated one changes nothing and returns the first entry.
        approver: The user who approved the promotion, if the pipeline requires approval.
        lifetime: How long a forced version may stay.
    """

    action: Action
    model: str
    timeline: str
    version: int
    manifest_digest: str
    as_of: datetime
    key: str
    expected_generation: int
    idempotency_key: str
    decision_id: str = ""
    decision_digest: str = ""
    actor: str = ""
    reason: str = ""
    approver: str = ""
    lifetime: timedelta | None = None


@dataclass(frozen=True)
class LedgerEntry(JsonDataclass):
    """One row of the ledger; `generation` is None if the pointer did not move.

    Attributes:
        seq: The position in the ledger, which alone gives the order; `at` does not.
        at: The database's time.
        previous_hash: The hash of the entry before this one.
        decision_digest: The sha256 of the decision that it rests on, so that an edited verdict is detected too.
        hash: The sha256 over all other fields.
    """

    seq: int
    at: datetime
    action: Action
    model: str
    timeline: str
    generation: int | None
    version: int
    previous_version: int | None
    manifest_digest: str
    as_of: datetime
    key: str
    decision_id: str
    decision_digest: str
    idempotency_key: str
    actor: str
    reason: str
    approver: str
    expires_at: datetime | None
    previous_hash: str
    hash: str = ""

    @property
    def choice(self) -> str:
        """The choice of the recorded decision; empty if the entry records none."""
        return self.reason.partition(_AFTER_CHOICE)[0] if self.action is Action.DECIDE else ""

    @property
    def identity(self) -> tuple[int, str, str]:
        """What identifies the version: its number, its manifest digest and its key."""
        return self.version, self.manifest_digest, self.key

    def content_hash(self) -> str:
        """Return the sha256 that `hash` must hold."""
        content = self.to_json()
        del content["hash"]
        return digest_json(content)

    def sealed(self) -> LedgerEntry:
        """Return the entry with its hash."""
        return replace(self, hash=self.content_hash())

    def to_pointer(self) -> Pointer:
        """Return the pointer that this entry set.

        Raises:
            ValueError: The entry moved nothing.
        """
        if self.generation is None:
            raise ValueError("an entry without a generation sets no pointer")
        return Pointer(
            self.model, self.timeline, self.version, self.manifest_digest, self.generation, self.as_of, self.key
        )


def join_choice(choice: str, reason: str) -> str:
    """Return the reason of an entry that records a decision: its choice, which the entry gives back, and why it was requested."""
    return f"{choice}{_AFTER_CHOICE}{reason}" if reason else choice


def check_decisions(wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Check that the decisions which entries rest on are unchanged.

    Args:
        wanted: The digest by decision id, of the entries.
        found: The digest by decision id, of the stored decisions.

    Raises:
        IntegrityError: A decision was edited or removed.
    """
    for decision_id, digest in wanted.items():
        if found.get(decision_id) != digest:
            raise IntegrityError(
                "each decision that a ledger entry rests on must be what it was then",
                got=f"{'an edited' if decision_id in found else 'no'} decision {decision_id[:12]}",
                fix="Compare with a backup; stop promotions until it is explained.",
            )
