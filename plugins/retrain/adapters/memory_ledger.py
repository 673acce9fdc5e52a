"""A ledger that lives as long as its process: for tests and notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock

from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.ledger.entries import Action, Head, LedgerEntry, Move, Pointer, check_decisions
from retrain.core.ledger.replay import LedgerReplay
from retrain.core.ledger.rules import as_utc, check_intact, confirm_same_move, entry_for
from retrain.core.ledger.standing import Standing
from retrain.core.ledger.step_result import StepResult
from retrain.core.policy.decision import Choice, Decision, propose_record
from retrain.core.policy.error_control import PastTest
from retrain.core.ports import OpenRetrain
from retrain.core.ratings import MOST_WINDOWS, Measurement
from retrain.core.request import RetrainRequest
from retrain.errors import NotFoundError

__all__ = ["MemoryLedger"]


class MemoryLedger:
    """The `Ledger` port over plain lists, safe for threads; its pointers are read off its entries."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._retrains: dict[str, tuple[RetrainRequest, datetime]] = {}
        self._decisions: dict[str, Decision] = {}
        self._scorecards: dict[str, Scorecard] = {}
        self._entries: list[LedgerEntry] = []
        self._results: set[str] = set()

    def copy(self, *, entries: Sequence[LedgerEntry] | None = None) -> MemoryLedger:
        """Return an independent ledger with the same content, or with other entries, which `verify` then checks."""
        with self._lock:
            other = MemoryLedger()
            other._retrains = dict(self._retrains)
            other._decisions = dict(self._decisions)
            other._scorecards = dict(self._scorecards)
            other._entries = list(self._entries if entries is None else entries)
            other._results = set(self._results)
            return other

    def open_retrain(self, request: RetrainRequest) -> None:
        """Note that an attempt began; a repeated call changes nothing."""
        with self._lock:
            self._retrains.setdefault(request.id, (request, datetime.now(UTC)))

    def list_earlier_open(self, request: RetrainRequest) -> list[OpenRetrain]:
        """Return attempts on the same model and timeline with an earlier as-of that are not settled, oldest as-of first."""
        with self._lock:
            decided = {decision.request_id for decision in self._decisions.values()}
            settling = (Action.PROMOTE, Action.REFUSE)
            appended = {entry.decision_id for entry in self._entries if entry.action in settling}
            pending = {
                decision.request_id
                for decision in self._decisions.values()
                if decision.choice is Choice.PROMOTE and decision.id not in appended
            }
            found = [
                OpenRetrain(other.origin, as_utc(other.as_of), opened_at)
                for other, opened_at in self._retrains.values()
                if (other.model, other.timeline) == (request.model, request.timeline)
                and other.as_of < request.as_of
                and (other.id not in decided or other.id in pending)
            ]
        return sorted(found, key=lambda attempt: (attempt.as_of, attempt.opened_at))

    def record(self, decision: Decision, scorecard: Scorecard | None = None) -> Decision:
        """Store a decision (and its scorecard) and close its attempt; return it as stored.

        Raises:
            ConflictError: Its sequence of tests has grown since it was allotted its error.
        """
        with self._lock:
            if decision.id not in self._decisions:
                if decision.allotment is not None:
                    decision.allotment.check_place(len(self._tests(decision.allotment.sequence)))
                # Through JSON and back, so that what a notebook sees is what a database would give.
                stored = Decision.from_json(replace(decision, at=datetime.now(UTC)).to_json())
                self._decisions[decision.id] = stored
                if scorecard is not None:
                    self._scorecards.setdefault(scorecard.digest, scorecard)
                request = self._retrains.get(decision.request_id)
                actor, reason = (request[0].actor, request[0].reason) if request else ("", "")
                self._append(propose_record(stored, actor=actor, reason=reason))
            return self._decisions[decision.id]

    def record_result(self, result: StepResult) -> None:
        """Store what a step made; a repeated call changes nothing."""
        with self._lock:
            self._results.add(result.digest)

    def has_result(self, result: StepResult) -> bool:
        """Return whether a step recorded exactly this result."""
        with self._lock:
            return result.digest in self._results

    def tests(self, sequence: str) -> list[PastTest]:
        """Return the tests of a sequence of error control by place."""
        with self._lock:
            return self._tests(sequence)

    def measurements(self, model: str, timeline: str, before: datetime) -> list[Measurement]:
        """Return what decided retrains measured before an as-of, the oldest first."""
        with self._lock:
            decided = [
                (decision.as_of, self._scorecards[decision.scorecard])
                for decision in self._decisions.values()
                if (decision.model, decision.timeline) == (model, timeline)
                and decision.as_of < before
                and decision.scorecard in self._scorecards
            ]
        last = sorted(decided, key=lambda pair: pair[0])[-MOST_WINDOWS:]
        return [measurement for _, card in last for measurement in card.measurements]

    def decision(self, decision_id: str) -> Decision:
        """Return one decision.

        Raises:
            NotFoundError: The ledger has no such decision.
        """
        with self._lock:
            if decision_id in self._decisions:
                return self._decisions[decision_id]
        raise NotFoundError(
            "a decision that is asked for must be in the ledger", got=repr(decision_id), fix="List the decisions first."
        )

    def decisions(self, model: str, timeline: str) -> list[Decision]:
        """Return all decisions in the order they were stored."""
        with self._lock:
            return [d for d in self._decisions.values() if (d.model, d.timeline) == (model, timeline)]

    def pointer(self, model: str, timeline: str) -> Pointer | None:
        """Return the pointer to the current champion."""
        with self._lock:
            champion = self._standing(model, timeline).champion
        return champion.to_pointer() if champion else None

    def append(self, move: Move) -> LedgerEntry:
        """Move the pointer (or record a refusal) and append the entry.

        Raises:
            ConflictError: The rules of `entry_for` refuse the move.
        """
        with self._lock:
            for first in self._entries:
                if first.idempotency_key == move.idempotency_key:
                    return confirm_same_move(move, first)
            return self._append(move)

    def standing(self, model: str, timeline: str) -> Standing:
        """Return champion, former champions, freeze and quarantine."""
        with self._lock:
            return self._standing(model, timeline)

    def entry(self, model: str, timeline: str, key: str) -> LedgerEntry | None:
        """Return the first promotion of a key on a timeline."""
        found = (e for e in self.entries(model, timeline) if e.key == key and e.action is Action.PROMOTE)
        return next(found, None)

    def entries(self, model: str | None = None, timeline: str | None = None) -> list[LedgerEntry]:
        """Return entries by sequence; of one model or timeline where named."""
        with self._lock:
            return [e for e in self._entries if model in (None, e.model) and timeline in (None, e.timeline)]

    def champion_at(self, model: str, timeline: str, at: datetime) -> LedgerEntry | None:
        """Return the move that stood at an instant of record time."""
        with self._lock:
            return next((e for e in self._moves(model, timeline) if e.at <= at), None)

    def champion_as_of(self, model: str, timeline: str, as_of: datetime) -> LedgerEntry | None:
        """Return the last move to a version that knows nothing later than `as_of`."""
        with self._lock:
            return next((e for e in self._moves(model, timeline) if e.as_of <= as_of), None)

    def now(self) -> datetime:
        """Return the time of this process."""
        return datetime.now(UTC)

    def timelines(self) -> list[tuple[str, str]]:
        """Return every (model, timeline) that has a decision, sorted."""
        with self._lock:
            return sorted({(decision.model, decision.timeline) for decision in self._decisions.values()})

    def verify(self, since: Head | None = None) -> Head:
        """Replay the entries, and check the decisions they record; return the head.

        Raises:
            IntegrityError: An entry or a decision was altered.
        """
        entries, count = self.entries(), since.count if since else 0
        replay = LedgerReplay(since, entries[:count])
        for entry in entries[count:]:
            replay.check(entry)
        check_decisions(replay.decisions, {name: decision.digest for name, decision in self._decisions.items()})
        return replay.head

    def _append(self, move: Move) -> LedgerEntry:
        last = self._entries[-1] if self._entries else None
        entries = [e for e in self._entries if (e.model, e.timeline) == (move.model, move.timeline)]
        if not move.action.testifies:
            check_intact(last, Head.of(last), entries, Head.over(entries))
        entry = entry_for(move, at=datetime.now(UTC), head=last, standing=Standing.of(entries))
        self._entries.append(entry)
        return entry

    def _tests(self, sequence: str) -> list[PastTest]:
        decisions = (d for d in self._decisions.values() if d.allotment and d.allotment.sequence == sequence)
        return [test for decision in decisions if (test := decision.past_test)]

    def _standing(self, model: str, timeline: str) -> Standing:
        return Standing.of(e for e in self._entries if (e.model, e.timeline) == (model, timeline))

    def _moves(self, model: str, timeline: str) -> Iterator[LedgerEntry]:
        """Yield the moves of a pointer, the last one first."""
        for entry in reversed(self._entries):
            if (entry.model, entry.timeline) == (model, timeline) and entry.generation is not None:
                yield entry
