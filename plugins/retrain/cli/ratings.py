"""The command that shows how all versions are rated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from retrain.cli import tables
from retrain.cli.shared import ModelName, Timeline, get_context, out, print_errors
from retrain.errors import NotFoundError

if TYPE_CHECKING:
    from retrain.adapters.sql_ledger import SqlLedger
    from retrain.core.ratings import RatingSummary

__all__ = ["ratings"]


def ratings(ctx: typer.Context, model: ModelName, timeline: Timeline = None) -> None:
    """Show which version is best now by all windows so far, how sure that is, and how fast versions age."""
    timeline = timeline or get_context(ctx).timeline
    with print_errors(), get_context(ctx).open_ledger() as ledger:
        summary = _read_rating(model, timeline, ledger)
        if summary is None:
            out.print(
                f"The versions of {model} on {timeline} are not rated: that takes a gate `fresh` or `strict`, and a retrain "
                "that met a champion",
                style="yellow",
                highlight=False,
                soft_wrap=True,
            )
            return
        tables.print_rating(out, summary, f"{model} on {timeline}")


def _read_rating(model: str, timeline: str, ledger: SqlLedger) -> RatingSummary | None:
    """Return the rating after the last retrain that was evaluated, against the champion of now."""
    from retrain.steps import rate_timeline

    decisions, champion = ledger.decisions(model, timeline), ledger.pointer(model, timeline)
    if not decisions:
        raise NotFoundError(
            f"{model} must have decisions on {timeline}",
            got=", ".join(f"{name} on {line}" for name, line in ledger.timelines()) or "none at all",
            fix="Name one with --timeline.",
        )
    evaluated = sorted((each for each in decisions if each.scorecard), key=lambda each: each.as_of)
    scorecard = ledger.overview.scorecard(evaluated[-1].scorecard) if evaluated else None
    if scorecard is None or champion is None:
        return None
    return rate_timeline(scorecard, evaluated[-1].metric, champion.version, ledger)
