"""The profile of a stored snapshot, for the gates that read it."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import numpy as np

from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.ports import SnapshotStore
from retrain.core.spec import PipelineSpec
from retrain.core.stats.drift import Profile, profile_window

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from retrain.core.stats.drift.columns import Values

__all__ = ["profile_snapshot"]


def profile_snapshot(spec: PipelineSpec, snapshot: Snapshot, snapshots: SnapshotStore) -> Profile:
    """Profile the training range and the whole holdout of a snapshot."""
    label = spec.data.label
    columns = [*spec.feature_columns([name for name, _ in snapshot.columns]), label]
    names = list(dict.fromkeys([*columns, snapshot.event_time]))
    frames = [snapshots.frame(snapshot, part, names) for part in (Part.TRAIN, Part.HOLDOUT)]
    train, holdout = (_columns(frame[columns]) for frame in frames)
    before, after = (frame[snapshot.event_time].to_numpy().astype("datetime64[us]") for frame in frames)
    as_of = np.datetime64(snapshot.window.as_of.astimezone(UTC).replace(tzinfo=None))
    return profile_window(
        train, holdout, label=label, ranked=spec.evaluation.task == "regression", as_of=as_of, times=(before, after)
    )


def _columns(frame: DataFrame) -> dict[str, Values]:
    return {name: _values(frame[name]) for name in frame.columns}


def _values(column: Series) -> Values:
    """Return numbers and instants (in UTC) unchanged, anything else as objects with None for missing values."""
    if column.dtype.kind == "M":
        return column.to_numpy(dtype="datetime64[us]")
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufm":
        return column.to_numpy()
    return column.astype(object).where(column.notna(), None).to_numpy()
