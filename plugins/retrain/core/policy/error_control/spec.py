"""The section of a spec or a policy file that configures error control."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from retrain.core.data.durations import Duration

__all__ = ["ErrorControlSpec"]

_LONGEST: Final = timedelta(days=1_830)


class ErrorControlSpec(BaseModel):
    """How a pipeline limits false promotions over its sequence of retrains."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    method: Literal["none", "alpha_spending", "lord"] = Field(
        "none", description="none: each retrain tests at its gate's own confidence."
    )
    budget: float = Field(0.05, gt=0, lt=0.5, description="The error budget.")
    period: Duration = Field(
        "365d",
        gt=timedelta(0),
        le=_LONGEST,
        validate_default=True,
        description="The period of the budget of alpha spending.",
    )
    tests: int | None = Field(
        None,
        ge=1,
        description="How many retrains share the budget; by default the number of ticks in a period.",
    )
