"""Pointer, moves, and the hash-chained ledger entries that prove what was in production when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from retrain.core.digest import digest_of
from retrain.errors import IntegrityError

__all__ = ["GENESIS", "Action", "LedgerEntry", "Move", "Pointer", "verify_chain"]

GENESIS: Final = "0" * 64
"""The previous hash of the first entry."""


class Action(StrEnum):
    """What a ledger entry records."""

    PROMOTE = "promote"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Pointer:
    """Who is champion of a model on a timeline.

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

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self) | {"as_of": self.as_of.isoformat()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(**document | {"as_of": datetime.fromisoformat(document["as_of"])})


@dataclass(frozen=True)
class Move:
    """The wish to move a pointer.

    Attributes:
        expected_generation: The generation the wish rests on; 0 where there is no champion yet.
        idempotency_key: The same wish, asked again, moves nothing and gets the first entry back.
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
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True)
class LedgerEntry:
    """One row of the ledger; `generation` is None for a refusal, which moves nothing.

    Attributes:
        seq: The order; never the clock.
        at: The database's time.
        previous_hash: The hash of the entry before this one.
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
    idempotency_key: str
    actor: str
    reason: str
    previous_hash: str
    hash: str = ""

    def content_hash(self) -> str:
        """Return the sha256 that `hash` must hold."""
        content = asdict(self) | {"at": self.at.isoformat(), "as_of": self.as_of.isoformat()}
        del content["hash"]
        return digest_of(content)

    def sealed(self) -> LedgerEntry:
        """Return the entry with its hash."""
        return replace(self, hash=self.content_hash())

    def to_pointer(self) -> Pointer:
        """Return the pointer that this entry set.

        Raises:
            ValueError: The entry is a refusal.
        """
        if self.generation is None:
            raise ValueError("a refusal sets no pointer")
        return Pointer(
            self.model, self.timeline, self.version, self.manifest_digest, self.generation, self.as_of, self.key
        )


def verify_chain(entries: Iterable[LedgerEntry]) -> int:
    """Check that each entry carries its own hash and the one before it; return how many there are.

    Raises:
        IntegrityError: An entry was edited, removed or put in between.
    """
    previous, count = GENESIS, 0
    for entry in entries:
        if entry.previous_hash != previous or entry.hash != entry.content_hash():
            raise IntegrityError(
                "the ledger's hash chain must be unbroken",
                got=f"a break at entry {entry.seq} ({entry.model}, {entry.timeline})",
                fix="Compare with your last export; stop promotions until it is explained.",
            )
        previous, count = entry.hash, count + 1
    return count
