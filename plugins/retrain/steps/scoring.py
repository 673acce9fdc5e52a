"""Score two models on the same rows and the same classes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.evaluation.scores import Scores, align_classes
from retrain.core.ports import FittedModel, SnapshotStore
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

    from retrain.core.stats.metrics.base import Floats

__all__ = ["ScoredModel", "align_scores", "check_positive", "load_holdout"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoredModel:
    """A model with its scores on some rows.

    Attributes:
        scores: (n, classes) probabilities, or (n,) predictions of a regression.
    """

    model: FittedModel
    scores: Floats

    @classmethod
    def baseline_of(cls, model: FittedModel, rows: int) -> ScoredModel:
        """Return the dummy that was fitted on a model's own training rows, scored on `rows` rows."""
        return cls(model, np.broadcast_to(model.baseline, (rows, len(model.baseline))))

    def on(self, mask: NDArray[np.bool_]) -> ScoredModel:
        """Return the model with its scores on some of the rows."""
        return ScoredModel(self.model, self.scores[mask])


def load_holdout(spec: PipelineSpec, snapshot: Snapshot, snapshots: SnapshotStore) -> DataFrame:
    """Return the holdout with every column: the champion may need one that the challenger leaves out.

    Raises:
        DataError: A row has no label.
    """
    rows = snapshots.frame(snapshot, Part.HOLDOUT, [name for name, _ in snapshot.columns])
    missing = int(rows[spec.data.label].isna().sum())
    if missing:
        raise DataError(
            "every holdout row must have a label", got=f"{missing} rows without", fix="Leave them out in the query."
        )
    return rows


def check_positive(spec: PipelineSpec, classes: Sequence[Any] | None) -> None:
    """Check that the positive class is known if a metric or a gate depends on it; texts have no natural order.

    Args:
        classes: The classes of the model; None for a regression.

    Raises:
        DataError: `evaluation.positive` is missing, is not a class, or there are not two classes.
    """
    positive = spec.evaluation.positive
    if classes is None or (positive is None and len(classes) != 2):
        return
    if positive is None:
        if spec.readers_of_positive and isinstance(classes[0], str):
            raise DataError(
                f"evaluation.positive must say which class {', '.join(spec.readers_of_positive)} counts, because the label is text",
                got="nothing",
                fix="Add it, with the value of the label that the model should find.",
            )
    elif len(classes) != 2:
        raise DataError("evaluation.positive needs two classes", got=str(len(classes)), fix="Leave it out.")
    elif positive not in classes:
        raise DataError(
            "evaluation.positive must be one of the label's two values",
            got=repr(positive),
            fix="Fix the spec or the query.",
        )


def align_scores(
    spec: PipelineSpec,
    rows: DataFrame,
    challenger: ScoredModel,
    opponent: ScoredModel | None,
    *,
    need_two_classes: bool = False,
) -> Scores:
    """Return the scores of both models on the same rows, with the classes of both in one order, the positive one last.

    A class that only the opponent knows and no row has was retired. It is left out, with a warning, and the opponent's
    probabilities are scaled to the other classes; otherwise it would stay in every later comparison, undecidable for want of rows.

    Args:
        need_two_classes: Whether it is an error that all rows are of one class, if a metric is then undefined.

    Raises:
        DataError: A label is infinite, the classes are of several types, or rows of a second class are needed.
    """
    opponent_model = opponent.model if opponent else challenger.model
    labels = rows[spec.data.label].to_numpy()
    dummy = np.array([challenger.model.baseline], dtype=np.float64)
    challenger_scores, opponent_scores = challenger.scores, opponent.scores if opponent else None
    if challenger.model.classes is None or opponent_model.classes is None:
        y = labels.astype(np.float64)
        if not np.isfinite(y).all():
            raise DataError("every holdout label must be finite", got="an infinity", fix="Fix the query.")
        if opponent_scores is not None:
            opponent_scores = opponent_scores.reshape(len(rows))
    else:
        present = np.unique(labels).tolist()
        current = {*challenger.model.classes, *present}
        retired = [value for value in opponent_model.classes if value not in current]
        classes = [value for value in _merge_classes(current, retired) if value in current]
        if need_two_classes and "roc_auc" in spec.evaluation.metrics:
            _check_present(present)
        y = np.searchsorted(np.array(classes), labels).astype(np.float64)
        if spec.evaluation.positive == classes[0] and len(classes) == 2:
            classes, y = classes[::-1], 1 - y
        challenger_scores = align_classes(challenger_scores, challenger.model.classes, classes)
        dummy = align_classes(dummy, challenger.model.classes, classes)
        if opponent_scores is not None:
            opponent_scores = align_classes(opponent_scores, opponent_model.classes, [*classes, *retired])
        if opponent_scores is not None and retired:
            log.warning(
                "No row is of %s, which only the champion knows: left out of the comparison.",
                ", ".join(map(repr, retired)),
            )
            opponent_scores = _scale_probabilities(opponent_scores[:, : len(classes)])
    return Scores(
        y,
        challenger_scores,
        None if opponent_scores is None else np.array(opponent_scores),
        rows[spec.data.event_time].to_numpy().astype("datetime64[us]"),
        {name: rows[name].to_numpy() for name in spec.score_columns if name in rows},
        dummy[0],
    )


def _scale_probabilities(scores: Floats) -> Floats:
    """Return probabilities scaled to add up to 1 in each row; equal ones in a row of zeros."""
    sums = scores.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(scores, sums, out=np.full_like(scores, 1 / scores.shape[1]), where=sums > 0))


def _check_present(present: Sequence[Any]) -> None:
    if len(present) < 2:
        raise DataError(
            "the holdout must have rows of two classes, or roc_auc is undefined",
            got=f"only {', '.join(map(repr, present)) or 'nothing'}",
            fix="Widen data.window.holdout, or leave roc_auc out.",
        )


def _merge_classes(*groups: Any) -> list[Any]:
    classes = {value for group in groups for value in group}
    try:
        return sorted(classes)
    except TypeError as error:
        raise DataError(
            "the classes of label, challenger and champion must be of one type",
            got=", ".join(sorted({type(value).__name__ for value in classes})),
            fix="Cast the label in the query.",
        ) from error
