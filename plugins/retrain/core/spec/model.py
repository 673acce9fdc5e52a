"""The pipeline spec as frozen models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, PrivateAttr, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from retrain.core.data.durations import Duration
from retrain.core.data.schedule import PRESETS, is_cron
from retrain.core.data.window import INSTANT_PATTERN, Period, Window, parse_instant
from retrain.core.digest import digest_json
from retrain.core.extensions import ExtensionName, ExtensionPoint
from retrain.core.names import AliasName, ColumnName, ModelName
from retrain.core.policy.error_control import ErrorControlSpec
from retrain.core.policy.gates import Baseline, Fairness, GateSpec
from retrain.core.spec.rules import DEFAULT_TIMEOUT, broken_rules
from retrain.core.spec.search import SearchSpec
from retrain.core.spec.section import Section
from retrain.core.stats.metric_names import SAME_FOR_BOTH_CLASSES, MetricName, Task
from retrain.core.user_code import DEFAULT_TRAINER, ESTIMATOR_EXAMPLE, ImportPath, Params

__all__ = [
    "BUILT_IN_READER",
    "BUILT_IN_VALIDATOR",
    "DataSpec",
    "EvaluationSpec",
    "ExecutionSpec",
    "PipelineSpec",
    "PromotionSpec",
    "TrainSpec",
    "ValidationSpec",
    "WindowSpec",
]


def _in_utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be an instant of the years 1 to 9999 in UTC") from None


def _parse_instant(value: Any) -> datetime:
    """Take instants as texts alone: a number would be seconds since 1970, which nobody means by 20250101."""
    if isinstance(value, datetime):
        return value
    return parse_instant(value.strip() if isinstance(value, str) else "")


def _cron(value: str) -> str:
    if not is_cron(value):
        raise ValueError(
            f"must be a cron expression of five fields, such as '0 6 * * 1', or one of {', '.join(PRESETS)}"
        )
    return value


def _inside_the_project(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/"):
        raise ValueError("must be a path inside the project, without a leading '/' and without '..'")
    return value


_LONGEST: Final = timedelta(days=36_525)
BUILT_IN_READER: Final = "duckdb"
BUILT_IN_VALIDATOR: Final = "great_expectations"
Schedule = Annotated[str, AfterValidator(_cron)]
Instant = Annotated[
    datetime,
    BeforeValidator(_parse_instant),
    AfterValidator(_in_utc),
    WithJsonSchema({"type": "string", "pattern": f"^{INSTANT_PATTERN}$", "examples": ["2024-07-01"]}),
]
ProjectPath = Annotated[str, Field(min_length=1), AfterValidator(_inside_the_project)]
ReaderName = Annotated[str, ExtensionName(ExtensionPoint.SOURCES, (BUILT_IN_READER,))]
ValidatorName = Annotated[str, ExtensionName(ExtensionPoint.VALIDATORS, (BUILT_IN_VALIDATOR,))]
TrainerName = Annotated[str, ExtensionName(ExtensionPoint.TRAINERS, (DEFAULT_TRAINER,))]
# The fields below with `exclude_if` are younger than stored specs: one that leaves them out keeps its digest and its key.


class WindowSpec(Section):
    """How long the two ranges of a window are."""

    train: Duration = Field(gt=timedelta(0), le=_LONGEST, description="Length of the training range.")
    holdout: Duration = Field(
        gt=timedelta(0), le=_LONGEST, description="Length of the holdout range, which begins label_delay after it."
    )


class DataSpec(Section):
    """Where the rows come from and what their columns mean."""

    query: str | None = Field(
        None, description="A file with one SELECT: DuckDB SQL over files, or SQL for `connection`."
    )
    source: str | None = Field(None, description="A glob of Parquet files.")
    connection: str | None = Field(None, description="An Airflow connection that runs `query`.")
    reader: ReaderName = Field(
        BUILT_IN_READER,
        exclude_if=BUILT_IN_READER.__eq__,
        description="What reads `query` or `source`; an installed package may add readers.",
    )
    event_time: ColumnName = Field(description="When the event of a row happened; naive times are UTC.")
    ingestion_time: ColumnName | None = Field(None, description="When the row became known, if later than its event.")
    label: ColumnName = Field(description="The column to predict.")
    label_delay: Duration = Field(
        "1d", le=_LONGEST, validate_default=True, description="How long after the event its label is known."
    )
    window: WindowSpec
    features: tuple[ColumnName, ...] | None = Field(
        None, description="Feature columns; by default all but event_time, ingestion_time and label."
    )
    chunk: Period = Field(Period.MONTH, description="The calendar period of one stored chunk.")
    min_rows: int = Field(100, ge=2, description="Fewest rows that the training and the holdout range must each hold.")
    max_timeless: float = Field(
        0.0,
        ge=0,
        lt=1,
        exclude_if=(0.0).__eq__,
        description="Greatest share of rows without event_time or ingestion_time, which are left out.",
    )


class ValidationSpec(Section):
    """Which expectations the data must meet."""

    suite: str = Field(description="A Great Expectations suite in its own JSON.")
    validator: ValidatorName = Field(
        BUILT_IN_VALIDATOR,
        exclude_if=BUILT_IN_VALIDATOR.__eq__,
        description="What evaluates the suite; an installed package may add validators, with suites of their own form.",
    )


class TrainSpec(Section):
    """How the challenger is made."""

    trainer: TrainerName = Field(
        DEFAULT_TRAINER,
        exclude_if=DEFAULT_TRAINER.__eq__,
        description="What fits, scores, saves and loads the model; an installed package may add trainers.",
    )
    estimator: ImportPath = Field(
        description="`module:function` that takes params and seed, returns an estimator.", examples=[ESTIMATOR_EXAMPLE]
    )
    params: Params = Field(default_factory=dict, description="Keyword arguments of the function.")
    seed: int = Field(0, ge=0, le=2**32 - 1)
    requirements: tuple[str, ...] = Field((), description="Packages the model needs besides scikit-learn.")
    files: tuple[ProjectPath, ...] = Field(
        (),
        exclude_if=().__eq__,
        description="Data files of the project that the estimator reads, or globs of them; they are stored with the model.",
    )
    search: SearchSpec | None = Field(None, description="Looks for better params; those of `params` are tried first.")
    refit: bool = Field(
        False,
        exclude_if=(False).__eq__,
        description="Whether a version serves the recipe fitted again on all labelled rows, in place of the judged model.",
    )


class EvaluationSpec(Section):
    """What the scorecard holds."""

    task: Task
    primary: MetricName = Field(description="The metric that tables and gates show first.")
    metrics: tuple[MetricName, ...] = Field(min_length=1)
    slices: tuple[ColumnName, ...] = Field((), description="Columns whose values are scored one by one.")
    positive: str | int | bool | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="The class that counts as positive, of a label with two classes; by default the greater one.",
    )


class PromotionSpec(Section):
    """What happens with a challenger that passed its gates."""

    alias: AliasName = "champion"
    approval: Literal["none", "required"] = Field(
        "none", description="Whether a person must approve each promotion on production."
    )
    approvers: tuple[str, ...] = Field((), description="The Airflow users who may approve, by id.")
    approval_timeout: Duration = Field(
        "3d", gt=timedelta(0), validate_default=True, description="How long to wait for approval; no answer means no."
    )
    out_of_band: Literal["repair", "adopt"] = Field(
        "repair",
        description="What to do when somebody moved the alias by hand: put it back, or follow it.",
    )
    pinned: int = Field(3, ge=1, le=100, description="How many former champions are rehearsed, ready to roll back to.")

    @model_validator(mode="after")
    def _approvers_are_known(self) -> PromotionSpec:
        if (self.approval == "required") != bool(self.approvers):
            raise ValueError("approval: required and approvers must be given together, or neither")
        return self

    @model_validator(mode="after")
    def _nobody_goes_round_an_approval(self) -> PromotionSpec:
        if self.approval == "required" and self.out_of_band == "adopt":
            raise ValueError(
                "out_of_band: adopt must not be given with approval: required, because nobody approves an alias"
            )
        return self


class ExecutionSpec(Section):
    """How Airflow runs the tasks of a retrain."""

    timeout: Duration = Field(
        DEFAULT_TIMEOUT,
        gt=timedelta(0),
        le=timedelta(days=30),
        validate_default=True,
        description="How long one try of a task may run; waiting for approval or for another run does not count.",
    )


class PipelineSpec(Section):
    """One pipeline: it owns the registered model of the same name."""

    model: ModelName = Field(description="The name of the pipeline and of its registered model.")
    description: str = ""
    owner: str = Field("airflow", min_length=1, max_length=100)
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()
    schedule: Schedule | None = Field(None, description="A cron expression or preset; none means only on request.")
    start_date: Instant
    end_date: Instant | None = Field(None, description="No scheduled run or backfill after it, for data that ends.")
    data: DataSpec
    validation: ValidationSpec
    train: TrainSpec
    evaluation: EvaluationSpec
    gate: tuple[GateSpec, ...] = Field(min_length=1)
    error_control: ErrorControlSpec = ErrorControlSpec()
    promotion: PromotionSpec = PromotionSpec()
    execution: ExecutionSpec = Field(ExecutionSpec(), exclude_if=ExecutionSpec().__eq__)

    _root: Path = PrivateAttr(default_factory=Path.cwd)

    @property
    def root(self) -> Path:
        """The folder that relative paths of the spec start from."""
        return self._root

    def rooted_at(self, root: Path) -> PipelineSpec:
        """Return the spec with its relative paths starting from `root`."""
        spec = self.model_copy()
        spec._root = root.absolute()
        return spec

    @property
    def score_columns(self) -> tuple[str, ...]:
        """The columns that per-row scores carry for slices and gates, sorted."""
        return tuple(sorted({*self.evaluation.slices, *(name for gate in self.gate for name in gate.columns)}))

    @property
    def readers_of_positive(self) -> tuple[str, ...]:
        """The metrics, and options of gates, that depend on which of two classes is the positive one."""
        metrics = [*self.evaluation.metrics, *([self.train.search.metric] if self.train.search else [])]
        for gate in self.gate:
            if isinstance(gate, Fairness):
                metrics += [gate.metric, *gate.floor]
        rules = [f"rule {gate.rule}" for gate in self.gate if isinstance(gate, Baseline) and gate.rule]
        return tuple(dict.fromkeys([*(name for name in metrics if name and name not in SAME_FOR_BOTH_CLASSES), *rules]))

    @property
    def profiled(self) -> bool:
        """Whether a gate reads the profile of the window."""
        return any(gate.profiled for gate in self.gate)

    @property
    def batches(self) -> tuple[int, ...]:
        """The numbers of rows a call that gates want timed, sorted."""
        return tuple(sorted({rows for gate in self.gate for rows in gate.batches}))

    def feature_columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Return the features among the columns of a snapshot, in its order."""
        if self.data.features is not None:
            return self.data.features
        others = {self.data.event_time, self.data.ingestion_time, self.data.label}
        return tuple(column for column in columns if column not in others)

    def with_params(self, params: Mapping[str, JsonValue]) -> PipelineSpec:
        """Return the spec with the estimator's params as a search chose them."""
        train = self.train.model_copy(update={"params": self.train.params | dict(params)})
        return self.model_copy(update={"train": train})

    @property
    def digest(self) -> str:
        """The sha256 of everything declared."""
        return digest_json(self.model_dump(mode="json"))

    def window_at(self, as_of: datetime) -> Window:
        """Return the window of a retrain at `as_of`."""
        return Window.from_as_of(
            as_of,
            label_delay=self.data.label_delay,
            train=self.data.window.train,
            holdout=self.data.window.holdout,
        )

    @model_validator(mode="after")
    def _check_rules(self) -> PipelineSpec:
        problems = list(broken_rules(self.model_dump(mode="json")))
        if problems:
            context = {"problems": "; ".join(map(str, problems)), "found": problems}
            raise PydanticCustomError("rules", "{problems}", context)
        return self
