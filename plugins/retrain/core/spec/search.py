"""What a search for the best params may try, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

from retrain.core.spec.section import Section
from retrain.core.stats.metric_names import MetricName

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
    step: StrictInt = Field(1, ge=1, le=_LARGEST, description="The distance between the whole numbers that are tried.")

    @property
    def bounds(self) -> _Range | None:
        """The lowest and the highest number; None for a choice."""
        return self.int or self.float

    def holds(self, value: Any) -> bool:
        """Tell whether a value is one that may be drawn."""
        if self.bounds is None:
            return any(type(value) is type(item) and value == item for item in self.choice or ())
        low, high = self.bounds
        if self.int is not None:
            return type(value) is int and low <= value <= high and (value - low) % self.step == 0
        return type(value) in {int, float} and low <= value <= high

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
        for broken, rule in self._rules():
            if broken:
                raise ValueError(rule)
        return self

    def _rules(self) -> Iterator[tuple[bool, str]]:
        """Yield whether a rule is broken, and the rule."""
        yield self.int is None and self.step != 1, "must have step with int only"
        if self.choice is not None:
            yield self.log, "must have log with int or float only"
            yield len(self.choice) < 2, "must have two choices or more"
            yield (
                len(set(self.choice)) != len(self.choice),
                "must not name a choice twice (1, 1.0 and true are the same)",
            )
        if self.bounds is not None:
            low, high = self.bounds
            yield not low < high, "must begin with the lower number"
            yield self.log and low <= 0, "must have a lowest number over 0 with log"
            yield self.log and self.step != 1, "must not have both log and step"
            yield (high - low) % self.step != 0 and self.int is not None, "must be a whole number of steps long"


class SearchSpec(Section):
    """How the best params are looked for, inside the training range."""

    params: dict[str, Distribution] = Field(description="What to try, by param.")
    trials: int = Field(20, ge=1, le=1000, description="How many sets of params are tried.")
    minutes: int | None = Field(None, ge=1, le=10_080, description="No trial begins after this many minutes of trying.")
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
