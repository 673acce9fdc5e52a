"""The ledger: its entries, whether it is intact, an export; and the requests of users over this API."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from retrain.api.capacity import EndingStream, PageRoute
from retrain.api.dependencies import AccessDep, LedgerDep, VerificationDep
from retrain.api.parameters import Limit, NameFilter, SeqBefore, Text, UtcInstant
from retrain.api.queries import ledger as reads
from retrain.api.schemas.ledger import AttemptPage, LedgerHealth, LedgerPage
from retrain.core.ledger.entries import Action

__all__ = ["router"]

router = APIRouter(tags=["ledger"], route_class=PageRoute)

NDJSON: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}, "description": "One entry a line."}
}


@router.get("/ledger")
def list_entries(
    ledger: LedgerDep,
    access: AccessDep,
    model: NameFilter = None,
    timeline: NameFilter = None,
    action: Annotated[list[Action], Query(max_length=8)] = [],  # noqa: B006 - FastAPI copies it
    actor: Annotated[Text | None, Query()] = None,
    since: Annotated[UtcInstant | None, Query(description="Recorded at or after this instant.")] = None,
    until: Annotated[UtcInstant | None, Query(description="Recorded before this instant.")] = None,
    before: SeqBefore = None,
    limit: Limit = 50,
) -> LedgerPage:
    """List entries of models that the user may read, the latest first."""
    entry_filter = reads.LedgerFilter(model, timeline, tuple(action), actor, since, until, before, limit)
    return reads.list_entries(entry_filter, ledger, access)


@router.get("/ledger/verify")
def verify_ledger(ledger: LedgerDep, access: AccessDep, verification: VerificationDep) -> LedgerHealth:
    """Check the whole chain, each pointer, and each decision that an entry rests on; one check runs at a time."""
    return reads.verify(verification, ledger, access)


@router.get("/ledger/export", response_class=StreamingResponse, responses=NDJSON)
def export_ledger(ledger: LedgerDep, access: AccessDep, model: NameFilter = None) -> EndingStream:
    """Stream entries as JSON Lines, oldest first; of the models that the user may read.

    The chain can be checked in an export of all models only. An export that is not read within ten minutes is cut off.
    """
    headers = {"content-disposition": 'attachment; filename="ledger.jsonl"'}
    return EndingStream(reads.export_entries(model, ledger, access), media_type="application/x-ndjson", headers=headers)


@router.get("/attempts")
def list_attempts(
    ledger: LedgerDep, access: AccessDep, model: NameFilter = None, before: SeqBefore = None, limit: Limit = 50
) -> AttemptPage:
    """List attempts to change something over this API, refused ones included, the latest first."""
    return reads.list_attempts(model, before, limit, ledger, access)
