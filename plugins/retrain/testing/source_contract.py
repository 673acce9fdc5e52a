"""The contracts of `SnapshotSource` and `SnapshotStore` as suites."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from retrain.core.data.snapshot import Part
from retrain.core.data.window import Window
from retrain.core.ports import SnapshotSource, SnapshotStore
from retrain.core.spec import PipelineSpec
from retrain.errors import NotFoundError
from retrain.testing.promises import check_promises, must_hold, must_raise

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["SOURCE_PROMISES", "STORE_PROMISES", "check_snapshot_source", "check_snapshot_store"]


def check_snapshot_source(source: SnapshotSource, spec: PipelineSpec, start: datetime, end: datetime) -> None:
    """Check that a snapshot source keeps every promise; run each one alone with `SOURCE_PROMISES`.

    Args:
        source: What is checked.
        spec: A spec that it can read.
        start: The first instant of a range that holds rows, also in each half.
        end: The first instant after it.

    Raises:
        AssertionError: It breaks a promise.
    """
    check_promises(SOURCE_PROMISES, source, spec, start, end)


def reads_every_column(source: SnapshotSource, spec: PipelineSpec, start: datetime, end: datetime) -> None:
    """The rows have the event time, the label and the features that the spec names, and there are some."""
    rows = source.read(spec, start, end)
    must_hold(len(rows) > 0, "the range must hold rows, or the other promises would be empty")
    data = spec.data
    named = [
        data.event_time,
        data.label,
        *(data.features or ()),
        *([data.ingestion_time] if data.ingestion_time else []),
    ]
    missing = [name for name in named if name not in rows.columns]
    must_hold(not missing, f"the rows must have the columns {', '.join(missing)}")


def reads_times_in_utc(source: SnapshotSource, spec: PipelineSpec, start: datetime, end: datetime) -> None:
    """Event times are timestamps, in UTC or without a zone, inside the range."""
    times = _times(source.read(spec, start, end), spec)
    must_hold(times is not None, "event times must be timestamps, in UTC or without a zone")
    low, high = _naive(start), _naive(end)
    must_hold(bool(((times >= low) & (times < high)).all()), "every event time must lie in [start, end)")


def reads_the_same_rows_again(source: SnapshotSource, spec: PipelineSpec, start: datetime, end: datetime) -> None:
    """Reading a range again gives the same rows, in any order."""
    first, second = (_sorted(source.read(spec, start, end)) for _ in range(2))
    must_hold(first.equals(second), "reading a range again must give the same rows")


def reads_halves_that_make_the_whole(
    source: SnapshotSource, spec: PipelineSpec, start: datetime, end: datetime
) -> None:
    """No row is lost or read twice if a range is cut."""
    import pandas as pd

    middle = start + (end - start) / 2
    halves = [source.read(spec, start, middle), source.read(spec, middle, end)]
    must_hold(all(len(half) for half in halves), "give a range with rows in each half")
    whole = _sorted(source.read(spec, start, end))
    must_hold(
        _sorted(pd.concat(halves, ignore_index=True)).equals(whole),
        "two halves of a range must be the rows of the whole",
    )


def reads_nothing_from_an_empty_range(
    source: SnapshotSource,
    spec: PipelineSpec,
    start: datetime,
    end: datetime,
) -> None:
    """A range without an instant has no rows, and the same columns."""
    rows, whole = source.read(spec, start, start), source.read(spec, start, end)
    must_hold(len(rows) == 0, "a range without an instant must have no rows")
    must_hold(list(rows.columns) == list(whole.columns), "an empty range must have the same columns")


SOURCE_PROMISES: Final[tuple[Callable[[SnapshotSource, PipelineSpec, datetime, datetime], None], ...]] = (
    reads_every_column,
    reads_times_in_utc,
    reads_the_same_rows_again,
    reads_halves_that_make_the_whole,
    reads_nothing_from_an_empty_range,
)
"""Each takes a source, a spec and a range; each raises AssertionError if the promise is broken."""


def check_snapshot_store(store: SnapshotStore, spec: PipelineSpec, window: Window) -> None:
    """Check that a store of snapshots keeps every promise; run each one alone with `STORE_PROMISES`.

    Args:
        store: What is checked.
        spec: A spec whose source it can read.
        window: A window with rows in both ranges.

    Raises:
        AssertionError: It breaks a promise.
    """
    check_promises(STORE_PROMISES, store, spec, window)


def takes_the_same_snapshot_again(store: SnapshotStore, spec: PipelineSpec, window: Window) -> None:
    """The same data gives the same digest."""
    must_hold(
        store.take(spec, window).digest == store.take(spec, window).digest, "the same data must give the same digest"
    )


def loads_what_it_took(store: SnapshotStore, spec: PipelineSpec, window: Window) -> None:
    """A snapshot is found by its digest, and nothing by another."""
    snapshot = store.take(spec, window)
    must_hold(store.load(snapshot.digest) == snapshot, "a snapshot must be found by its digest")
    must_raise(NotFoundError, lambda: store.load("0" * 64), "for a digest that it never stored")


def keeps_to_the_window(store: SnapshotStore, spec: PipelineSpec, window: Window) -> None:
    """Each part has the rows of its range and no others, as many as the manifest says; the labelled range has those of both."""
    snapshot = store.take(spec, window)
    train, holdout = snapshot.train_rows, snapshot.holdout_rows
    for part, fewest, most in (
        (Part.TRAIN, train, train),
        (Part.HOLDOUT, holdout, holdout),
        (Part.LABELLED, train + holdout, sum(chunk.rows for chunk in snapshot.chunks)),
    ):
        must_hold(fewest > 0, f"give a window with rows in the {part} range")
        rows = store.frame(snapshot, part, [spec.data.event_time, spec.data.label])
        must_hold(
            list(rows.columns) == [spec.data.event_time, spec.data.label], "frame must have the columns asked for"
        )
        must_hold(fewest <= len(rows) <= most, f"the {part} range must have as many rows as the manifest says")
        start, end = snapshot.span(part)
        times = _times(rows, spec)
        inside = times is not None and bool(((times >= _naive(start)) & (times < _naive(end))).all())
        must_hold(inside, f"every row of the {part} range must lie in it")


def gives_rows_in_a_stable_order(store: SnapshotStore, spec: PipelineSpec, window: Window) -> None:
    """The rows come in the same order each time."""
    snapshot = store.take(spec, window)
    columns = [name for name, _ in snapshot.columns]
    first, second = (store.frame(snapshot, Part.TRAIN, columns) for _ in range(2))
    must_hold(first.equals(second), "the rows must come in the same order each time")


def gives_local_files(store: SnapshotStore, spec: PipelineSpec, window: Window) -> None:
    """Each chunk is one local file."""
    snapshot = store.take(spec, window)
    files = store.files(snapshot)
    must_hold(
        len(files) == len(snapshot.chunks) and all(file.is_file() for file in files), "each chunk must be a local file"
    )


STORE_PROMISES: Final[tuple[Callable[[SnapshotStore, PipelineSpec, Window], None], ...]] = (
    takes_the_same_snapshot_again,
    loads_what_it_took,
    keeps_to_the_window,
    gives_rows_in_a_stable_order,
    gives_local_files,
)
"""Each takes a store, a spec and a window; each raises AssertionError if the promise is broken."""


def _times(rows: DataFrame, spec: PipelineSpec) -> Any:
    """Return the event times without their zone; None if they are not times in UTC."""
    import pandas as pd

    times = rows[spec.data.event_time]
    if not pd.api.types.is_datetime64_any_dtype(times):
        return None
    if getattr(times.dt, "tz", None) is None:
        return times
    return times.dt.tz_localize(None) if str(times.dt.tz) in {"UTC", "Etc/UTC"} else None


def _naive(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)


def _sorted(rows: DataFrame) -> DataFrame:
    return rows.sort_values(list(rows.columns)).reset_index(drop=True)
