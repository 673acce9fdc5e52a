"""The ledger's entries and the log of attempts, of the models that the user may read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from retrain.adapters.sql_ledger import SqlLedger
from retrain.api.access import Access
from retrain.api.capacity import in_turn
from retrain.api.dags import find_dags
from retrain.api.queries.views import ledger_row
from retrain.api.schemas.ledger import AttemptPage, AttemptRow, LedgerHealth, LedgerPage
from retrain.api.verification import Verification
from retrain.core.ledger.entries import Action, LedgerEntry

__all__ = ["LedgerFilter", "export_entries", "list_attempts", "list_entries", "verify"]

_EXPORTED_AT_ONCE: Final = 500


@dataclass(frozen=True)
class LedgerFilter:
    """The filter of entries; None matches any."""

    model: str | None = None
    timeline: str | None = None
    actions: tuple[Action, ...] = ()
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = 50


def list_entries(entry_filter: LedgerFilter, ledger: SqlLedger, access: Access) -> LedgerPage:
    """Return a page of entries, the latest first."""
    entries = ledger.overview.entries(
        _readable(entry_filter.model, ledger.overview.models, access),
        timeline=entry_filter.timeline,
        actions=entry_filter.actions,
        actor=entry_filter.actor,
        since=entry_filter.since,
        until=entry_filter.until,
        before=entry_filter.before,
        limit=entry_filter.limit + 1,
    )
    page = entries[: entry_filter.limit]
    return LedgerPage(
        rows=[ledger_row(entry) for entry in page], before=page[-1].seq if len(entries) > len(page) else None
    )


def verify(verification: Verification, ledger: SqlLedger, access: Access) -> LedgerHealth:
    """Check the whole ledger; the answer names the model of a break only to a reader of all models."""
    checked = verification.check(ledger)
    problem = checked.problem
    if problem is not None:
        models = ledger.overview.models()
        if access.readable(models, find_dags(models)) != models:
            problem = problem.model_copy(update={"got": "an entry, a pointer or a decision that was altered"})
    return LedgerHealth(intact=problem is None, entries=checked.entries, problem=problem, checked_at=checked.at)


def export_entries(model: str | None, ledger: SqlLedger, access: Access) -> AsyncIterator[str]:
    """Return entries as lines of JSON, oldest first, as of now; the first of them are read before it returns.

    They are read in pieces, each in a transaction of its own, so that a slow reader holds no connection. The pieces are of one
    moment anyway: no entry changes or goes, and a new one comes after the last.
    """
    last = ledger.overview.last_seq()
    models = _readable(model, ledger.overview.models, access)

    def read_after(seq: int) -> list[LedgerEntry]:
        return ledger.overview.entries_after(seq, models, until=last, limit=_EXPORTED_AT_ONCE)

    return _write_pieces(read_after(0), read_after)


async def _write_pieces(
    entries: list[LedgerEntry], read_after: Callable[[int], list[LedgerEntry]]
) -> AsyncIterator[str]:
    while entries:
        yield "".join(json.dumps(entry.to_json()) + "\n" for entry in entries)
        entries = await in_turn(read_after, entries[-1].seq)


def list_attempts(model: str | None, before: int | None, limit: int, ledger: SqlLedger, access: Access) -> AttemptPage:
    """Return a page of attempts, the latest first."""
    names = _readable(model, ledger.attempts.models, access)
    found = ledger.attempts.list(names, before=before, limit=limit + 1)
    page = found[:limit]
    return AttemptPage(
        rows=[AttemptRow(seq=item.seq, at=item.at, **asdict(item.attempt)) for item in page],
        before=page[-1].seq if len(found) > len(page) else None,
    )


def _readable(model: str | None, models: Callable[[], set[str]], access: Access) -> set[str]:
    """Return the requested models that the user may read."""
    if model is not None:
        access.need_read(model)
        return {model}
    known = models()
    return access.readable(known, find_dags(known))
