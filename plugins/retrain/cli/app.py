"""The `retrain` command: one function a subcommand, each a thin caller."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from retrain import __version__
from retrain.adapters.whole_file import write_whole
from retrain.cli import backtests, champions, initialization, ratings, scorecards, tables
from retrain.cli.context import CliContext, find_context
from retrain.cli.resources import CliResources
from retrain.cli.shared import (
    SPECS,
    Model,
    ModelName,
    Pipelines,
    Timeline,
    err,
    find_pipelines,
    find_spec,
    get_context,
    out,
    print_errors,
    read_instant,
)
from retrain.cli.verification import verify_ledger
from retrain.core.extras import require_extra
from retrain.core.ledger.origin import Origin
from retrain.core.names import PRODUCTION, is_name
from retrain.core.spec import PipelineSpec, find_duplicates, load_spec, spec_json_schema
from retrain.errors import NotFoundError, SpecError
from retrain.settings import split_types

__all__ = ["app"]

app = typer.Typer(
    name="retrain",
    help="Keep models fresh: check and try pipelines, ask what was champion when and why, roll back.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    epilog="What the words mean: https://github.com/retrain-airflow/retrain/blob/main/docs/reference/glossary.md",
)
ledger_app = typer.Typer(name="ledger", help="The ledger's database.", no_args_is_help=True)
app.add_typer(ledger_app)


@app.callback(invoke_without_command=True)
def main(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            help="A profile of retrain.toml, or of [tool.retrain] in pyproject.toml.",
            envvar="RETRAIN_PROFILE",
            show_envvar=True,
        ),
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option(
            help="The state folder. By default the nearest .retrain.", envvar="RETRAIN_HOME", show_envvar=True
        ),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            help="The ledger's SQLAlchemy URL. By default the one in the state folder.",
            envvar="RETRAIN_LEDGER",
            show_envvar=True,
        ),
    ] = None,
    tracking_uri: Annotated[
        str | None,
        typer.Option(
            "--tracking-uri",
            help="The MLflow server. By default the one of the state folder, or its folders of models.",
            envvar="MLFLOW_TRACKING_URI",
            show_envvar=True,
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="The store of snapshots and scores. By default the one in the state folder.",
            envvar="AIRFLOW__RETRAIN__STORE",
            show_envvar=True,
        ),
    ] = None,
    trusted_types: Annotated[
        str | None,
        typer.Option(
            "--trusted-types",
            help="Types that a stored model may hold beside the built-in list, separated by commas.",
            envvar="AIRFLOW__RETRAIN__TRUSTED_TYPES",
            show_envvar=True,
        ),
    ] = None,
) -> None:
    """Keep models fresh, and prove what was in production, when and why.

    The options say what a command works on; they stand before the command: `retrain --home .retrain/demo history churn`.
    """
    if version:
        out.print(f"retrain {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        out.print(ctx.get_help(), markup=False, highlight=False)
        raise typer.Exit
    with print_errors():
        ctx.obj = find_context(
            profile=profile,
            home=home,
            ledger=ledger,
            tracking_uri=tracking_uri,
            store=store,
            trusted_types=tuple(split_types(trusted_types)),
        )


app.command()(initialization.init)


@app.command()
def check(
    ctx: typer.Context,
    specs: Annotated[list[Path] | None, typer.Argument(help="Spec files; by default all of the folder.")] = None,
    pipelines: Pipelines = SPECS,
    code: Annotated[bool, typer.Option(help="Also import the estimators and read the files that specs name.")] = True,
    data: Annotated[
        bool, typer.Option("--data", help="Also read the latest window, validate it, and fit a model on a few rows.")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="With --data: as of this instant, not of the last tick.")
    ] = None,
) -> None:
    """Check pipeline specs and print every mistake of every one."""
    from retrain.cli.checks import check_files
    from retrain.cli.previews import check_data

    trusted_types = get_context(ctx).trusted_types
    instant = read_instant(as_of) if as_of else None
    with print_errors():
        pipelines = find_pipelines(pipelines)
        paths = specs or sorted([*pipelines.glob("*.yaml"), *pipelines.glob("*.yml")])
        if not paths:
            raise NotFoundError(
                f"{pipelines} must hold pipeline specs", got="none", fix="Make one with `retrain init my_model`."
            )
        loaded: dict[Path, PipelineSpec] = {}
        errors: dict[Path, SpecError] = {}
        for path in paths:
            try:
                loaded[path] = load_spec(path)
            except SpecError as error:
                errors[path] = error
        errors |= find_duplicates({path: spec.model for path, spec in loaded.items()})
        for path in paths:
            try:
                if path in errors:
                    raise errors[path]
                if code:
                    check_files(loaded[path], str(path))
                if data:
                    check_data(loaded[path], instant, str(path), trusted_types=trusted_types, console=out)
                out.print(f"[green]ok[/green] {path}", highlight=False)
            except SpecError as error:
                errors[path] = error
                err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        if errors:
            raise typer.Exit(1)


@app.command()
def run(
    ctx: typer.Context,
    model: Model,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The instant whose knowledge may be used, ISO 8601.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", help="Instead: a retrain per tick of the schedule, from here on; by default start_date."
        ),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last tick at most; by default now.")] = None,
    timeline: Annotated[
        str | None, typer.Option("--timeline", "-t", help="A simulation's name. By default `development`.")
    ] = None,
    nonce: Annotated[str, typer.Option(help="Any text: trains again although the inputs are the same.")] = "",
    pipelines: Pipelines = SPECS,
) -> None:
    """Do one retrain, or those of a range, in this process: without Airflow, on a simulation timeline.

    A range goes on after a retrain that failed, and after an interruption if you run it again; its exit code is 1 if one failed.
    """
    context = get_context(ctx).without_servers()
    timeline = timeline or context.simulation
    with print_errors():
        instant, first, last = (read_instant(text) if text else None for text in (as_of, since, until))
        if (instant is None) == (first is None and last is None):
            raise typer.BadParameter("give --as-of, or a range with --from and --to")
        if timeline == PRODUCTION or not is_name(timeline):
            raise typer.BadParameter(
                "must be a simulation's name: lower-case letters, digits, '_', '-', not production"
            )
        spec = find_spec(model, pipelines)
        context.make_home()
        with context.open_resources() as resources:
            if instant is not None:
                failed = _run_once(spec, instant, timeline, resources, nonce)
            else:
                failed = _run_range(spec, first, last, timeline, resources, nonce)
        out.print(f"All decisions: retrain history {spec.model}{_timeline_option(timeline, context)}", style="dim")
        if failed:
            raise typer.Exit(1)


def _run_once(spec: PipelineSpec, as_of: datetime, timeline: str, resources: CliResources, nonce: str) -> int:
    """Do one retrain and print its decision; return 1 if it failed."""
    from retrain.cli.local import PrintedSteps, request_locally, run_locally

    result = run_locally(request_locally(spec, as_of, timeline, resources, nonce), PrintedSteps(out))
    for name, address in (("Scorecard", result.page), ("Run and pictures", result.run)):
        if address:
            out.print(f"{name}: {address}", highlight=False, soft_wrap=True)
    if result.crash is not None:
        raise result.crash
    tables.print_decision(out, result.decision)
    return int(bool(result.decision.failed_step))


def _run_range(
    spec: PipelineSpec,
    first: datetime | None,
    last: datetime | None,
    timeline: str,
    resources: CliResources,
    nonce: str,
) -> int:
    """Do the retrains of a range and print their decisions as a table; return how many failed."""
    from retrain.cli.ranges import list_ticks, run_range

    ticks = list_ticks(spec, first, last, resources.ledger.now())
    decisions = run_range(spec, ticks, timeline, resources, nonce=nonce, console=out)
    tables.print_decisions(out, decisions)
    failed = sum(bool(decision.failed_step) for decision in decisions)
    if failed:
        err.print(f"{failed} of {len(decisions)} retrains failed", style="red", highlight=False)
    return failed


def _timeline_option(timeline: str, context: CliContext) -> str:
    return "" if timeline == context.timeline else f" -t {timeline}"


@app.command()
def demo(
    ctx: typer.Context,
    airflow_port: Annotated[int, typer.Option(help="Airflow's port.")] = 8080,
    mlflow_port: Annotated[int, typer.Option(help="MLflow's port.")] = 5000,
    fresh: Annotated[bool, typer.Option(help="Delete an earlier demo's state first.")] = False,
    stay: Annotated[bool | None, typer.Option(help="Stay up until Ctrl-C; by default only on a terminal.")] = None,
) -> None:
    """Backfill 2013 on real flights in a real Airflow, with PostgreSQL and MLflow, all on this machine.

    Its state folder is .retrain/demo, unless --home before the command names another.
    """
    home = _find_platform(ctx, "demo")
    with print_errors():
        require_extra("demo", "retrain demo")
        from retrain.cli.demo import run_demo
        from retrain.sandbox.stack import Ports

        run_demo(Path.cwd(), home, Ports(airflow_port, mlflow_port), fresh=fresh, stay=stay, console=out)


@app.command()
def up(
    ctx: typer.Context,
    airflow_port: Annotated[int, typer.Option(help="Airflow's port.")] = 8080,
    mlflow_port: Annotated[int, typer.Option(help="MLflow's port.")] = 5000,
) -> None:
    """Run Airflow, MLflow and PostgreSQL for this project on this machine, until Ctrl-C or `retrain down`.

    The state folder is .retrain/up, unless --home before the command names another. What was there stays from one time to the next.
    """
    with print_errors():
        require_extra("demo", "retrain up")
        from retrain.cli.servers import run_up
        from retrain.sandbox.stack import Ports

        project = find_pipelines(SPECS).absolute().parents[1]
        run_up(
            project, _find_platform(ctx, "up"), Ports(airflow_port, mlflow_port), get_context(ctx).trusted_types, out
        )


@app.command()
def down(ctx: typer.Context) -> None:
    """End what `retrain up` started; its state stays."""
    with print_errors():
        require_extra("demo", "retrain down")
        from retrain.cli.servers import run_down

        home = _find_platform(ctx, "up")
        ended = run_down(home)
        out.print(f"{'Ended what ran in' if ended else 'Nothing runs in'} {home}", highlight=False, soft_wrap=True)


def _find_platform(ctx: typer.Context, name: str) -> Path:
    """Return the state folder of servers: that of --home, or one in the nearest ``.retrain``."""
    chosen: Path | None = ctx.find_root().params["home"]
    context = get_context(ctx)
    return (chosen or (context.nearest or context.home) / name).absolute()


@app.command()
def champion(
    ctx: typer.Context,
    model: ModelName,
    at: Annotated[str | None, typer.Option("--at", help="Who was champion at this moment of real time.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Who was champion for this moment of the data's time.")
    ] = None,
    timeline: Timeline = None,
) -> None:
    """Show which version is or was champion, since when, and why."""
    timeline = timeline or get_context(ctx).timeline
    with print_errors(), get_context(ctx).open_ledger() as ledger:
        if at and as_of:
            raise typer.BadParameter("give --at or --as-of, not both")
        if as_of:
            entry = ledger.champion_as_of(model, timeline, read_instant(as_of))
        else:
            entry = ledger.champion_at(model, timeline, read_instant(at) if at else datetime.max.replace(tzinfo=UTC))
        if entry is None:
            raise NotFoundError(
                f"{model} must have had a champion on {timeline}", got="none", fix=f"See `retrain history {model}`."
            )
        tables.print_champion(out, entry)
        if freeze := ledger.standing(model, timeline).freeze:
            tables.print_freeze(out, freeze)
        elif at is None and as_of is None:
            tables.print_stall(out, ledger.decisions(model, timeline))


@app.command()
def history(ctx: typer.Context, model: ModelName, timeline: Timeline = None) -> None:
    """Print every decision on a model: when, against what, the choice, and why."""
    timeline = timeline or get_context(ctx).timeline
    with print_errors(), get_context(ctx).open_ledger() as ledger:
        decisions = ledger.decisions(model, timeline)
        if not decisions:
            known = ", ".join(f"{name} on {line}" for name, line in ledger.timelines()) or "none at all"
            raise NotFoundError(
                f"{model} must have decisions on {timeline}", got=known, fix="Name one with --timeline."
            )
        tables.print_decisions(out, decisions)
        tables.print_stall(out, decisions)


@app.command()
def decision(
    ctx: typer.Context,
    run: Annotated[str, typer.Option("--run", help="The DAG run, as <dag id>/<run id>.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole decision as JSON.")] = False,
) -> None:
    """Print the decision of a DAG run with every verdict; the last one if the run was cleared and ran again."""
    with print_errors(), get_context(ctx).open_ledger() as ledger:
        try:
            decisions = ledger.overview.decisions_of(Origin.parse(run))
        except ValueError:
            decisions = []
        if not decisions:
            raise NotFoundError(
                "the run must be one that came to a decision",
                got=repr(run[:300]),
                fix="Write it as <dag id>/<run id>; a run decides at its end, even if a step failed.",
            )
        if as_json:
            out.print_json(json.dumps(decisions[-1].to_json() | {"id": decisions[-1].id}))
        else:
            tables.print_decision(out, decisions[-1])


@app.command()
def schema() -> None:
    """Print the JSON Schema of a pipeline spec, for your editor."""
    out.print_json(json.dumps(spec_json_schema()))


@ledger_app.command()
def migrate(ctx: typer.Context) -> None:
    """Bring the ledger's tables up to date; run it once per release."""
    from retrain.adapters.sql_ledger import SqlLedger

    context = get_context(ctx).without_servers()
    with print_errors():
        if context.ledger is None:
            context.make_home()
        else:
            SqlLedger.open(context.ledger)
        out.print("The ledger's tables are up to date", style="green")


@ledger_app.command()
def verify(
    ctx: typer.Context,
    since: Annotated[
        str, typer.Option(help="A head that an earlier verify printed; only what came after it is checked.")
    ] = "",
    against: Annotated[
        Path | None,
        typer.Option(help="An export, or a file with a head, that was kept elsewhere.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Replay the ledger, and hold every pointer, decision and request against it; print its head.

    Keep the head (or an export) where writers of the ledger cannot change it: a ledger that was rewritten as a whole shows by it.
    """
    with print_errors(), get_context(ctx).open_ledger() as ledger:
        head = verify_ledger(ledger, since=since, against=against)
        out.print(f"{head.count} {'entry' if head.count == 1 else 'entries'}, chain intact", style="green")
        out.print(f"head {head}", highlight=False, soft_wrap=True)


@ledger_app.command()
def export(
    ctx: typer.Context,
    target: Annotated[Path | None, typer.Argument(help="The file; by default standard output.")] = None,
) -> None:
    """Write every entry as JSON Lines, oldest first, once the chain was verified.

    Keep it elsewhere: `retrain ledger verify --against FILE` tells whether the ledger still begins with it.
    """
    with print_errors(), get_context(ctx).open_ledger() as ledger:
        ledger.verify()
        lines = "".join(json.dumps(entry.to_json()) + "\n" for entry in ledger.entries())
        if target is None:
            typer.echo(lines, nl=False)
            return
        write_whole(target, lines)
        err.print(f"{lines.count(chr(10))} entries in {target}", style="green", highlight=False)


champions.add_to(app)
app.command()(backtests.backtest)
app.command()(ratings.ratings)
app.command()(scorecards.scorecard)
