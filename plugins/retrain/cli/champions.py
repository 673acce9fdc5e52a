"""The commands on a champion: roll back, freeze, break the glass, reconcile, explain."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from retrain.cli import tables
from retrain.cli.shared import (
    SPECS,
    STATE,
    Home,
    LedgerUrl,
    Model,
    Pipelines,
    Reason,
    StoreUri,
    Timeline,
    TrackingUri,
    TrustedTypes,
    find_spec,
    out,
    told,
)
from retrain.core.data.durations import parse_duration
from retrain.core.names import PRODUCTION
from retrain.core.spec import load_spec
from retrain.core.text import to_one_line
from retrain.errors import ConflictError, NotFoundError
from retrain.settings import split_types

__all__ = ["DEMO", "LOCAL_MLFLOW", "Platform", "add_to", "open_platform"]

DEMO = STATE / "demo"
LOCAL_MLFLOW = "http://127.0.0.1:5000"


@dataclass(frozen=True)
class Platform:
    """Where the ledger, the registry and the snapshots are."""

    ledger: Any
    registry: Any
    snapshots: Any
    evidence: Any
    smoke_test: Any

    @property
    def proof(self) -> dict[str, Any]:
        """What a move that is rehearsed needs beside its plan."""
        return {name: getattr(self, name) for name in ("ledger", "registry", "snapshots", "smoke_test")}


@contextmanager
def open_platform(
    ledger: str | None, home: Path, tracking_uri: str, store: str | None, trusted_types: str | None
) -> Iterator[Platform]:
    """Give ledger, registry and snapshots as a command's options name them."""
    from retrain.adapters.content_store import ContentStore
    from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
    from retrain.adapters.isolated.smoke_test import ChildProcessSmokeTest
    from retrain.adapters.mlflow_registry import MlflowRegistry
    from retrain.adapters.parquet_evidence import ParquetEvidence
    from retrain.cli.ledgers import opened_ledger

    files = ContentStore(store or (home / "store").absolute().as_uri())
    snapshots, evidence = DuckDBSnapshots(files), ParquetEvidence(files)
    smoke_test = ChildProcessSmokeTest(snapshots, split_types(trusted_types))
    with opened_ledger(ledger, home) as opened:
        yield Platform(opened, MlflowRegistry(tracking_uri), snapshots, evidence, smoke_test)


def rollback(
    model: Model,
    reason: Reason,
    to: Annotated[int | None, typer.Option("--to", help="The version; by default the one before.", min=1)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    freeze: Annotated[bool, typer.Option("--freeze", help="Also stop automatic promotions.")] = False,
    timeline: Timeline = PRODUCTION,
    pipelines: Pipelines = SPECS,
    ledger: LedgerUrl = None,
    home: Home = DEMO,
    tracking_uri: TrackingUri = LOCAL_MLFLOW,
    store: StoreUri = None,
    trusted_types: TrustedTypes = None,
) -> None:
    """Go back to a version that was live: verified, loaded and scored first. Its successor's key goes in quarantine."""
    from retrain.steps import Operation, freeze_model, plan_rollback, refuse_operation, roll_back

    with told(), open_platform(ledger, home, tracking_uri, store, trusted_types) as platform:
        spec = find_spec(model, pipelines)
        operation = Operation(spec, timeline, getpass.getuser(), reason)
        try:
            plan = plan_rollback(operation, to=to, ledger=platform.ledger)
        except (ConflictError, NotFoundError) as error:
            if not dry_run:
                refuse_operation(operation, to, str(error), ledger=platform.ledger)
            raise
        tables.print_rollback(out, plan, spec.promotion.alias)
        if dry_run:
            out.print("Dry run: nothing was changed.", style="dim")
            return
        with out.status("verifying, loading and scoring the version"):
            entry = roll_back(plan, operation, **platform.proof)
        if not plan.done:
            out.print(f"[bold green]done[/] generation {entry.generation}: version {entry.version} is champion")
        if freeze:
            freeze_model(spec.model, timeline, actor=operation.actor, reason=reason, ledger=platform.ledger)
            out.print(f"frozen until `retrain unfreeze {spec.model}`", highlight=False)


def freeze(
    model: Model, reason: Reason, timeline: Timeline = PRODUCTION, ledger: LedgerUrl = None, home: Home = DEMO
) -> None:
    """Stop automatic promotions of a model until `retrain unfreeze`."""
    from retrain.cli.ledgers import opened_ledger
    from retrain.steps import freeze_model

    with told(), opened_ledger(ledger, home) as opened:
        _known(model, timeline, opened)
        entry = freeze_model(model, timeline, actor=getpass.getuser(), reason=reason, ledger=opened)
        out.print(
            f"{model} on {timeline} is frozen since {entry.at:%Y-%m-%d %H:%M:%S} by {escape(to_one_line(entry.actor))}"
        )


def unfreeze(
    model: Model, reason: Reason, timeline: Timeline = PRODUCTION, ledger: LedgerUrl = None, home: Home = DEMO
) -> None:
    """Let automatic promotions of a model happen again."""
    from retrain.cli.ledgers import opened_ledger
    from retrain.steps import unfreeze_model

    with told(), opened_ledger(ledger, home) as opened:
        unfreeze_model(model, timeline, actor=getpass.getuser(), reason=reason, ledger=opened)
        out.print(f"{model} on {timeline} is promoted automatically again", highlight=False)


def promote(
    model: Model,
    version: Annotated[int, typer.Argument(help="The version to make champion.", min=1)],
    reason: Reason,
    force: Annotated[bool, typer.Option("--force", help="Yes, without a decision.")] = False,
    expires: Annotated[str, typer.Option("--expires", help="How long it may stay, such as 7d.")] = "7d",
    timeline: Timeline = PRODUCTION,
    pipelines: Pipelines = SPECS,
    ledger: LedgerUrl = None,
    home: Home = DEMO,
    tracking_uri: TrackingUri = LOCAL_MLFLOW,
    store: StoreUri = None,
    trusted_types: TrustedTypes = None,
) -> None:
    """Break the glass: make a version champion that no decision stands for, until it expires and is reverted."""
    from retrain.steps import Operation, force_champion

    if not force:
        raise typer.BadParameter("only a retrain promotes by decision; say --force to do it without one")
    try:
        lifetime = parse_duration(expires)
    except ValueError as error:
        raise typer.BadParameter(f"--expires {error}") from None
    with told(), open_platform(ledger, home, tracking_uri, store, trusted_types) as platform:
        spec = find_spec(model, pipelines)
        operation = Operation(spec, timeline, getpass.getuser(), reason)
        with out.status("verifying, loading and scoring the version"):
            entry = force_champion(version, operation, lifetime=lifetime, **platform.proof)
        out.print(
            f"[bold green]done[/] generation {entry.generation}: version {entry.version} is champion until "
            f"{entry.expires_at:%Y-%m-%d %H:%M %Z}; then `retrain reconcile` reverts it",
            highlight=False,
        )


def reconcile(
    pipelines: Pipelines = SPECS,
    ledger: LedgerUrl = None,
    home: Home = DEMO,
    tracking_uri: TrackingUri = LOCAL_MLFLOW,
) -> None:
    """Verify the ledger and put aliases, expired and broken champions back in line; exit 1 where that is an alarm."""
    from retrain.steps import reconcile_all

    with told(), open_platform(ledger, home, tracking_uri, None, None) as platform:
        specs = [load_spec(path) for path in sorted([*pipelines.glob("*.yaml"), *pipelines.glob("*.yml")])]
        if not specs:
            raise NotFoundError(f"{pipelines} must hold pipeline specs", got="none", fix="Name it with --pipelines.")
        actor = getpass.getuser()
        findings = reconcile_all(specs, actor=actor, registry=platform.registry, ledger=platform.ledger)
        for finding in findings:
            style = "red" if finding.alarming else "yellow"
            out.print(to_one_line(str(finding)), style=style, markup=False, highlight=False, soft_wrap=True)
        if not findings:
            out.print(f"{len(specs)} models in line with the ledger", style="green", highlight=False)
        if any(finding.alarming for finding in findings):
            raise typer.Exit(1)


def why(
    model: Model,
    version: Annotated[int, typer.Argument(help="The version.", min=1)],
    ledger: LedgerUrl = None,
    home: Home = DEMO,
    tracking_uri: TrackingUri = LOCAL_MLFLOW,
) -> None:
    """Say all that is known of a version: data, code, run, every verdict, every move, who approved."""
    from retrain.adapters.mlflow_registry import MlflowRegistry
    from retrain.cli.ledgers import opened_ledger
    from retrain.errors import RetrainError

    with told(), opened_ledger(ledger, home) as opened:
        timelines = [timeline for name, timeline in opened.timelines() if name == model]
        about = [
            decision
            for timeline in timelines
            for decision in opened.decisions(model, timeline)
            if decision.challenger and decision.challenger.version == version
        ]
        entries = [entry for entry in opened.entries(model) if entry.version == version]
        if not about and not entries:
            raise NotFoundError(
                f"version {version} of {model} must be in the ledger", got="none", fix=f"See `retrain history {model}`."
            )
        registry, tags, address = MlflowRegistry(tracking_uri), {}, ""
        if about and about[-1].challenger:
            try:
                tags = registry.run_tags(about[-1].challenger.run_id)
                address = registry.run_url(about[-1].challenger.run_id)
            except RetrainError as error:
                address = f"not known now: {error.got}"
        tables.print_why(out, model, version, about, entries, tags, address)


def replay(
    run: Annotated[str, typer.Argument(help="The MLflow run of a retrain, as `retrain why` prints it.")],
    pipelines: Pipelines = SPECS,
    ledger: LedgerUrl = None,
    home: Home = DEMO,
    tracking_uri: TrackingUri = LOCAL_MLFLOW,
    store: StoreUri = None,
    trusted_types: TrustedTypes = None,
) -> None:
    """Do a past retrain again from its stored snapshot and say how like the first one it came out."""
    from retrain.adapters.extensions import Trainers
    from retrain.adapters.isolated.refit import ChildProcessRefit
    from retrain.steps import Likeness, replay_retrain

    with told(), open_platform(ledger, home, tracking_uri, store, trusted_types) as platform:
        about = [
            decision
            for model, timeline in platform.ledger.timelines()
            for decision in platform.ledger.decisions(model, timeline)
            if decision.challenger and decision.challenger.run_id == run
        ]
        if not about:
            raise NotFoundError(
                "the run must be one that a retrain made",
                got=repr(run[:80]),
                fix="Find it with `retrain why MODEL VERSION`.",
            )
        spec = find_spec(about[-1].model, pipelines)
        with out.status("training it again"):
            found = replay_retrain(
                spec,
                about[-1],
                snapshots=platform.snapshots,
                trainer=Trainers(split_types(trusted_types)),
                refit=ChildProcessRefit(split_types(trusted_types)),
                registry=platform.registry,
            )
        style = "red" if found.likeness is Likeness.DIFFERENT else "green"
        out.print(
            f"[bold {style}]{found.likeness.value}[/] version {about[-1].challenger.version} of {escape(spec.model)} as of "
            f"{about[-1].as_of:%Y-%m-%d}, {found.rows:,} holdout rows scored by both",
            highlight=False,
        )
        if found.first_difference:
            out.print(f"  first difference: {found.first_difference}", markup=False, highlight=False, soft_wrap=True)
        if found.restored:
            out.print(f"  put back as it was: {', '.join(found.restored)}", highlight=False)
        if found.changed:
            out.print(f"  other packages than then: {', '.join(found.changed)}", style="yellow", highlight=False)
        if found.likeness is Likeness.DIFFERENT:
            raise typer.Exit(1)


def _known(model: str, timeline: str, ledger: Any) -> None:
    known = ledger.timelines()
    if (model, timeline) not in known:
        raise NotFoundError(
            f"{model} must have decisions on {timeline}",
            got=", ".join(f"{name} on {line}" for name, line in known) or "none at all",
            fix="Name one of these.",
        )


def add_to(app: typer.Typer) -> None:
    """Give the commands to the app."""
    for command in (rollback, freeze, unfreeze, promote, reconcile, why, replay):
        app.command()(command)
