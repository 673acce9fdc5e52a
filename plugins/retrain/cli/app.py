"""The `retrain` command: one function a subcommand, each a thin caller."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from retrain import __version__
from retrain.cli import tables
from retrain.core.names import PRODUCTION, is_name
from retrain.core.spec import PipelineSpec, load_spec, spec_json_schema
from retrain.core.spec.rules import did_you_mean
from retrain.core.window import parse_instant
from retrain.errors import NotFoundError, RetrainError, SpecError

__all__ = ["app"]

app = typer.Typer(
    name="retrain",
    help="Keep models fresh: check and try pipelines, run the demo, ask what was champion when and why.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)
ledger_app = typer.Typer(name="ledger", help="The ledger's database.", no_args_is_help=True)
app.add_typer(ledger_app)

_WIDE: Final = 170  # into a file or a pipe nobody wraps lines
out = Console(width=None if sys.stdout.isatty() else _WIDE)
err = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE)

Pipelines = Annotated[
    Path, typer.Option("--pipelines", "-p", help="The folder of pipeline specs.", show_default=True, file_okay=False)
]
Home = Annotated[Path, typer.Option("--home", help="The state folder of demo and development runs.")]
LedgerUrl = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        envvar="RETRAIN_LEDGER",
        help="The ledger's SQLAlchemy URL. By default the one under --home.",
        show_envvar=True,
    ),
]
Timeline = Annotated[str, typer.Option("--timeline", "-t", help="Which history of champions.")]
Model = Annotated[str, typer.Argument(help="The name of a pipeline and its model.")]

SPECS = Path("include/pipelines")
STATE = Path(".retrain")


@contextmanager
def _told() -> Iterator[None]:
    """Print an error of this package as one message and exit 1; any other error is a bug and keeps its traceback."""
    try:
        yield
    except RetrainError as error:
        err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no ISO 8601 instant, such as 2013-06-01 or 2013-06-01T12:00:00Z"
        ) from None


def _spec(model: str, folder: Path) -> PipelineSpec:
    """Return the spec of a model by its name, or by the path of its file."""
    if model.endswith((".yaml", ".yml")):
        return load_spec(Path(model))
    for path in (folder / f"{model}.yaml", folder / f"{model}.yml"):
        if is_name(model) and path.exists():
            return load_spec(path)
    known = sorted(path.stem for path in folder.glob("*.y*ml"))
    raise NotFoundError(
        f"{folder} must hold a spec for {model[:80]!r}",
        got="no such file",
        fix=did_you_mean(model, known)
        if known
        else f"Make one with `retrain init {model[:80]}`, or name another folder with --pipelines.",
    )


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Keep models fresh, and prove what was in production, when and why."""
    if version:
        out.print(f"retrain {__version__}")
        raise typer.Exit


@app.command()
def init(
    model: Model,
    project: Annotated[Path, typer.Option("--project", help="Where include/ and dags/ are or shall be.")] = Path(),
) -> None:
    """Make a first pipeline: spec, query, training code, expectations and a little data to try it on."""
    from retrain.cli.scaffold import make_pipeline

    with _told():
        for path in make_pipeline(model, project):
            out.print(f"made {path}", highlight=False)
        out.print(f"Next: retrain check && retrain run {model} --as-of 2024-07-01", style="green", highlight=False)


@app.command()
def check(
    specs: Annotated[list[Path] | None, typer.Argument(help="Spec files; by default all of the folder.")] = None,
    pipelines: Pipelines = SPECS,
    code: Annotated[bool, typer.Option(help="Also import the estimators and read the files that specs name.")] = True,
) -> None:
    """Check pipeline specs and print every mistake of every one."""
    from retrain.cli.checks import check_files

    with _told():
        paths = specs or sorted([*pipelines.glob("*.yaml"), *pipelines.glob("*.yml")])
        if not paths:
            raise NotFoundError(
                f"{pipelines} must hold pipeline specs", got="none", fix="Make one with `retrain init my_model`."
            )
        broken = 0
        for path in paths:
            try:
                spec = load_spec(path)
                if code:
                    check_files(spec, str(path))
                out.print(f"[green]ok[/green] {path}", highlight=False)
            except SpecError as error:
                broken += 1
                err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        if broken:
            raise typer.Exit(1)


@app.command()
def run(
    model: Model,
    as_of: Annotated[str, typer.Option("--as-of", help="The instant whose knowledge may be used, ISO 8601.")],
    timeline: Annotated[str, typer.Option("--timeline", "-t", help="A simulation's name.")] = "development",
    nonce: Annotated[str, typer.Option(help="Any text: trains afresh although the inputs are the same.")] = "",
    tracking_uri: Annotated[
        str | None, typer.Option("--tracking-uri", help="An MLflow server; by default a folder under --home.")
    ] = None,
    trusted_types: Annotated[
        str | None,
        typer.Option(
            envvar="AIRFLOW__RETRAIN__TRUSTED_TYPES",
            help="Types that a model may hold, with commas between; by default the built-in list.",
            show_envvar=True,
        ),
    ] = None,
    pipelines: Pipelines = SPECS,
    home: Home = STATE,
) -> None:
    """Do one retrain in this process, without Airflow, on a simulation timeline."""
    with _told():
        instant = _instant(as_of)
        if timeline == PRODUCTION or not is_name(timeline):
            raise typer.BadParameter(
                "must be a simulation's name: lower-case letters, digits, '_', '-', not production"
            )
        spec = _spec(model, pipelines)
        from retrain.cli.local import run_locally

        decision = run_locally(
            spec,
            instant,
            timeline,
            nonce=nonce,
            home=home,
            tracking_uri=tracking_uri,
            trusted_types=[name.strip() for name in trusted_types.split(",")] if trusted_types else None,
            console=out,
        )
        tables.print_decision(out, decision)
        out.print(
            f"All decisions: retrain history {spec.model} -t {timeline} --home {home}", style="dim", highlight=False
        )
        if decision.failed_step:
            raise typer.Exit(1)


@app.command()
def demo(
    home: Home = STATE / "demo",
    airflow_port: Annotated[int, typer.Option(help="Airflow's port.")] = 8080,
    mlflow_port: Annotated[int, typer.Option(help="MLflow's port.")] = 5000,
    fresh: Annotated[bool, typer.Option(help="Delete an earlier demo's state first.")] = False,
    stay: Annotated[bool | None, typer.Option(help="Stay up until Ctrl-C; by default only on a terminal.")] = None,
) -> None:
    """Backfill 2013 on real flights in a real Airflow, with PostgreSQL and MLflow, all on this machine."""
    from retrain.cli.demo import run_demo
    from retrain.cli.stack import Ports

    with _told():
        run_demo(Path.cwd(), home.absolute(), Ports(airflow_port, mlflow_port), fresh=fresh, stay=stay, console=out)


@app.command()
def champion(
    model: Model,
    at: Annotated[str | None, typer.Option("--at", help="Who was champion at this moment of real time.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Who was champion for this moment of the data's time.")
    ] = None,
    timeline: Timeline = PRODUCTION,
    ledger: LedgerUrl = None,
    home: Home = STATE / "demo",
) -> None:
    """Say which version is or was champion, since when, and why."""
    from retrain.cli.ledgers import opened_ledger

    with _told(), opened_ledger(ledger, home) as opened:
        if at and as_of:
            raise typer.BadParameter("give --at or --as-of, not both")
        if as_of:
            entry = opened.champion_as_of(model, timeline, _instant(as_of))
        else:
            entry = opened.champion_at(model, timeline, _instant(at) if at else datetime.max.replace(tzinfo=UTC))
        if entry is None:
            raise NotFoundError(
                f"{model} must have had a champion on {timeline}", got="none", fix=f"See `retrain history {model}`."
            )
        tables.print_champion(out, entry)


@app.command()
def history(
    model: Model, timeline: Timeline = PRODUCTION, ledger: LedgerUrl = None, home: Home = STATE / "demo"
) -> None:
    """Print every decision on a model: when, against whom, what, and why."""
    from retrain.cli.ledgers import opened_ledger

    with _told(), opened_ledger(ledger, home) as opened:
        decisions = opened.decisions(model, timeline)
        if not decisions:
            known = ", ".join(f"{name} on {line}" for name, line in opened.timelines()) or "none at all"
            raise NotFoundError(
                f"{model} must have decisions on {timeline}", got=known, fix="Name one with --timeline."
            )
        tables.print_decisions(out, decisions)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a pipeline spec, for your editor."""
    out.print_json(json.dumps(spec_json_schema()))


@ledger_app.command()
def migrate(
    ledger: Annotated[
        str, typer.Option("--ledger", envvar="RETRAIN_LEDGER", help="The ledger's SQLAlchemy URL.", show_envvar=True)
    ],
) -> None:
    """Bring the ledger's tables up to date; run it once for each release."""
    with _told():
        from retrain.adapters.sql_ledger import SqlLedger

        SqlLedger.open(ledger)
        out.print("The ledger's tables are up to date", style="green")


@ledger_app.command()
def verify(ledger: LedgerUrl = None, home: Home = STATE / "demo") -> None:
    """Check the ledger's hash chain and that every pointer is its last move."""
    from retrain.cli.ledgers import opened_ledger

    with _told(), opened_ledger(ledger, home) as opened:
        count = opened.verify()
        out.print(f"{count} {'entry' if count == 1 else 'entries'}, chain intact", style="green")
