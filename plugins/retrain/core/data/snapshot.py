"""The immutable data of one window: a manifest over content-addressed chunks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from retrain.core.codec import JsonDataclass
from retrain.core.data.window import Window
from retrain.core.digest import digest_json

__all__ = ["Chunk", "Part", "Snapshot", "SnapshotDiff"]


class Part(StrEnum):
    """A range of a window: one of its two, or the whole one with all rows whose labels are known at as-of."""

    TRAIN = "train"
    HOLDOUT = "holdout"
    LABELLED = "labelled"


@dataclass(frozen=True)
class Chunk:
    """The rows of one calendar period as one Parquet file.

    Attributes:
        start: Start of the period, in UTC.
        end: End of the period, exclusive.
        sha256: Digest of the file, which also names it.
        rows: Number of rows.
        size: Size of the file in bytes.
    """

    start: datetime
    end: datetime
    sha256: str
    rows: int
    size: int


@dataclass(frozen=True)
class SnapshotDiff:
    """Differences of one snapshot from another: chunks compared by digest, columns by name and type.

    Attributes:
        shared: Chunks of both snapshots.
        added: Chunks of this snapshot only.
        removed: Chunks of the other snapshot only.
        columns_added: (name, type) of this snapshot only; a column whose type changed is in both lists.
        columns_removed: (name, type) of the other snapshot only.
    """

    shared: tuple[Chunk, ...]
    added: tuple[Chunk, ...]
    removed: tuple[Chunk, ...]
    columns_added: tuple[tuple[str, str], ...]
    columns_removed: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Snapshot(JsonDataclass):
    """The manifest of a window's data: its source, its columns and the chunks with its rows.

    Attributes:
        source: Digest of the query text (or glob), the connection's name and the time columns.
        window: The time ranges of the retrain.
        event_time: Name of the event time column.
        columns: (name, type) in order, with the type names of Arrow.
        chunks: In time order, with the rows between the two ranges. The first may begin before the window; none ends after it.
        train_rows: Number of rows of the training range.
        holdout_rows: Number of rows of the holdout.
    """

    source: str
    window: Window
    event_time: str
    columns: tuple[tuple[str, str], ...]
    chunks: tuple[Chunk, ...]
    train_rows: int
    holdout_rows: int

    @property
    def digest(self) -> str:
        """Digest of the manifest, which includes the digest of every chunk."""
        return digest_json(self.to_json())

    def span(self, part: Part) -> tuple[datetime, datetime]:
        """Return the half-open range of event times of one part, in UTC."""
        start = self.window.holdout_start if part is Part.HOLDOUT else self.window.train_start
        return start, self.window.train_end if part is Part.TRAIN else self.window.end

    def compare(self, other: Snapshot) -> SnapshotDiff:
        """Return the differences of this snapshot from `other`."""
        digests, other_digests = ({chunk.sha256 for chunk in side.chunks} for side in (self, other))
        return SnapshotDiff(
            shared=tuple(chunk for chunk in self.chunks if chunk.sha256 in other_digests),
            added=tuple(chunk for chunk in self.chunks if chunk.sha256 not in other_digests),
            removed=tuple(chunk for chunk in other.chunks if chunk.sha256 not in digests),
            columns_added=tuple(column for column in self.columns if column not in other.columns),
            columns_removed=tuple(column for column in other.columns if column not in self.columns),
        )
