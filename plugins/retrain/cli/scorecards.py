"""The command that writes the page of a past decision again."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from retrain.cli.champions import DEMO, LOCAL_MLFLOW
from retrain.cli.shared import (
    SPECS,
    Home,
    LedgerUrl,
    Model,
    Pipelines,
    StoreUri,
    TrackingUri,
    find_spec,
    out,
    told,
)
from retrain.core.ports import ModelRegistry
from retrain.errors import NotFoundError

__all__ = ["scorecard"]


def scorecard(
    model: Model,
    version: Annotated[int, typer.Argument(help="The version that was decided on.", min=1)],
    target: Annotated[
        Path, typer.Option("--out", "-o", help="The page; the model card goes to the same name, as .md.")
    ] = Path("scorecard.html"),
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    timeline: Annotated[
        str | None, typer.Option("--timeline", "-t", help="Where it was decided; by default the last decision of all.")
    ] = None,
    pipelines: Pipelines = SPECS,
    ledger: LedgerUrl = None,
    home: Home = DEMO,
    tracking_uri: TrackingUri = LOCAL_MLFLOW,
    store: StoreUri = None,
) -> None:
    """Write the page and the model card of a past decision, from what was stored then."""
    from retrain.adapters.content_store import ContentStore
    from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
    from retrain.adapters.parquet_evidence import ParquetEvidence
    from retrain.cli.ledgers import opened_ledger
    from retrain.reports.html_scorecard import draw_scorecard
    from retrain.steps import collect_report

    with told(), opened_ledger(ledger, home) as opened:
        spec = find_spec(model, pipelines)
        about = [
            (decision, decision.challenger)
            for name, line in opened.timelines()
            if name == spec.model and timeline in (None, line)
            for decision in opened.decisions(name, line)
            if decision.challenger and decision.challenger.version == version
        ]
        if not about:
            raise NotFoundError(
                f"version {version} of {spec.model} must have a decision on {timeline or 'some timeline'}",
                got="none",
                fix=f"See `retrain history {spec.model}`.",
            )
        decision, made = max(about, key=lambda item: str(item[0].at))
        content = ContentStore(store or (home / "store").absolute().as_uri())
        report = collect_report(
            spec,
            decision,
            made,
            snapshots=DuckDBSnapshots(content),
            registry=_registry(home, tracking_uri),
            evidence=ParquetEvidence(content),
        )
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            page, card = (path.read_text(encoding="utf-8") for path in draw_scorecard(report, Path(scratch)))
        target.write_text(page, encoding="utf-8")
        target.with_suffix(".md").write_text(card, encoding="utf-8")
        out.print(f"The page is {target}, the model card {target.with_suffix('.md')}", highlight=False, soft_wrap=True)
        if show:
            typer.launch(target.absolute().as_uri())


def _registry(home: Path, tracking_uri: str) -> ModelRegistry:
    """Return where the runs are: the folder of `retrain run` where the state folder has one, else an MLflow server."""
    from retrain.adapters.folder_registry import FolderRegistry
    from retrain.adapters.mlflow_registry import MlflowRegistry

    folder = home / "registry"
    return FolderRegistry(folder) if folder.is_dir() and tracking_uri == LOCAL_MLFLOW else MlflowRegistry(tracking_uri)
