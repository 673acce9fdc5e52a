"""The immutable data of one window: a manifest over content-addressed chunks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from retrain.core.data.window import Window
from retrain.core.digest import digest_json

__all__ = ["Chunk", "Part", "Snapshot", "SnapshotDiff"]


class Part(StrEnum):
    """One of the two ranges of a window."""

    TRAIN = "train"
    HOLDOUT = "holdout"


@dataclass(frozen=True)
class Chunk:
    """The rows of one calendar period, ``[start, end)``, as one Parquet file named by its sha256."""

    start: datetime
    end: datetime
    sha256: str
    rows: int
    size: int


@dataclass(frozen=True)
class SnapshotDiff:
    """How one snapshot differs from another: chunks by their bytes, columns by name and type.

    Attributes:
        shared: Chunks that both have.
        added: Chunks, and columns below, of this one alone; a column of another type is in both lists.
        removed: Those of the other alone.
    """

    shared: tuple[Chunk, ...]
    added: tuple[Chunk, ...]
    removed: tuple[Chunk, ...]
    columns_added: tuple[tuple[str, str], ...]
    columns_removed: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Snapshot:
    """A manifest: what was asked, what came, and the chunks that hold it.

    Attributes:
        source: The sha256 of the query text (or glob) and the connection's name.
        columns: (name, type) in order, types in DuckDB's words.
        chunks: By time; the first may reach back before the window, never any past its end.
        train_rows: Rows of the window's training range.
        holdout_rows: Rows of its holdout range.
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
        """The sha256 of the manifest, and so of every byte behind it."""
        return digest_json(self.to_json())

    def span(self, part: Part) -> tuple[datetime, datetime]:
        """Return the half-open range of event times of one part."""
        if part is Part.TRAIN:
            return self.window.train_start, self.window.holdout_start
        return self.window.holdout_start, self.window.end

    def compare(self, other: Snapshot) -> SnapshotDiff:
        """Return what this snapshot has that `other` has not, and the other way round."""
        mine, theirs = ({chunk.sha256 for chunk in side.chunks} for side in (self, other))
        return SnapshotDiff(
            shared=tuple(chunk for chunk in self.chunks if chunk.sha256 in theirs),
            added=tuple(chunk for chunk in self.chunks if chunk.sha256 not in theirs),
            removed=tuple(chunk for chunk in other.chunks if chunk.sha256 not in mine),
            columns_added=tuple(column for column in self.columns if column not in other.columns),
            columns_removed=tuple(column for column in other.columns if column not in self.columns),
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        chunks = [
            asdict(chunk) | {"start": chunk.start.isoformat(), "end": chunk.end.isoformat()} for chunk in self.chunks
        ]
        return {
            "source": self.source,
            "window": self.window.to_json(),
            "event_time": self.event_time,
            "columns": [list(column) for column in self.columns],
            "chunks": chunks,
            "train_rows": self.train_rows,
            "holdout_rows": self.holdout_rows,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Snapshot:
        """Read what `to_json` wrote."""
        return cls(
            document["source"],
            Window.from_json(document["window"]),
            document["event_time"],
            tuple((name, kind) for name, kind in document["columns"]),
            tuple(
                Chunk(
                    datetime.fromisoformat(item["start"]),
                    datetime.fromisoformat(item["end"]),
                    item["sha256"],
                    item["rows"],
                    item["size"],
                )
                for item in document["chunks"]
            ),
            document["train_rows"],
            document["holdout_rows"],
        )
