"""Scorecards as JSON and per-row scores as Parquet, both content-addressed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from retrain.adapters.content_store import ContentStore
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.evaluation.scores import Scores
from retrain.core.policy.evidence import Evidence
from retrain.core.stats.metrics.base import Floats

__all__ = ["ParquetEvidence"]

_BASELINE: Final = b"retrain.baseline"


class ParquetEvidence:
    """The `EvidenceStore` over a content store.

    Args:
        store: Where scorecards and scores are kept.
    """

    def __init__(self, store: ContentStore) -> None:
        self._store = store

    def put_scores(self, scores: Scores) -> str:
        """Store per-row scores as one Parquet file; return its digest."""
        columns: dict[str, Any] = {"y": scores.y, "event_time": scores.event_time}
        columns |= _split_scores("challenger", scores.challenger)
        if scores.opponent is not None:
            columns |= _split_scores("opponent", scores.opponent)
        columns |= {f"column.{name}": pa.array(values, from_pandas=True) for name, values in scores.columns.items()}
        metadata = {} if scores.baseline is None else {_BASELINE: json.dumps(scores.baseline.tolist()).encode()}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scores.parquet"
            pq.write_table(pa.table(columns, metadata=metadata), path, compression="zstd")
            return self._store.put_file("scores", path, ".parquet")

    def put_scorecard(self, scorecard: Scorecard) -> str:
        """Store a scorecard as JSON; return its digest."""
        return self._store.put_json("scorecards", scorecard.to_json())

    def evidence(self, digest: str) -> Evidence:
        """Return a scorecard with its scores, both checked against their digests."""
        scorecard = Scorecard.from_json(self._store.get_json("scorecards", digest))
        table = pq.read_table(self._store.local_file("scores", scorecard.scores, ".parquet"))
        names = table.column_names
        columns = {
            name.removeprefix("column."): table.column(name).to_numpy(zero_copy_only=False)
            for name in names
            if name.startswith("column.")
        }
        scores = Scores(
            y=table.column("y").to_numpy(),
            challenger=_join_scores(table, "challenger"),
            opponent=_join_scores(table, "opponent") if any(name.startswith("opponent.") for name in names) else None,
            event_time=table.column("event_time").to_numpy(),
            columns=columns,
            baseline=_read_baseline(table),
        )
        return Evidence(scorecard, scores)


def _split_scores(side: str, scores: Floats) -> dict[str, Floats]:
    if scores.ndim == 1:
        return {f"{side}.value": scores}
    return {f"{side}.{index}": scores[:, index] for index in range(scores.shape[1])}


def _join_scores(table: pa.Table, side: str) -> Floats:
    if f"{side}.value" in table.column_names:
        return np.asarray(table.column(f"{side}.value").to_numpy())
    count = sum(name.startswith(f"{side}.") for name in table.column_names)
    return np.column_stack([table.column(f"{side}.{index}").to_numpy() for index in range(count)])


def _read_baseline(table: pa.Table) -> Floats | None:
    text = (table.schema.metadata or {}).get(_BASELINE)
    return None if text is None else np.array(json.loads(text), dtype=np.float64)
