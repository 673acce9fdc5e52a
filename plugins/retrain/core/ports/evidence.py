"""The store of scorecards and per-row scores, written once and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from retrain.core.evaluation.scorecard import Scorecard
    from retrain.core.evaluation.scores import Scores
    from retrain.core.policy.evidence import Evidence

__all__ = ["EvidenceStore"]


class EvidenceStore(Protocol):
    """Stores scorecards and per-row scores, content-addressed: equal content has the same digest and is stored once."""

    def put_scores(self, scores: Scores) -> str:
        """Store the scores of n rows; return their digest, 64 hex digits, for `Scorecard.scores`.

        Everything survives exactly: float64 values, the order of the rows, missing values of the columns, the baseline.
        """

    def put_scorecard(self, scorecard: Scorecard) -> str:
        """Store a scorecard; return its digest, 64 hex digits, which equals `Scorecard.digest`."""

    def evidence(self, digest: str) -> Evidence:
        """Return a scorecard with its scores, both checked against their digests.

        Args:
            digest: What `put_scorecard` returned.

        Raises:
            NotFoundError: The store has no such scorecard, or not its scores.
            IntegrityError: One of them was altered.
        """
