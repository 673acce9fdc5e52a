"""The ledger replayed: each entry must follow from those before it, by hash and by the rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from retrain.core.ledger.entries import Action, Head, LedgerEntry, Move, Pointer
from retrain.core.ledger.rules import PROMOTE_CHOICE, check_move
from retrain.core.ledger.standing import Standing, StandingTally
from retrain.errors import ConflictError, IntegrityError

__all__ = ["LedgerReplay", "verify_chain"]


class LedgerReplay:
    """Checks entries by sequence, and keeps what the ledger's other tables must hold after them.

    Args:
        start: The head up to which the ledger was verified before; None to check from its first entry.
        earlier: The entries up to that head, which count for the rules; only their links are checked again.

    Attributes:
        head: The head after the last checked entry.
        tips: The head of each timeline, by model and timeline.
        decisions: The digest of each decision that a checked entry records or rests on, by id.

    Raises:
        IntegrityError: The earlier entries do not end with the start.
    """

    def __init__(self, start: Head | None = None, earlier: Iterable[LedgerEntry] = ()) -> None:
        self.head = Head()
        self.tips: defaultdict[tuple[str, str], Head] = defaultdict(Head)
        self.decisions: dict[str, str] = {}
        self._tallies: defaultdict[tuple[str, str], StandingTally] = defaultdict(StandingTally)
        self._records_decisions = False
        for entry in earlier:
            self._check_link(entry)
            self._add(entry)
        if start is not None and self.head != start:
            raise IntegrityError(
                f"entry {start.count} of the ledger must have the hash of the given head",
                got="another entry, or none",
                fix="Verify the whole ledger; stop promotions until it is explained.",
            )

    @property
    def pointers(self) -> dict[tuple[str, str], Pointer]:
        """Each pointer as its last move set it, by model and timeline."""
        champions = {key: tally.champion for key, tally in self._tallies.items()}
        return {key: champion.to_pointer() for key, champion in champions.items() if champion}

    def check(self, entry: LedgerEntry) -> None:
        """Check the next entry.

        Raises:
            IntegrityError: It was edited or put in, an entry before it was removed, or the rules would have refused it.
        """
        self._check_link(entry)
        if entry.hash != entry.content_hash():
            raise _broken_chain(entry)
        self._check_rules(entry)
        self._add(entry)
        if entry.decision_digest and entry.action is not Action.REFUSE:  # which may be of a forged decision
            self._note_decision(entry)

    def _check_link(self, entry: LedgerEntry) -> None:
        if (entry.seq, entry.previous_hash) != (self.head.count + 1, self.head.hash):
            raise _broken_chain(entry)

    def _check_rules(self, entry: LedgerEntry) -> None:
        tally = self._tallies[entry.model, entry.timeline]
        problem = _find_break(entry, tally.champion)
        if not problem and (entry.action.moves or entry.action is Action.APPROVE):
            standing = tally.standing if self._records_decisions else _add_decision(tally.standing, entry)
            try:
                check_move(_to_move(entry), standing)
            except ConflictError as error:
                problem = f"{error.must}; got {error.got}"
        if problem:
            raise IntegrityError(
                "each ledger entry must follow the rules of a move",
                got=f"entry {entry.seq} ({entry.action.value} of {entry.model}, {entry.timeline}), which breaks one: {problem}",
                fix="Stop promotions until it is explained; something else than the ledger wrote it.",
            )

    def _add(self, entry: LedgerEntry) -> None:
        key = entry.model, entry.timeline
        self._tallies[key].add(entry)
        self.tips[key] = self.tips[key].advance(entry)
        self.head = Head.of(entry)
        self._records_decisions |= entry.action is Action.DECIDE

    def _note_decision(self, entry: LedgerEntry) -> None:
        known = self.decisions.setdefault(entry.decision_id, entry.decision_digest)
        if known != entry.decision_digest:
            raise IntegrityError(
                "all entries that rest on a decision must hold the same digest of it",
                got=f"another one in entry {entry.seq} ({entry.model}, {entry.timeline})",
                fix="Stop promotions until it is explained.",
            )


def verify_chain(entries: Iterable[LedgerEntry]) -> Head:
    """Check that each entry follows from those before it; return the head.

    Raises:
        IntegrityError: An entry was edited, removed or put in between, or breaks the rules.
    """
    replay = LedgerReplay()
    for entry in entries:
        replay.check(entry)
    return replay.head


def _broken_chain(entry: LedgerEntry) -> IntegrityError:
    return IntegrityError(
        "the ledger's hash chain must be unbroken",
        got=f"a break at entry {entry.seq} ({entry.model}, {entry.timeline})",
        fix="Compare with your last export; stop promotions until it is explained.",
    )


def _to_move(entry: LedgerEntry) -> Move:
    """Return the move that an entry records."""
    names = ("action", "model", "timeline", "version", "manifest_digest", "as_of", "key", "idempotency_key")
    facts: dict[str, Any] = {name: getattr(entry, name) for name in names}
    return Move(
        **facts,
        expected_generation=(entry.generation or 1) - 1,
        decision_id=entry.decision_id,
        decision_digest=entry.decision_digest,
        approver=entry.approver,
        lifetime=entry.expires_at - entry.at if entry.expires_at else None,
    )


def _find_break(entry: LedgerEntry, champion: LedgerEntry | None) -> str:
    """Return how an entry does not continue from the champion; empty if it does."""
    generation = ((champion.generation or 0) if champion else 0) + 1
    if entry.generation != (generation if entry.action.moves else None):
        return "its generation is not the next one"
    return "" if entry.previous_version == (champion.version if champion else None) else "another version was champion"


def _add_decision(standing: Standing, entry: LedgerEntry) -> Standing:
    """Return the standing as if the entry's decision were recorded: ledgers begin without entries for decisions."""
    return replace(
        standing,
        decisions={entry.decision_id: replace(entry, action=Action.DECIDE, reason=PROMOTE_CHOICE)},
        approvals={entry.decision_digest: entry.approver},
    )
