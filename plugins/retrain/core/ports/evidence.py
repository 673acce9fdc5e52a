"""Scorecards and per-row scores, stored once and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from retrain.core.evaluation.scorecard import Scorecard
    from retrain.core.evaluation.scores import Scores
    from retrain.core.policy.evidence import Evidence

__all__ = ["EvidenceStore"]


class EvidenceStore(Protocol):
    """Scorecards and per-row scores, stored once and never changed."""

    def put_scores(self, scores: Scores) -> str:
        """Store per-row scores; return the sha256 of the file."""

    def put_scorecard(self, scorecard: Scorecard) -> str:
        """Store a scorecard; return its digest."""

    def evidence(self, digest: str) -> Evidence:
        """Return a scorecard with its scores, both checked against their digests."""
