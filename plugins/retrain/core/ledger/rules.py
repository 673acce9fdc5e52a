"""The rules of a move: what the next ledger entry is, or why there must be none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from retrain.core.ledger.entries import Action, Head, LedgerEntry, Move
from retrain.core.ledger.standing import Standing
from retrain.errors import ConflictError, IntegrityError

__all__ = ["PROMOTE_CHOICE", "as_utc", "check_intact", "check_move", "confirm_same_move", "entry_for"]

PROMOTE_CHOICE: Final = "PROMOTE"
"""How the reason of an entry begins that records a decision to promote."""


def as_utc(instant: datetime) -> datetime:
    """Return an aware instant in UTC.

    Raises:
        ValueError: The instant has no offset, so its time is ambiguous.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant must have an offset, such as +00:00")
    return instant.astimezone(UTC)


def entry_for(move: Move, *, at: datetime, head: LedgerEntry | None, standing: Standing) -> LedgerEntry:
    """Return the sealed entry for a proposed move.

    Args:
        move: The proposed move.
        at: The time of the store that will hold the entry, exactly as it will hold it.
        head: The last entry of the whole ledger.
        standing: The standing of the model on its timeline, of entries that the store found intact.

    Raises:
        ConflictError: The rules refuse the move, see `check_move`.
    """
    check_move(move, standing)
    champion = standing.champion
    return LedgerEntry(
        seq=head.seq + 1 if head else 1,
        at=as_utc(at),
        action=move.action,
        model=move.model,
        timeline=move.timeline,
        generation=move.expected_generation + 1 if move.action.moves else None,
        version=move.version,
        previous_version=champion.version if champion else None,
        manifest_digest=move.manifest_digest,
        as_of=as_utc(move.as_of),
        key=move.key,
        decision_id=move.decision_id,
        decision_digest=move.decision_digest,
        idempotency_key=move.idempotency_key,
        actor=move.actor,
        reason=move.reason,
        approver=move.approver,
        expires_at=as_utc(at) + move.lifetime if move.lifetime else None,
        previous_hash=Head.of(head).hash,
    ).sealed()


def check_move(move: Move, standing: Standing) -> None:
    """Check a proposed move against the entries of its model and timeline.

    Raises:
        ConflictError: The pointer is elsewhere; a promotion rests on no recorded decision, is blocked or would go back in
            time; the named approver did not approve; a rollback or revert is to a version that was never live; a forced
            version would never expire.
    """
    champion = standing.champion
    if move.action.moves:
        _check_generation(move, champion)
    if move.action in (Action.PROMOTE, Action.APPROVE):
        _check_decided(move, standing)
    if move.action is Action.PROMOTE:
        _check_approved(move, standing)
        _check_unblocked(move, standing)
        _check_forward(move, champion)
    elif move.action in (Action.ROLLBACK, Action.REVERT):
        _check_was_live(move, standing)
    elif move.action is Action.FORCE:
        _check_lifetime(move)


def check_intact(last: LedgerEntry | None, head: Head, of_timeline: Sequence[LedgerEntry], tip: Head) -> None:
    """Check what a move rests on: the end of the ledger, and all entries of its model and timeline.

    Args:
        last: The last entry of the whole ledger.
        head: The head of the whole ledger, which the ledger moved when it last wrote.
        of_timeline: All entries of the model and timeline, refusals included.
        tip: Their own head, which the ledger moved when it last wrote one.

    Raises:
        IntegrityError: An entry was edited, removed or added by something else than the ledger.
    """
    for entry in (*of_timeline, *([last] if last else [])):
        if entry.hash != entry.content_hash():
            raise _tampered(f"an edited entry {entry.seq} ({entry.model}, {entry.timeline})")
    if Head.of(last) != head:
        raise _tampered(f"{last.seq if last else 0} as the last entry, not {head.count}")
    if Head.over(of_timeline) != tip:
        raise _tampered(f"{len(of_timeline)} entries of the model and timeline, not the {tip.count} that were written")


def _tampered(got: str) -> IntegrityError:
    return IntegrityError(
        "the ledger entries that a move rests on must be those that the ledger wrote",
        got=got,
        fix="Run `retrain ledger verify`; stop promotions until it is explained.",
    )


def confirm_same_move(move: Move, first: LedgerEntry) -> LedgerEntry:
    """Return the entry that an earlier move with the same idempotency key made.

    Raises:
        ConflictError: It was made for another model, timeline or version.
    """
    if (move.model, move.timeline, move.version) != (first.model, first.timeline, first.version):
        raise ConflictError(
            "an idempotency key must belong to one move",
            got=f"the key of entry {first.seq} ({first.model}, {first.timeline}, version {first.version})"
            f" for version {move.version} of {move.model} on {move.timeline}",
            fix="Use a fresh idempotency key.",
        )
    return first


def _check_decided(move: Move, standing: Standing) -> None:
    recorded = standing.decisions.get(move.decision_id)
    got = _find_difference(move, recorded) if recorded else "none"
    if got:
        raise ConflictError(
            f"the {move.action.value} of {move.model} on {move.timeline} must rest on a decision in the ledger's chain",
            got=got,
            fix="Clear the task `gate`, which decides again.",
        )


def _find_difference(move: Move, recorded: LedgerEntry) -> str:
    """Return why a recorded decision does not let a move happen; empty if it does."""
    if recorded.decision_digest != move.decision_digest:
        return "a decision that was changed since"
    if recorded.choice != PROMOTE_CHOICE:
        return f"the decision {recorded.choice}"
    wanted = (move.version, move.manifest_digest, move.key, as_utc(move.as_of))
    given = (recorded.version, recorded.manifest_digest, recorded.key, recorded.as_of)
    return "" if wanted == given else f"one to promote version {recorded.version}, made of other data or in another way"


def _check_approved(move: Move, standing: Standing) -> None:
    if move.approver and standing.approvals.get(move.decision_digest) != move.approver:
        raise ConflictError(
            f"the approval of version {move.version} of {move.model} must be in the ledger",
            got=f"none by {move.approver} for this decision",
            fix="Clear the task `approve` and let an approver answer.",
        )


def _check_generation(move: Move, champion: LedgerEntry | None) -> None:
    if move.expected_generation != (champion.generation if champion else 0):
        raise ConflictError(
            f"the pointer of {move.model} on {move.timeline} must be at generation {move.expected_generation}"
            f" to become version {move.version}",
            got=f"{_winner(champion)} there already" if champion else "generation 0, no champion yet",
            fix="Read the pointer again, compare the challenger with that champion, and decide again.",
        )


def _check_forward(move: Move, champion: LedgerEntry | None) -> None:
    if champion is not None and as_utc(move.as_of) <= champion.as_of:
        raise ConflictError(
            f"a promotion of {move.model} on {move.timeline} must be of a later as-of than its champion's",
            got=f"superseded: version {move.version} as of {as_utc(move.as_of).isoformat()}, and {_winner(champion)}",
            fix="Keep the champion; to go back on purpose, roll back.",
        )


def _check_unblocked(move: Move, standing: Standing) -> None:
    block = standing.find_block(move.key)
    if block is not None:
        raise ConflictError(
            f"a promotion of version {move.version} of {move.model} on {move.timeline} must not be blocked",
            got=block.fact,
            fix=f"{block.fix[0].upper()}{block.fix[1:]}.",
        )


def _check_was_live(move: Move, standing: Standing) -> None:
    if standing.was_live(move.version, move.manifest_digest, move.key) is None:
        known = ", ".join(str(entry.version) for entry in standing.fallbacks()) or "none"
        raise ConflictError(
            f"a {move.action.value} of {move.model} on {move.timeline} must be to a version that was live there, as it was",
            got=f"version {move.version}",
            fix=f"Choose one of: {known}.",
        )


def _check_lifetime(move: Move) -> None:
    if move.lifetime is None or move.lifetime <= timedelta(0):
        raise ConflictError(
            "a forced version must have a time to live",
            got="none" if move.lifetime is None else str(move.lifetime),
            fix="Say how long, such as --expires 7d.",
        )


def _winner(champion: LedgerEntry) -> str:
    return f"version {champion.version} (generation {champion.generation}, as of {champion.as_of.isoformat()})"
