"""What a search for the best params may try, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import (
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from retrain.core.metric_names import MetricName
from retrain.core.spec.section import Section

__all__ = ["Distribution", "Scalar", "SearchSpec"]

Scalar = StrictBool | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)] | StrictStr | None
"""A value that a choice may hold."""

_LARGEST: Final = 2**53
# Inside `Distribution` the names int and float are its fields.
_Range = tuple[float, float]
_Whole = Annotated[StrictInt, Field(ge=-_LARGEST, le=_LARGEST)]
_Number = Annotated[StrictFloat, Field(allow_inf_nan=False)]


class Distribution(Section):
    """The values that one param may take: exactly one of `int`, `float` and `choice` says of what kind they are."""

    int: tuple[_Whole, _Whole] | None = Field(None, description="Lowest and highest whole number, both included.")
    float: tuple[_Number, _Number] | None = Field(None, description="Lowest and highest number, both included.")
    choice: tuple[Scalar, ...] | None = Field(None, description="All values, without an order.")
    log: bool = Field(False, description="Whether small numbers are tried as often as large ones, by their order.")
    step: _Number | None = Field(None, gt=0, description="The distance of the numbers that are tried.")

    @property
    def bounds(self) -> _Range | None:
        """The lowest and the highest number; None for a choice."""
        return self.int or self.float

    def holds(self, value: Any) -> bool:
        """Tell whether a value is one that may be drawn."""
        if self.choice is not None:
            return any(type(value) is type(item) and value == item for item in self.choice)
        kinds = {"int"} if self.int is not None else {"int", "float"}
        if type(value).__name__ not in kinds or self.bounds is None:
            return False
        low, high = self.bounds
        return low <= value <= high and (self.step is None or _is_whole(value, low, self.step))

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, value: Any) -> Any:
        if isinstance(value, Mapping | Distribution):
            return value
        raise ValueError("must say which values to try, such as {int: [50, 300]} or {choice: [a, b]}")

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Distribution:
        if sum(kind is not None for kind in (self.int, self.float, self.choice)) != 1:
            raise ValueError("must have exactly one of int, float and choice")
        if self.choice is not None:
            if self.log or self.step is not None:
                raise ValueError("must have log and step with int or float only")
            if len(self.choice) < 2:
                raise ValueError("must have two choices or more")
            if len(set(self.choice)) != len(self.choice):
                raise ValueError("must not name a choice twice (1, 1.0 and true are the same)")
        elif self.bounds is not None:
            self._check_range(*self.bounds)
        return self

    def _check_range(self, low: Any, high: Any) -> None:
        if not low < high:
            raise ValueError("must begin with the lower number")
        if self.log and low <= 0:
            raise ValueError("must have a lowest number over 0 with log")
        if self.step is None:
            return
        if self.log:
            raise ValueError("must not have both log and step")
        if self.int is not None and self.step % 1:
            raise ValueError("must have a whole number as the step of int")
        if not _is_whole(high, low, self.step):
            raise ValueError("must be a whole number of steps from the lowest to the highest number")


class SearchSpec(Section):
    """How the best params are looked for, inside the training range."""

    params: dict[str, Distribution] = Field(description="What to try, by param.")
    trials: int = Field(20, ge=1, le=1000, description="How many sets of params are tried.")
    minutes: int | None = Field(
        None, ge=1, le=10_080, description="No trial begins after this long, all tries together."
    )
    folds: int = Field(3, ge=2, le=20, description="How many times each set of params is fitted and scored.")
    metric: MetricName | None = Field(None, description="What is best; by default the primary metric.")
    pruner: Literal["median", "none"] = Field(
        "median", description="Whether a trial ends early that is worse than the median of those before it."
    )
    workers: int = Field(1, ge=1, le=64, description="How many Airflow tasks try at once.")

    @field_validator("params")
    @classmethod
    def _are_arguments(cls, params: dict[str, Distribution]) -> dict[str, Distribution]:
        if not params:
            raise ValueError("must name a param to search")
        wrong = [name for name in params if not name.isidentifier() or name == "seed"]
        if wrong:
            raise ValueError(f"must name arguments of the estimator's function other than seed, not {wrong[0]!r:.60}")
        return params

    @field_validator("workers")
    @classmethod
    def _all_have_work(cls, workers: int, info: ValidationInfo) -> int:
        if workers > info.data.get("trials", workers):
            raise ValueError("must not be more than trials")
        return workers


def _is_whole(value: float, start: float, step: float) -> bool:
    """Whether a number of decimal steps leads from one number to another, as they are written."""
    return (Decimal(str(value)) - Decimal(str(start))) % Decimal(str(step)) == 0
