"""Point-in-time data, stored once and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from pandas import DataFrame

    from retrain.core.data.snapshot import Part, Snapshot
    from retrain.core.data.window import Window
    from retrain.core.spec import PipelineSpec

__all__ = ["SnapshotSource", "SnapshotStore"]


class SnapshotSource(Protocol):
    """Reads rows from the system that holds them; the store orders them, cuts them into chunks and keeps them."""

    def read(self, spec: PipelineSpec, start: datetime, end: datetime) -> DataFrame:
        """Return the rows with an event time in ``[start, end)``, times in UTC, with every column of the spec.

        The order of the rows does not matter, and rows outside the range are dropped. Reading a range again returns the same
        rows, unless the data has changed.

        Raises:
            DataError: The source cannot be read. The message holds no row value and no secret.
            OutageError: The system does not answer.
        """


class SnapshotStore(Protocol):
    """Stores point-in-time data as content-addressed chunks and manifests, written once and never changed."""

    def take(self, spec: PipelineSpec, window: Window) -> Snapshot:
        """Read the window from the source, store its chunks and manifest, and return the manifest.

        Only rows that were known at as-of are stored: event time before the window's end and, if the spec names one, ingestion
        time at or before as-of. The same data gives the same bytes and therefore the same digest.

        Args:
            spec: The pipeline's spec, which names the source and the columns.
            window: The time ranges of the retrain.

        Raises:
            DataError: The source cannot be read, a column is missing, or the event time is not a time.
        """

    def load(self, digest: str) -> Snapshot:
        """Return a stored manifest, checked against its digest.

        Raises:
            NotFoundError: The store has no such manifest.
            IntegrityError: The manifest was altered.
        """

    def files(self, snapshot: Snapshot) -> list[Path]:
        """Return the chunks in time order as local Parquet files, each checked against its sha256.

        Raises:
            NotFoundError: A chunk is missing.
            IntegrityError: A chunk was altered.
        """

    def frame(self, snapshot: Snapshot, part: Part, columns: Sequence[str]) -> DataFrame:
        """Return the rows of one part, in the order in which they are stored, with these columns in this order.

        Raises:
            DataError: A column does not exist.
            NotFoundError: A chunk is missing.
            IntegrityError: A chunk was altered.
        """
