"""What people read of a retrain: pictures of the scores and the page of a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.core.evaluation.scores import Opponent, Scores
    from retrain.core.report import RetrainReport

__all__ = ["Reports"]


class Reports(Protocol):
    """Draws and writes what is stored with a run for people to read."""

    def draw_scores(self, scores: Scores, opponent: Opponent | None, title: str, folder: Path) -> Sequence[Path]:
        """Draw the scores of challenger and opponent into a folder under a title; return the files."""

    def write_scorecard(self, report: RetrainReport, folder: Path) -> Sequence[Path]:
        """Write the page of a decision, ``scorecard.html``, and its model card into a folder; return the files."""
