"""The ledger of retrains, decisions and pointers, with an append-only record of every move and refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from retrain.core.evaluation.scorecard import Scorecard
    from retrain.core.ledger.entries import Head, LedgerEntry, Move, Pointer
    from retrain.core.ledger.origin import Origin
    from retrain.core.ledger.standing import Standing
    from retrain.core.ledger.step_result import StepResult
    from retrain.core.policy.decision import Decision
    from retrain.core.policy.error_control import PastTest
    from retrain.core.ratings import Measurement
    from retrain.core.request import RetrainRequest

__all__ = ["Ledger", "OpenRetrain"]


@dataclass(frozen=True)
class OpenRetrain:
    """A retrain whose outcome is still open.

    Attributes:
        origin: The run that started it.
        as_of: Its as-of, in UTC.
        opened_at: When the ledger recorded its start, in UTC.
    """

    origin: Origin
    as_of: datetime
    opened_at: datetime


class Ledger(Protocol):
    """Stores retrains, decisions and pointers, and appends a hash-chained entry for every move and refusal.

    All instants are aware and in UTC. The ledger is safe for concurrent writers: of several moves of one pointer, one succeeds.
    """

    def open_retrain(self, request: RetrainRequest) -> None:
        """Record that a retrain began; a second call with the same request id changes nothing."""

    def list_earlier_open(self, request: RetrainRequest) -> list[OpenRetrain]:
        """Return the unsettled retrains of the same model and timeline with an earlier as-of, the oldest as-of first.

        A retrain is settled once it has a decision; after PROMOTE, once the ledger also has its promotion or refusal.
        """

    def record_result(self, result: StepResult) -> None:
        """Store what a step made; a second call with the same result changes nothing."""

    def has_result(self, result: StepResult) -> bool:
        """Return whether a step recorded exactly this result."""

    def record(self, decision: Decision, scorecard: Scorecard | None = None) -> Decision:
        """Store a decision with its scorecard and close its retrain; return the decision as stored, with the ledger's time.

        The ledger's chain gets an entry with the decision's digest, in the same transaction. If a decision with the same id
        is stored already, it is returned and nothing changes.

        Args:
            decision: The decision; the ledger replaces its time.
            scorecard: The evidence, if the retrain got that far.

        Raises:
            ConflictError: The sequence of tests has grown since the decision's error was allotted: allot again and judge again.
        """

    def tests(self, sequence: str) -> list[PastTest]:
        """Return the tests of an error control sequence in order of their place, one per decision that took a test."""

    def measurements(self, model: str, timeline: str, before: datetime) -> list[Measurement]:
        """Return what decided retrains with an as-of before `before` measured of versions, the oldest as-of first.

        Only the last 48 such retrains count.

        Raises:
            IntegrityError: A scorecard was altered.
        """

    def decision(self, decision_id: str) -> Decision:
        """Return the decision with an id.

        Raises:
            NotFoundError: The ledger has no such decision.
        """

    def decisions(self, model: str, timeline: str) -> list[Decision]:
        """Return all decisions of a timeline in the order in which they were stored."""

    def pointer(self, model: str, timeline: str) -> Pointer | None:
        """Return the current pointer of a timeline; None before the first promotion."""

    def append(self, move: Move) -> LedgerEntry:
        """Append the entry of a move and update the pointer, in one transaction; a refusal or a freeze moves no pointer.

        A second call with the same idempotency key returns the first entry and changes nothing.

        Raises:
            ConflictError: The ledger's rules refuse the move; the message names the winner or the block reason.
        """

    def standing(self, model: str, timeline: str) -> Standing:
        """Return the champion, former champions, freeze and quarantine of a timeline, derived from its entries."""

    def entry(self, model: str, timeline: str, key: str) -> LedgerEntry | None:
        """Return the first promotion of a key on a timeline; None if it was never promoted there."""

    def entries(self, model: str | None = None, timeline: str | None = None) -> list[LedgerEntry]:
        """Return the entries in sequence order, restricted to a model or a timeline if given."""

    def champion_at(self, model: str, timeline: str, at: datetime) -> LedgerEntry | None:
        """Return the move that made the champion at an instant of record time.

        It is the last move, by sequence, that was recorded at or before `at`; None if there was no champion yet.
        """

    def champion_as_of(self, model: str, timeline: str, as_of: datetime) -> LedgerEntry | None:
        """Return the move that made the champion for an instant of knowledge time, whenever it was recorded.

        It is the last move, by sequence and including rollbacks, to a version whose as-of is not after `as_of`; None if there
        is no such move.
        """

    def now(self) -> datetime:
        """Return the ledger's time, which stamps entries and decisions."""

    def timelines(self) -> list[tuple[str, str]]:
        """Return every (model, timeline) with at least one decision, sorted."""

    def verify(self, since: Head | None = None) -> Head:
        """Replay the entries by hash and by the rules, and check pointers, decisions and requests against them.

        Args:
            since: A head that an earlier call returned: only the entries after it, and what rests on them, are checked.

        Returns:
            The head, which shows a rewritten ledger if it is kept elsewhere.

        Raises:
            IntegrityError: An entry, a pointer, a decision or a request was altered, added or removed.
        """
