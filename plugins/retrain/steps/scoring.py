"""The rows that both sides are scored on, and their scores put side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.evaluation.scores import Scores, align_classes
from retrain.core.ports import FittedModel, SnapshotStore
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame

    from retrain.core.stats.metrics.base import Floats

__all__ = ["align_scores", "holdout_rows"]


def holdout_rows(spec: PipelineSpec, snapshot: Snapshot, snapshots: SnapshotStore) -> DataFrame:
    """Return the holdout with every column, because the champion, not known yet, may want one that the challenger leaves out."""
    rows = snapshots.frame(snapshot, Part.HOLDOUT, [name for name, _ in snapshot.columns])
    missing = int(rows[spec.data.label].isna().sum())
    if missing:
        raise DataError(
            "every holdout row must have a label", got=f"{missing} rows without", fix="Leave them out in the query."
        )
    return rows


def align_scores(
    spec: PipelineSpec, rows: DataFrame, made: FittedModel, other: FittedModel, mine: Floats, theirs: Floats | None
) -> Scores:
    """Put both sides' scores on the same classes, in the same rows."""
    label, dummy = rows[spec.data.label].to_numpy(), np.array([made.baseline], dtype=np.float64)
    if made.classes is None or other.classes is None:
        y = label.astype(np.float64)
        if not np.isfinite(y).all():
            raise DataError("every holdout label must be finite", got="an infinity", fix="Mend the query.")
        theirs = None if theirs is None else theirs.reshape(len(rows))
    else:
        union = _union(made.classes, other.classes, np.unique(label).tolist())
        y = np.searchsorted(np.array(union), label).astype(np.float64)
        mine, dummy = (align_classes(said, made.classes, union) for said in (mine, dummy))
        theirs = None if theirs is None else align_classes(theirs, other.classes, union)
    return Scores(
        y,
        mine,
        None if theirs is None else np.array(theirs),
        rows[spec.data.event_time].to_numpy().astype("datetime64[us]"),
        {name: rows[name].to_numpy() for name in spec.score_columns if name in rows},
        dummy[0],
    )


def _union(*classes: Any) -> list[Any]:
    found = {value for group in classes for value in group}
    try:
        return sorted(found)
    except TypeError as error:
        raise DataError(
            "the classes of label, challenger and champion must be of one kind",
            got=", ".join(sorted({type(value).__name__ for value in found})),
            fix="Cast the label in the query.",
        ) from error
