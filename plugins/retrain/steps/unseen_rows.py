"""Which rows a champion has not seen, so that it is compared on these alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrain.core.data.snapshot import Snapshot
from retrain.core.ledger.entries import Pointer
from retrain.core.resources import Retrain
from retrain.errors import NotFoundError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

__all__ = ["find_training_snapshot", "mask_unseen_rows"]


def mask_unseen_rows(retrain: Retrain, holdout: DataFrame, champion: Pointer | None) -> NDArray[np.bool_]:
    """Return an (n,) mask of the holdout rows that the training of the champion's judged model does not cover.

    It covers the training rows and the time in which their labels were decided: labels of rows in that time overlap with theirs.
    All rows count as unseen if no decision says what the champion trained on, such as one forced from another timeline.
    """
    snapshot = find_training_snapshot(retrain, champion) if champion else None
    if snapshot is None:
        return np.ones(len(holdout), dtype=bool)
    spec, trained = retrain.spec, snapshot.window
    times = holdout[spec.data.event_time].to_numpy().astype("datetime64[us]")
    first, end = (np.datetime64(at.replace(tzinfo=None)) for at in (trained.train_start, trained.labels_end))
    return np.asarray((times < first) | (times >= end))


def find_training_snapshot(retrain: Retrain, champion: Pointer) -> Snapshot | None:
    """Return the snapshot that a champion was trained on; None if no decision says so, or the snapshot is gone."""
    resources = retrain.resources
    standing = resources.ledger.standing(retrain.spec.model, champion.timeline)
    entry = standing.was_live(champion.version, champion.manifest_digest, champion.key)
    if entry is None or not entry.decision_id:
        return None
    try:
        return resources.snapshots.load(resources.ledger.decision(entry.decision_id).snapshot)
    except NotFoundError:
        return None
