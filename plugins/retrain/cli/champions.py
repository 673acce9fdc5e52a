"""The commands on a champion: roll back, freeze, force, reconcile, explain."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from retrain.cli import tables
from retrain.cli.shared import (
    SPECS,
    AnyTimeline,
    Model,
    ModelName,
    Pipelines,
    Reason,
    Timeline,
    find_pipelines,
    find_spec,
    get_context,
    get_user,
    out,
    print_errors,
)
from retrain.core.data.durations import parse_duration
from retrain.core.ledger.entries import Action
from retrain.core.spec import load_spec
from retrain.core.text import to_one_line
from retrain.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from retrain.adapters.sql_ledger import SqlLedger
    from retrain.core.policy.decision import Decision

__all__ = ["add_to"]


def rollback(
    ctx: typer.Context,
    model: Model,
    reason: Reason,
    to: Annotated[int | None, typer.Option("--to", help="The version; by default the one before.", min=1)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    freeze: Annotated[bool, typer.Option("--freeze", help="Also stop automatic promotions.")] = False,
    timeline: Timeline = None,
    pipelines: Pipelines = SPECS,
) -> None:
    """Go back to a version that was live, which is verified, loaded and scored first. The replaced key is quarantined."""
    from retrain.steps import Operation, freeze_model, plan_rollback, refuse_operation, roll_back

    context = get_context(ctx)
    timeline = timeline or context.timeline
    with print_errors(), context.open_resources() as resources:
        spec = find_spec(model, pipelines)
        operation = Operation(spec, timeline, get_user(), reason)
        try:
            plan = plan_rollback(operation, to=to, ledger=resources.ledger)
        except (ConflictError, NotFoundError) as error:
            if not dry_run:
                refuse_operation(operation, to, str(error), ledger=resources.ledger)
            raise
        tables.print_rollback(out, plan, spec.promotion.alias)
        if dry_run:
            out.print("Dry run: nothing was changed.", style="dim")
            return
        with out.status("verifying, loading and scoring the version"):
            entry = roll_back(plan, operation, resources)
        if not plan.done:
            out.print(f"[bold green]done[/] generation {entry.generation}: version {entry.version} is champion")
        if freeze:
            freeze_model(spec.model, timeline, actor=operation.actor, reason=reason, ledger=resources.ledger)
            out.print(f"frozen until `retrain unfreeze {spec.model}`", highlight=False)


def freeze(ctx: typer.Context, model: ModelName, reason: Reason, timeline: Timeline = None) -> None:
    """Stop automatic promotions of a model until `retrain unfreeze`."""
    from retrain.steps import freeze_model

    context = get_context(ctx)
    timeline = timeline or context.timeline
    with print_errors(), context.open_ledger() as ledger:
        _check_known(model, timeline, ledger)
        entry = freeze_model(model, timeline, actor=get_user(), reason=reason, ledger=ledger)
        out.print(
            f"{model} on {timeline} is frozen since {entry.at:%Y-%m-%d %H:%M:%S} by {escape(to_one_line(entry.actor))}"
        )


def unfreeze(ctx: typer.Context, model: ModelName, reason: Reason, timeline: Timeline = None) -> None:
    """Let automatic promotions of a model happen again."""
    from retrain.steps import unfreeze_model

    context = get_context(ctx)
    timeline = timeline or context.timeline
    with print_errors(), context.open_ledger() as ledger:
        unfreeze_model(model, timeline, actor=get_user(), reason=reason, ledger=ledger)
        out.print(f"{model} on {timeline} is promoted automatically again", highlight=False)


def promote(
    ctx: typer.Context,
    model: Model,
    version: Annotated[int, typer.Argument(help="The version to make champion.", min=1)],
    reason: Reason,
    force: Annotated[bool, typer.Option("--force", help="Confirm that no decision is needed.")] = False,
    expires: Annotated[str, typer.Option("--expires", help="How long it may stay, such as 7d.")] = "7d",
    timeline: Timeline = None,
    pipelines: Pipelines = SPECS,
) -> None:
    """Break the glass: make a version champion without a decision, until it expires and is reverted."""
    from retrain.steps import Operation, force_champion

    if not force:
        raise typer.BadParameter("only a retrain promotes by decision; add --force to promote without one")
    try:
        lifetime = parse_duration(expires)
    except ValueError as error:
        raise typer.BadParameter(f"--expires {error}") from None
    context = get_context(ctx)
    timeline = timeline or context.timeline
    with print_errors(), context.open_resources() as resources:
        spec = find_spec(model, pipelines)
        operation = Operation(spec, timeline, get_user(), reason)
        with out.status("verifying, loading and scoring the version"):
            entry = force_champion(version, operation, resources, lifetime=lifetime)
        out.print(
            f"[bold green]done[/] generation {entry.generation}: version {entry.version} is champion until "
            f"{entry.expires_at:%Y-%m-%d %H:%M %Z}; then `retrain reconcile` reverts it",
            highlight=False,
        )


def reconcile(
    ctx: typer.Context,
    pipelines: Pipelines = SPECS,
) -> None:
    """Verify the ledger, repair aliases, expired and broken champions; exit with 1 if a person must act."""
    from retrain.steps import reconcile_all

    context = get_context(ctx)
    with print_errors(), context.open_resources() as resources:
        pipelines = find_pipelines(pipelines)
        specs = [load_spec(path) for path in sorted([*pipelines.glob("*.yaml"), *pipelines.glob("*.yml")])]
        if not specs:
            raise NotFoundError(f"{pipelines} must hold pipeline specs", got="none", fix="Name it with --pipelines.")
        actor = get_user()
        findings = reconcile_all(specs, resources, actor=actor)
        for finding in findings:
            style = "red" if finding.alarming else "yellow"
            out.print(to_one_line(str(finding)), style=style, markup=False, highlight=False, soft_wrap=True)
        if not findings:
            out.print(
                f"{len(specs)} model{'s' if len(specs) > 1 else ''} in line with the ledger",
                style="green",
                highlight=False,
            )
        if any(finding.alarming for finding in findings):
            raise typer.Exit(1)


def why(
    ctx: typer.Context,
    model: ModelName,
    version: Annotated[int, typer.Argument(help="The version.", min=1)],
    timeline: AnyTimeline = None,
) -> None:
    """Show all that is known of a version: data, code, run, verdicts, moves and approvers."""
    from retrain.errors import RetrainError

    context = get_context(ctx)
    with print_errors(), context.open_resources() as resources:
        ledger = resources.ledger
        timelines = [line for name, line in ledger.timelines() if name == model and timeline in (None, line)]
        about = [
            decision
            for line in timelines
            for decision in ledger.decisions(model, line)
            if decision.challenger and decision.challenger.version == version
        ]
        recorded = (entry for entry in ledger.entries(model, timeline) if entry.version == version)
        entries = [entry for entry in recorded if entry.action is not Action.DECIDE]  # the decisions stand above them
        if not about and not entries:
            raise NotFoundError(
                f"version {version} of {model} must be in the ledger on {timeline or 'some timeline'}",
                got="none",
                fix=f"See `retrain history {model}`.",
            )
        registry, tags, address, refit = resources.registry, {}, "", None
        if about and about[-1].challenger:
            try:
                tags = registry.run_tags(about[-1].challenger.run_id)
                address = registry.run_url(about[-1].challenger.run_id)
            except RetrainError as error:
                address = f"not known now: {error.got}"
            with suppress(RetrainError):  # the rest is known without the scorecard
                refit = (
                    resources.evidence.evidence(about[-1].scorecard).scorecard.refit if about[-1].scorecard else None
                )
        tables.print_why(out, model, version, about, entries, tags, address, refit)


def replay(
    ctx: typer.Context,
    run: Annotated[
        str, typer.Argument(help="The run of a retrain, as `retrain why` prints it: its address or its id.")
    ],
    pipelines: Pipelines = SPECS,
) -> None:
    """Repeat a past retrain from its stored snapshot and compare the result with the stored version."""
    from retrain.steps import Likeness, replay_retrain

    context = get_context(ctx)
    run = run.rstrip("/").rpartition("/")[2]
    with print_errors(), context.open_resources() as resources:
        decisions = [
            decision
            for model, timeline in resources.ledger.timelines()
            for decision in resources.ledger.decisions(model, timeline)
            if decision.challenger and decision.challenger.run_id == run
        ]
        if not decisions:
            raise NotFoundError(
                "the run must be one that a retrain made",
                got=repr(run[:80]),
                fix="Find it with `retrain why MODEL VERSION`.",
            )
        decision = decisions[-1]
        spec = find_spec(decision.model, pipelines)
        with out.status("training again"):
            result = replay_retrain(spec, decision, resources)
        style = "red" if result.likeness is Likeness.DIFFERENT else "green"
        out.print(
            f"[bold {style}]{result.likeness.value}[/] version {_version_of(decision)} of {escape(spec.model)} as of "
            f"{decision.as_of:%Y-%m-%d}, {result.rows:,} holdout rows scored by both",
            highlight=False,
        )
        if result.first_difference:
            out.print(f"  first difference: {result.first_difference}", markup=False, highlight=False, soft_wrap=True)
        if result.restored:
            out.print(f"  restored from its recipe: {', '.join(result.restored)}", highlight=False)
        if result.changed:
            out.print(f"  packages of other versions: {', '.join(result.changed)}", style="yellow", highlight=False)
        if result.likeness is Likeness.DIFFERENT:
            raise typer.Exit(1)


def _version_of(decision: Decision) -> int | None:
    return decision.challenger.version if decision.challenger else None


def _check_known(model: str, timeline: str, ledger: SqlLedger) -> None:
    known = ledger.timelines()
    if (model, timeline) not in known:
        raise NotFoundError(
            f"{model} must have decisions on {timeline}",
            got=", ".join(f"{name} on {line}" for name, line in known) or "none at all",
            fix="Name one of these.",
        )


def add_to(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (rollback, freeze, unfreeze, promote, reconcile, why, replay):
        app.command()(command)
