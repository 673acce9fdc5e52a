"""The rules of a move: what the next ledger entry is, or why there must be none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from retrain.core.ledger.entries import GENESIS, Action, LedgerEntry, Move
from retrain.core.ledger.standing import Standing
from retrain.errors import ConflictError, IntegrityError

__all__ = ["as_utc", "confirm_same_move", "entry_for"]


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
        standing: The standing of the model on its timeline.

    Raises:
        ConflictError: The pointer is elsewhere; a promotion is blocked or would go back in time; a rollback or revert is to a
            version that was never live; a forced version would never expire.
        IntegrityError: The move is not a refusal, and the head, or a move or freeze of this model and timeline, was edited.
    """
    champion = standing.champion
    if move.action is not Action.REFUSE:
        _check_intact(head, *standing.moves, *standing.freezes)
    if move.action.moves:
        _check_generation(move, champion)
    if move.action is Action.PROMOTE:
        _check_unblocked(move, standing)
        _check_forward(move, champion)
    elif move.action in (Action.ROLLBACK, Action.REVERT):
        _check_was_live(move, standing)
    elif move.action is Action.FORCE:
        _check_lifetime(move)
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
        previous_hash=head.hash if head else GENESIS,
    ).sealed()


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


def _check_intact(*entries: LedgerEntry | None) -> None:
    """Check the entries that the move rests on; `verify_chain` checks the whole chain."""
    for entry in entries:
        if entry is not None and entry.hash != entry.content_hash():
            raise IntegrityError(
                "each ledger entry that a move rests on must carry its own hash",
                got=f"an edited entry {entry.seq} ({entry.model}, {entry.timeline})",
                fix="Run `retrain ledger verify`; stop promotions until it is explained.",
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
