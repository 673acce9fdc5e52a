"""Point-in-time data, stored once and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pandas import DataFrame

    from retrain.core.data.snapshot import Part, Snapshot
    from retrain.core.data.window import Window
    from retrain.core.spec import PipelineSpec

__all__ = ["SnapshotStore"]


class SnapshotStore(Protocol):
    """Point-in-time data, stored once and never changed."""

    def take(self, spec: PipelineSpec, window: Window) -> Snapshot:
        """Read the window from the source, store its chunks and manifest, return the manifest.

        The same data gives the same bytes and so the same digest.

        Raises:
            DataError: The source cannot be read, lacks a column, or a calendar period between the first row and the
                window's end has no rows.
        """

    def load(self, digest: str) -> Snapshot:
        """Return a stored manifest, checked against its digest.

        Raises:
            NotFoundError: There is none.
        """

    def files(self, snapshot: Snapshot) -> list[Path]:
        """Return the chunks as local Parquet files, each checked against its sha256."""

    def frame(self, snapshot: Snapshot, part: Part, columns: Sequence[str]) -> DataFrame:
        """Return the rows of one part in a stable order, with just these columns."""
