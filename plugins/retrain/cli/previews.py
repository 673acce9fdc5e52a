"""What `retrain check --data` adds: the latest window of a pipeline as tables, and what a retrain on it would stumble over."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from retrain.cli.ranges import list_ticks
from retrain.core.data.snapshot import Part
from retrain.core.text import to_one_line
from retrain.errors import DataError, NotFoundError, SpecError, SpecProblem

if TYPE_CHECKING:
    from retrain.core.data.snapshot import Snapshot
    from retrain.core.data.validation import ValidationReport
    from retrain.core.spec import PipelineSpec
    from retrain.steps import Preview
    from retrain.steps.preview import ColumnPreview, LabelPreview

__all__ = ["check_data", "find_latest_as_of"]

LIMIT: Final = 300.0
"""Seconds after which a preview ends."""

_PERIODS: Final = 24
_COLUMNS: Final = 60


def check_data(
    spec: PipelineSpec, as_of: datetime | None, source: str, *, trusted_types: Sequence[str], console: Console
) -> None:
    """Print what a retrain would meet, as of an instant or of the last tick of the schedule.

    Raises:
        SpecError: The retrain would fail; every reason that can be known ahead is named.
        DataError: Looking took too long.
    """
    as_of = as_of or find_latest_as_of(spec, datetime.now(UTC))
    with end_after(LIMIT):
        preview = _make_preview(spec, as_of, trusted_types)
    _print_preview(spec, as_of, preview, console)
    if preview.problems:
        raise SpecError(
            source,
            [
                SpecProblem(f"{step} as of {as_of:%Y-%m-%d}", error.must, error.got, error.fix)
                for step, error in preview.problems.items()
            ],
        )


def find_latest_as_of(spec: PipelineSpec, now: datetime) -> datetime:
    """Return the last tick of a pipeline's schedule, or now if it has none; both not later than its end."""
    try:
        return list_ticks(spec, None, None, now)[-1]
    except NotFoundError:
        return min(now, spec.end_date or now)


class _TooLongError(BaseException):
    """Code that catches errors catches `Exception`, so it does not swallow this."""


@contextmanager
def end_after(seconds: float) -> Iterator[None]:
    """End a block that takes longer; a single query of DuckDB may end first, because it seldom looks for signals.

    Raises:
        DataError: It took longer.
    """
    rung = False

    def stop(*_: object) -> None:
        nonlocal rung
        rung = True
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except BaseException:
        if not rung:
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if rung:
        raise DataError(
            f"a preview must end within {seconds:g} seconds", got="a longer one", fix="Try a shorter data.window first."
        )


def _make_preview(spec: PipelineSpec, as_of: datetime, trusted_types: Sequence[str]) -> Preview:
    """Preview a retrain with a store of its own, which is deleted afterwards."""
    from retrain.adapters.content_store import ContentStore
    from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
    from retrain.adapters.extensions import load_trainer, load_validator
    from retrain.steps import preview_retrain

    with tempfile.TemporaryDirectory(prefix="retrain-") as folder:
        return preview_retrain(
            spec,
            as_of,
            snapshots=DuckDBSnapshots(ContentStore(folder)),
            trainer=load_trainer(spec, trusted_types),
            validator=load_validator(spec),
        )


def _print_preview(spec: PipelineSpec, as_of: datetime, preview: Preview, console: Console) -> None:
    console.print(f"[bold]{spec.model}[/] as of {as_of:%Y-%m-%d %H:%M}", highlight=False)
    if preview.columns and preview.snapshot is not None:
        _print_window(preview.snapshot, console)
        console.print(_tabulate_columns(preview.columns))
        console.print(_tabulate_labels(spec, preview.labels))
    if preview.report is not None:
        console.print(_tabulate_report(preview.report))
    if preview.fitted_rows:
        console.print(
            f"  fitted on {preview.fitted_rows:,} rows, stored, loaded and scored: every type in the model is trusted",
            highlight=False,
        )


def _print_window(snapshot: Snapshot, console: Console) -> None:
    for part, rows in ((Part.TRAIN, snapshot.train_rows), (Part.HOLDOUT, snapshot.holdout_rows)):
        start, end = snapshot.span(part)
        console.print(f"  {part.value:<8} {start:%Y-%m-%d} to {end:%Y-%m-%d}  {rows:>12,} rows", highlight=False)
    periods = _make_table("rows per period", "from", "rows")
    for chunk in snapshot.chunks[-_PERIODS:]:
        periods.add_row(f"{chunk.start:%Y-%m-%d %H:%M}", f"{chunk.rows:,}")
    if (left_out := len(snapshot.chunks) - _PERIODS) > 0:
        periods.add_row(f"and {left_out:,} earlier", "")
    console.print(periods)


def _tabulate_columns(columns: Sequence[ColumnPreview]) -> Table:
    table = _make_table("columns of the training rows", "column", "type", "role", "missing", "values")
    for column in columns[:_COLUMNS]:
        values = "-" if column.distinct is None else f"{column.distinct:,}"
        table.add_row(_plain(column.name), _plain(column.kind), column.role, f"{column.missing:.1%}", values)
    if len(columns) > _COLUMNS:
        table.add_row(f"and {len(columns) - _COLUMNS:,} more", "", "", "", "")
    return table


def _tabulate_labels(spec: PipelineSpec, labels: Sequence[LabelPreview]) -> Table:
    table = _make_table(f"label {spec.data.label}", "", "train", "holdout")
    is_share = spec.evaluation.task != "regression"
    for label in labels:
        table.add_row(
            _plain(label.name),
            *(_number(value, is_share or label.name == "missing") for value in (label.train, label.holdout)),
        )
    return table


def _number(value: float | None, is_share: bool) -> str:
    if value is None:
        return "-"
    return f"{value:.1%}" if is_share else f"{value:.6g}"


def _tabulate_report(report: ValidationReport) -> Table:
    table = _make_table(f"suite {_plain(report.suite)}", "expectation", "column", "met", "rows that break it")
    for result in report.results:
        share = "" if result.unexpected_percent is None else f"{result.unexpected_percent:.2f} %"
        met = "[green]yes[/]" if result.success else f"[red]no[/] ({result.severity})"
        table.add_row(_plain(result.expectation), _plain(result.column), met, _plain(result.error) or share)
    return table


def _make_table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(
            name, justify="right" if number and name in {"rows", "values", "missing", "train", "holdout"} else "left"
        )
    return table


def _plain(text: str) -> str:
    return escape(to_one_line(text))
