"""The parameters that routes share, each checked before anything is read."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import AfterValidator

from retrain.core.names import NAME_PATTERN, PRODUCTION, checked_name

__all__ = ["DecisionId", "Limit", "ModelParam", "Offset", "SeqBefore", "TimelineParam", "VersionParam"]

_PATTERN: Final = f"^{NAME_PATTERN}$"
LARGEST: Final = 2**31 - 1

ModelParam = Annotated[str, Path(pattern=_PATTERN, description="The model's name."), AfterValidator(checked_name)]
TimelineParam = Annotated[
    str,
    Query(pattern=_PATTERN, description=f"Which history of champions, such as {PRODUCTION}."),
    AfterValidator(checked_name),
]
DecisionId = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The decision's id.")]
VersionParam = Annotated[int, Query(ge=1, le=LARGEST)]
Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
SeqBefore = Annotated[int | None, Query(ge=1, le=2**53, description="Entries before this sequence number.")]
