"""The base of every response and request body."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Schema"]


class Schema(BaseModel):
    """Frozen, and without a field that is not named; all instants are in UTC with an offset."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)
