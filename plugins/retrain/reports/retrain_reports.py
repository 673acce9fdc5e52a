"""The reports of a retrain, written with Jinja2 and Matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retrain.core.evaluation.scores import Opponent, Scores
from retrain.core.report import RetrainReport

__all__ = ["RetrainReports"]


class RetrainReports:
    """The `Reports` of a platform and of a laptop alike; each method imports its library when it is called."""

    def draw_scores(self, scores: Scores, opponent: Opponent | None, title: str, folder: Path) -> Sequence[Path]:
        """Draw the scores of challenger and opponent as PNG files."""
        from retrain.reports.plots import draw_scores

        return draw_scores(scores, opponent, title, folder)

    def write_scorecard(self, report: RetrainReport, folder: Path) -> Sequence[Path]:
        """Write the page of a decision and its model card."""
        from retrain.reports.html_scorecard import draw_scorecard

        return draw_scorecard(report, folder)
