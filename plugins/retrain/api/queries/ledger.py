"""The ledger's entries and the log of attempts, of the models that the user may read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain

from retrain.adapters.sql_ledger import SqlLedger
from retrain.api.access import Access
from retrain.api.dags import find_dags
from retrain.api.problems import describe
from retrain.api.queries.views import ledger_row
from retrain.api.schemas.ledger import AttemptPage, AttemptRow, LedgerHealth, LedgerPage
from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.errors import IntegrityError

__all__ = ["LedgerFilter", "export_entries", "list_attempts", "list_entries", "verify"]


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


def verify(ledger: SqlLedger, access: Access) -> LedgerHealth:
    """Check the whole ledger; the answer names the model of a break only to a reader of all models."""
    try:
        return LedgerHealth(intact=True, entries=ledger.verify(), problem=None)
    except IntegrityError as error:
        _, problem = describe(error)
    models = ledger.overview.models()
    if access.readable(models, find_dags(models)) != models:
        problem = problem.model_copy(update={"got": "an entry, a pointer or a decision that was altered"})
    return LedgerHealth(intact=False, entries=None, problem=problem)


def export_entries(model: str | None, ledger: SqlLedger, access: Access) -> Iterator[str]:
    """Return entries as lines of JSON, oldest first; the ledger is read before the first is sent."""
    entries = ledger.overview.stream(_readable(model, ledger.overview.models, access))
    first: list[LedgerEntry] = [entry for entry in (next(entries, None),) if entry is not None]
    return (json.dumps(entry.to_json()) + "\n" for entry in chain(first, entries))


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
