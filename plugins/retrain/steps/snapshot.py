"""Take the data of a window, and refuse a window that holds too little to retrain on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.data.window import Period, Window
from retrain.core.ledger.step_result import Step
from retrain.core.resources import Retrain
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError
from retrain.steps.results import describe_step

__all__ = ["check_rows", "find_window", "take_snapshot"]

_CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far a scheduler's clock may be ahead of the ledger's."""
_NAMED: Final = 10
"""How many empty periods a message names."""


def take_snapshot(retrain: Retrain) -> Snapshot:
    """Open the retrain in the ledger and store the data of its window.

    Raises:
        DataError: As-of is in the future, the window has too few rows, or a calendar period inside it has none.
    """
    spec, request = retrain.spec, retrain.request
    retrain.resources.ledger.open_retrain(request)
    now = retrain.resources.ledger.now()
    if request.as_of > now + _CLOCK_TOLERANCE:
        raise DataError(
            "as-of must not be in the future: no label is known yet",
            got=f"{request.as_of:%Y-%m-%d %H:%M}; the ledger's clock says {now:%Y-%m-%d %H:%M}",
            fix="Request the retrain again with an as-of that has passed.",
        )
    snapshot = retrain.resources.snapshots.take(spec, find_window(spec, request.as_of))
    check_rows(spec, snapshot)
    retrain.resources.ledger.record_result(describe_step(retrain, Step.SNAPSHOT, snapshot.digest))
    return snapshot


def find_window(spec: PipelineSpec, as_of: datetime) -> Window:
    """Return the window of a retrain.

    Raises:
        DataError: The window begins before the year 1.
    """
    try:
        return spec.window_at(as_of)
    except ValueError as error:
        raise DataError(
            str(error), got=f"as-of {as_of.isoformat()}", fix="Request the retrain again with a later as-of."
        ) from None


def check_rows(spec: PipelineSpec, snapshot: Snapshot) -> None:
    """Refuse a snapshot that holds too little to retrain on.

    Raises:
        DataError: A range has too few rows, or a calendar period inside the window has none.
    """
    _check_periods(spec, snapshot)
    ranges = ("training", Part.TRAIN, snapshot.train_rows), ("holdout", Part.HOLDOUT, snapshot.holdout_rows)
    for name, part, rows in ranges:
        if rows < spec.data.min_rows:
            start, end = snapshot.span(part)
            raise DataError(
                f"the {name} range must hold at least {spec.data.min_rows} rows",
                got=f"{rows} rows for as-of {snapshot.window.as_of:%Y-%m-%d %H:%M} ({start:%Y-%m-%d} to {end:%Y-%m-%d})",
                fix="Check that the data has arrived, or widen data.window.",
            )


def _check_periods(spec: PipelineSpec, snapshot: Snapshot) -> None:
    """Refuse a gap: history may begin inside the window, but no period after its first row may be empty."""
    window, unit = snapshot.window, spec.data.chunk.value
    present = {chunk.start for chunk in snapshot.chunks}
    if not present:
        raise DataError(
            f"the window {window.train_start:%Y-%m-%d} to {window.end:%Y-%m-%d} must hold rows",
            got="none",
            fix="Check the as-of, and that the data has arrived; then retrain again.",
        )
    missing = [
        start
        for start, end in window.periods(spec.data.chunk)
        if start > min(present) and start not in present and not _is_sliver(spec.data.chunk, start, end)
    ]
    if missing:
        raise DataError(
            f"every {unit} from the first row to {window.end:%Y-%m-%d} must hold rows",
            got=f"none in the {unit} of {_name_some(missing)}",
            fix="Load the missing data, or set a longer data.chunk if such a period is often empty; then retrain again.",
        )


def _name_some(starts: list[datetime]) -> str:
    """Return the first of the instants, and how many more there are."""
    names = ", ".join(f"{start:%Y-%m-%d}" for start in starts[:_NAMED])
    return names if len(starts) <= _NAMED else f"{names} and {len(starts) - _NAMED} more"


def _is_sliver(period: Period, start: datetime, end: datetime) -> bool:
    """Whether the window covers so little of its last period (such as half an hour) that the period may be empty."""
    return (end - start) < (period.next_start(start) - start) / 20
