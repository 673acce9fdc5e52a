"""The parameters that routes share, each checked before anything is read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, Field

from retrain.core.ledger.rules import as_utc
from retrain.core.names import NAME_PATTERN, PRODUCTION, check_name

__all__ = [
    "DagParam",
    "DecisionId",
    "Limit",
    "ModelParam",
    "NameFilter",
    "Offset",
    "RunParam",
    "SeqBefore",
    "Text",
    "TimelineParam",
    "UtcInstant",
    "VersionParam",
]

_PATTERN: Final = f"^{NAME_PATTERN}$"
_LARGEST: Final = 2**31 - 1


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable text on one line")
    return text


def _in_utc(instant: datetime) -> datetime:
    try:
        return as_utc(instant)
    except OverflowError:
        raise ValueError("must be of the years 1 to 9999 in UTC") from None


Text = Annotated[str, Field(max_length=250), AfterValidator(_printable)]
UtcInstant = Annotated[AwareDatetime, AfterValidator(_in_utc)]

ModelParam = Annotated[str, Path(pattern=_PATTERN, description="The model's name."), AfterValidator(check_name)]
TimelineParam = Annotated[
    str,
    Query(pattern=_PATTERN, description=f"Which history of champions, such as {PRODUCTION}."),
    AfterValidator(check_name),
]
NameFilter = Annotated[Annotated[str, AfterValidator(check_name)] | None, Query(pattern=_PATTERN)]
DagParam = Annotated[Text, Query(pattern=r"^[\w.-]+$", description="The DAG's id.")]
RunParam = Annotated[Text, Query(min_length=1, description="The run's id.")]
DecisionId = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The decision's id.")]
VersionParam = Annotated[int, Query(ge=1, le=_LARGEST)]
Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
SeqBefore = Annotated[int | None, Query(ge=1, le=_LARGEST, description="Entries before this sequence number.")]
