"""The ledger's entries and the log of attempts, of the models that the user may read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain

from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.ledger import Action, LedgerEntry
from retrain.errors import IntegrityError
from retrain.ui.access import Access
from retrain.ui.dags import find_dags
from retrain.ui.problems import describe
from retrain.ui.reads.views import ledger_row
from retrain.ui.schemas.ledger import AttemptPage, AttemptRow, LedgerHealth, LedgerPage

__all__ = ["LedgerQuestion", "export_entries", "list_attempts", "list_entries", "verify"]


@dataclass(frozen=True)
class LedgerQuestion:
    """Which entries; None is any."""

    model: str | None = None
    timeline: str | None = None
    actions: tuple[Action, ...] = ()
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = 50


def list_entries(question: LedgerQuestion, ledger: SqlLedger, access: Access) -> LedgerPage:
    """Return a page of entries, the latest first."""
    entries = ledger.overview.entries(
        _models(question.model, ledger, access),
        timeline=question.timeline,
        actions=question.actions,
        actor=question.actor,
        since=question.since,
        until=question.until,
        before=question.before,
        limit=question.limit + 1,
    )
    page = entries[: question.limit]
    return LedgerPage(
        rows=[ledger_row(entry) for entry in page], before=page[-1].seq if len(entries) > len(page) else None
    )


def verify(ledger: SqlLedger) -> LedgerHealth:
    """Check the whole ledger."""
    try:
        return LedgerHealth(intact=True, entries=ledger.verify(), problem=None)
    except IntegrityError as error:
        return LedgerHealth(intact=False, entries=None, problem=describe(error)[1])


def export_entries(model: str | None, ledger: SqlLedger, access: Access) -> Iterator[str]:
    """Return entries as lines of JSON, oldest first; the ledger is asked before the first of them is sent."""
    entries = ledger.overview.stream(_models(model, ledger, access))
    first: list[LedgerEntry] = [entry for entry in (next(entries, None),) if entry is not None]
    return (json.dumps(entry.to_json()) + "\n" for entry in chain(first, entries))


def list_attempts(model: str | None, before: int | None, limit: int, ledger: SqlLedger, access: Access) -> AttemptPage:
    """Return a page of attempts, the latest first."""
    names = _models(model, ledger, access)
    found = ledger.attempts.list(names, before=before, limit=limit + 1)
    page = found[:limit]
    return AttemptPage(
        rows=[AttemptRow(seq=item.seq, at=item.at, **asdict(item.attempt)) for item in page],
        before=page[-1].seq if len(found) > len(page) else None,
    )


def _models(model: str | None, ledger: SqlLedger, access: Access) -> set[str]:
    """Return the models that are asked about and may be read."""
    if model is not None:
        access.need_read(model)
        return {model}
    models = ledger.overview.models()
    return access.readable(models, find_dags(models))
