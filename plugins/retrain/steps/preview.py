"""Look at what a retrain would meet, before it is requested: the rows of a window, their validation, and a small model."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.data.validation import ValidationReport
from retrain.core.ports import SnapshotStore, Trainer, Validator
from retrain.core.spec import PipelineSpec
from retrain.errors import RetrainError
from retrain.steps.snapshot import check_rows, find_window
from retrain.steps.suite import read_suite
from retrain.steps.validate import check_report

if TYPE_CHECKING:
    from pandas import DataFrame, Series

__all__ = ["ColumnPreview", "LabelPreview", "Preview", "preview_retrain"]

_SAMPLE_ROWS: Final = 500
_ROWS_PER_CLASS: Final = 20
_CLASSES: Final = 20


@dataclass(frozen=True)
class ColumnPreview:
    """One column of the window's training rows.

    Attributes:
        name: Its name.
        kind: The type of its stored values.
        role: What the spec does with it, such as ``feature``.
        missing: Share of missing values, 0 to 1.
        distinct: How many values differ; None for lists and structures.
    """

    name: str
    kind: str
    role: str
    missing: float
    distinct: int | None


@dataclass(frozen=True)
class LabelPreview:
    """One class of the label, or one summary of a number, in the two ranges.

    Attributes:
        name: The class, or such as ``mean``.
        train: Its share of the training rows, or the summary; None if there are no rows.
        holdout: The same of the holdout.
    """

    name: str
    train: float | None
    holdout: float | None


@dataclass
class Preview:
    """What a retrain as of an instant would meet.

    Attributes:
        snapshot: The data of its window; None if it cannot be read.
        columns: The columns, in their order.
        labels: The classes, the most frequent first, or summaries of a number.
        report: What the suite says; None if it cannot be evaluated.
        fitted_rows: How many rows a model was fitted on, stored, loaded again and scored; 0 if that failed.
        problems: Why the retrain would fail, by step.
    """

    snapshot: Snapshot | None = None
    columns: tuple[ColumnPreview, ...] = ()
    labels: tuple[LabelPreview, ...] = ()
    report: ValidationReport | None = None
    fitted_rows: int = 0
    problems: dict[str, RetrainError] = field(default_factory=dict)

    @contextmanager
    def keep_problem(self, step: str) -> Iterator[None]:
        """Keep what a step raises as a problem, so that the steps after it are looked at as well."""
        try:
            yield
        except RetrainError as error:
            self.problems[step] = error


def preview_retrain(
    spec: PipelineSpec, as_of: datetime, *, snapshots: SnapshotStore, trainer: Trainer, validator: Validator
) -> Preview:
    """Read the window of a retrain, validate it, and fit, store, load and score a model on a few hundred of its rows.

    It reads the window as the retrain does, then one column at a time. Nothing is recorded.
    """
    preview = Preview()
    with preview.keep_problem("snapshot"):
        preview.snapshot = snapshots.take(spec, find_window(spec, as_of))
    snapshot = preview.snapshot
    if snapshot is None:
        return preview
    with preview.keep_problem("snapshot"):
        check_rows(spec, snapshot)
    if not snapshot.chunks:
        return preview
    preview.columns = tuple(_describe_columns(spec, snapshot, snapshots))
    preview.labels = tuple(_describe_labels(spec, snapshot, snapshots))
    with preview.keep_problem("validate"):
        preview.report = validator.validate(
            snapshots.files(snapshot), read_suite(spec), event_time=snapshot.event_time, window=snapshot.window
        )
        check_report(preview.report)
    with preview.keep_problem("train"):
        preview.fitted_rows = _try_model(spec, snapshot, snapshots, trainer)
    return preview


def _describe_columns(spec: PipelineSpec, snapshot: Snapshot, snapshots: SnapshotStore) -> Iterator[ColumnPreview]:
    for name, kind in snapshot.columns:
        values = snapshots.frame(snapshot, Part.TRAIN, [name])[name]
        missing = float(values.isna().mean()) if len(values) else 0.0
        yield ColumnPreview(name, kind, _name_role(spec, snapshot, name), missing, _count_values(values))


def _count_values(values: Series) -> int | None:
    try:
        return int(values.nunique())
    except TypeError:  # lists and structures have no hash
        return None


def _name_role(spec: PipelineSpec, snapshot: Snapshot, name: str) -> str:
    data = spec.data
    roles = {data.event_time: "event time", data.ingestion_time: "ingestion time", data.label: "label"}
    if name in roles:
        return roles[name]
    used = []
    if name in spec.feature_columns([column for column, _ in snapshot.columns]):
        used.append("feature")
    if name in spec.score_columns:
        used.append("slice or gate")
    return ", ".join(used) or "unused"


def _describe_labels(spec: PipelineSpec, snapshot: Snapshot, snapshots: SnapshotStore) -> Iterator[LabelPreview]:
    train, holdout = (
        snapshots.frame(snapshot, part, [spec.data.label])[spec.data.label] for part in (Part.TRAIN, Part.HOLDOUT)
    )
    summaries = [_summarize(values, spec.evaluation.task == "regression") for values in (train, holdout)]
    for name in list(dict.fromkeys(name for summary in summaries for name in summary))[:_CLASSES]:
        yield LabelPreview(name, *(summary.get(name) for summary in summaries))


def _summarize(values: Series, is_number: bool) -> dict[str, float]:
    """Return the share of each class, or the mean and the spread of a number; both without missing values."""
    if not len(values):
        return {}
    summary = {"missing": float(values.isna().mean())} if values.isna().any() else {}
    if not is_number:
        return {str(name): float(share) for name, share in values.value_counts(normalize=True).items()} | summary
    if values.dtype.kind not in "iufb":
        return summary
    return {"mean": float(values.mean()), "standard deviation": float(values.std())} | summary


def _try_model(spec: PipelineSpec, snapshot: Snapshot, snapshots: SnapshotStore, trainer: Trainer) -> int:
    """Fit a model on some rows, store it, load it again and score; return the number of rows.

    Raises:
        RetrainError: One of these fails, for example because the platform does not trust a type in the model.
    """
    features = list(spec.feature_columns([name for name, _ in snapshot.columns]))
    rows = _draw_rows(spec, snapshots.frame(snapshot, Part.TRAIN, [*features, spec.data.label]))
    model = trainer.fit(spec, rows[features], rows[spec.data.label])
    trainer.score(model, rows[features])
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = Path(scratch) / "model"
        trainer.save(model, spec, rows[features], folder)
        trainer.score(trainer.load(folder), rows[features])
    return len(rows)


def _draw_rows(spec: PipelineSpec, rows: DataFrame) -> DataFrame:
    """Return rows drawn with the spec's seed; of a classification some of every class."""
    drawn = rows.sample(min(_SAMPLE_ROWS, len(rows)), random_state=spec.train.seed).index
    if spec.evaluation.task == "classification":
        drawn = drawn.union(rows.groupby(spec.data.label, observed=True).head(_ROWS_PER_CLASS).index)
    return rows.loc[drawn.sort_values()]
