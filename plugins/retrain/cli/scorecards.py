"""The command that writes the page of a past decision."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from retrain.cli.shared import (
    SPECS,
    AnyTimeline,
    Model,
    Pipelines,
    find_spec,
    get_context,
    out,
    print_errors,
)
from retrain.errors import NotFoundError

__all__ = ["scorecard"]


def scorecard(
    ctx: typer.Context,
    model: Model,
    version: Annotated[int, typer.Argument(help="The version that was decided on.", min=1)],
    target: Annotated[
        Path, typer.Option("--out", "-o", help="The page; the model card goes to the same name, as .md.")
    ] = Path("scorecard.html"),
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    timeline: AnyTimeline = None,
    pipelines: Pipelines = SPECS,
) -> None:
    """Write the page and the model card of the last decision on a version, from what was stored."""
    from retrain.steps import collect_report

    with print_errors(), get_context(ctx).open_resources() as resources:
        spec = find_spec(model, pipelines)
        candidates = [
            (decision, decision.challenger)
            for name, line in resources.ledger.timelines()
            if name == spec.model and timeline in (None, line)
            for decision in resources.ledger.decisions(name, line)
            if decision.challenger and decision.challenger.version == version
        ]
        if not candidates:
            raise NotFoundError(
                f"version {version} of {spec.model} must have a decision on {timeline or 'some timeline'}",
                got="none",
                fix=f"See `retrain history {spec.model}`.",
            )
        decision, challenger = max(candidates, key=lambda item: str(item[0].at))
        report = collect_report(spec, decision, challenger, resources)
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            page, card = (
                path.read_text(encoding="utf-8") for path in resources.reports.write_scorecard(report, Path(scratch))
            )
        target.write_text(page, encoding="utf-8")
        target.with_suffix(".md").write_text(card, encoding="utf-8")
        out.print(f"The page is {target}, the model card {target.with_suffix('.md')}", highlight=False, soft_wrap=True)
        if show:
            typer.launch(target.absolute().as_uri())
