"""Retrains, decisions, pointers, and the append-only record of every move and refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from retrain.core.evaluation.scorecard import Scorecard
    from retrain.core.ledger.entries import LedgerEntry, Move, Pointer
    from retrain.core.ledger.standing import Standing
    from retrain.core.policy.decision import Decision
    from retrain.core.policy.error_control import PastTest
    from retrain.core.request import RetrainRequest

__all__ = ["Ledger", "OpenRetrain"]


@dataclass(frozen=True)
class OpenRetrain:
    """An attempt that is not settled."""

    origin: str
    as_of: datetime
    opened_at: datetime


class Ledger(Protocol):
    """Retrains, decisions, pointers, and the append-only record of every move and refusal."""

    def open_retrain(self, request: RetrainRequest) -> None:
        """Note that an attempt began; saying it twice changes nothing."""

    def list_earlier_open(self, request: RetrainRequest) -> list[OpenRetrain]:
        """Return attempts on the same model and timeline with an earlier as-of that are not settled, oldest as-of first.

        Settled is an attempt with a decision, a PROMOTE once its promotion or refusal stands in the ledger.
        """

    def record(self, decision: Decision, scorecard: Scorecard | None = None) -> Decision:
        """Store a decision (and its scorecard) and close its attempt; return it as stored, with the database's time.

        A decision with an id that is stored already is not stored again: the first one is returned.

        Raises:
            ConflictError: Its allotment rests on a sequence of tests that has grown since: allot anew and judge again.
        """

    def tests(self, sequence: str) -> list[PastTest]:
        """Return the tests of a sequence of error control by place: of every decision that took one."""

    def decision(self, decision_id: str) -> Decision:
        """Return one decision.

        Raises:
            NotFoundError: There is none.
        """

    def decisions(self, model: str, timeline: str) -> list[Decision]:
        """Return all decisions in the order they were stored."""

    def pointer(self, model: str, timeline: str) -> Pointer | None:
        """Return who is champion now."""

    def append(self, move: Move) -> LedgerEntry:
        """Move the pointer (or record what moves nothing) and append the entry, in one transaction.

        The same idempotency key again returns the first entry and changes nothing.

        Raises:
            ConflictError: The rules of `entry_for` refuse the wish: the message says who won, or what bars it.
        """

    def standing(self, model: str, timeline: str) -> Standing:
        """Return champion, former champions, freeze and quarantine."""

    def entry(self, model: str, timeline: str, key: str) -> LedgerEntry | None:
        """Return the first promotion of a key on a timeline."""

    def entries(self, model: str | None = None, timeline: str | None = None) -> list[LedgerEntry]:
        """Return entries by sequence; of one model or timeline where named."""

    def champion_at(self, model: str, timeline: str, at: datetime) -> LedgerEntry | None:
        """Return the move that stood at an instant of record time: what was in production then.

        Of the moves recorded at or before `at`, the last by sequence; None where there was no champion yet.
        """

    def champion_as_of(self, model: str, timeline: str, as_of: datetime) -> LedgerEntry | None:
        """Return the champion for an instant of knowledge time, whenever it was recorded.

        Of the moves to a version whose as-of is not after `as_of`, the last by sequence, so that a rollback counts;
        None where there is none.
        """

    def now(self) -> datetime:
        """Return the database's time."""

    def timelines(self) -> list[tuple[str, str]]:
        """Return every (model, timeline) that has a decision, sorted."""

    def verify(self) -> int:
        """Check the hash chain, that each pointer is its last move, and each decision what it was; return how many entries.

        Raises:
            IntegrityError: The ledger was tampered with.
        """
