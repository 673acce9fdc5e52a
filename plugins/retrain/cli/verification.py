"""Verification of the ledger from the command line, against heads and exports that were kept elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from retrain.core.ledger.entries import Head, LedgerEntry
from retrain.core.ports import Ledger
from retrain.errors import IntegrityError, RetrainError

__all__ = ["verify_ledger"]


def verify_ledger(ledger: Ledger, *, since: str, against: Path | None) -> Head:
    """Verify a ledger, and that it begins with what a file holds; return the head.

    Args:
        since: A head as `verify` prints it; empty to check the whole ledger.
        against: An export of the ledger, or a file with a head.

    Raises:
        IntegrityError: The ledger was tampered with, or does not begin with what the file holds.
        RetrainError: The head or the file cannot be read.
    """
    start = _parse_head(since, "--since") if since else None
    head = ledger.verify(start)
    if against is not None:
        _compare(ledger.entries(), against)
    return head


def _compare(entries: list[LedgerEntry], file: Path) -> None:
    lines = _read_lines(file)
    if not lines[0].startswith("{"):
        kept = _parse_head(lines[-1], str(file))
        if Head.of(entries[kept.count - 1] if 0 < kept.count <= len(entries) else None) != kept:
            raise _rewritten(f"another entry {kept.count}, or none")
        return
    for number, (kept_entry, entry) in enumerate(zip_longest(_read_entries(lines, file), entries), start=1):
        if kept_entry is None:
            return
        # Not by its hash alone: nobody has checked those before the head of --since today.
        if entry != kept_entry:
            raise _rewritten(f"another entry {number}, or none")


def _read_lines(file: Path) -> list[str]:
    """Return the lines of a file, of which there is at least one."""
    try:
        lines = file.read_text(encoding="utf-8").strip().splitlines()
    except (OSError, UnicodeDecodeError):
        raise _unreadable(str(file), "a file that is not text, or cannot be read") from None
    if not lines:
        raise _unreadable(str(file), "an empty file")
    return lines


def _read_entries(lines: list[str], file: Path) -> Iterator[LedgerEntry]:
    for number, line in enumerate(lines, start=1):
        try:
            yield LedgerEntry.from_json(json.loads(line))
        except (TypeError, ValueError):
            raise _unreadable(str(file), f"line {number}, which is not an entry") from None


def _parse_head(text: str, source: str) -> Head:
    try:
        return Head.parse(text.removeprefix("head "))
    except ValueError:
        raise _unreadable(source, "another text") from None


def _unreadable(source: str, problem: str) -> RetrainError:
    return RetrainError(
        f"{source} must be a head of the ledger, or an export of it",
        got=problem,
        fix="Give what `retrain ledger verify` or `retrain ledger export` wrote.",
    )


def _rewritten(got: str) -> IntegrityError:
    return IntegrityError(
        "the ledger must begin with the entries that were kept elsewhere",
        got=got,
        fix="Stop promotions until it is explained; the kept file says what the ledger held.",
    )
