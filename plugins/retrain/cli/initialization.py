"""The command that makes a first pipeline: on made-up data, or on a table of one's own."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer
from rich.markup import escape

from retrain.cli.shared import out, print_errors
from retrain.core.data.durations import format_duration, parse_duration
from retrain.core.stats.metric_names import METRICS_BY_TASK, Task
from retrain.core.text import to_one_line
from retrain.errors import NotFoundError

if TYPE_CHECKING:
    from retrain.adapters.duckdb_profile import TableProfile
    from retrain.cli.proposals import Proposal

__all__ = ["init"]

_SAMPLE: Final = 100_000
"""So many rows of a database's table are looked at."""
_FILE_NAME: Final = re.compile(r".*\.(csv|tsv|parquet)(\.gz)?$|.*[*/].*")


def init(
    model: Annotated[str, typer.Argument(help="The name of the new pipeline and its model.")],
    project: Annotated[Path, typer.Option("--project", help="The folder that holds include/ and dags/.")] = Path(),
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Your data: a CSV or Parquet file, a glob in quotes, or an Airflow connection with --table.",
        ),
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="The table of the connection.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="The column to predict.")] = None,
    time: Annotated[
        str | None, typer.Option("--time", help="The column that says when a row's event happened.")
    ] = None,
    delay: Annotated[
        str | None, typer.Option("--delay", help="How long after its event a label is known, such as 12h or 30d.")
    ] = None,
    task: Annotated[str | None, typer.Option("--task", help="classification or regression.")] = None,
    worth: Annotated[
        float | None,
        typer.Option(
            "--worth",
            min=0,
            help="The smallest gain worth a promotion, in units of the metric; by default a tenth of a comparison's error.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take every proposal and ask nothing.")] = False,
) -> None:
    """Make a pipeline: spec, query, training code and expectations.

    With --from they are proposed from your data, and on a terminal you are asked what no option says. Without it a little made-up
    data comes along.
    """
    with print_errors():
        if source is None:
            from retrain.cli.scaffold import make_pipeline

            for path in make_pipeline(model, project, worth=worth):
                out.print(f"made {path}", highlight=False)
            out.print(f"Next: retrain check && retrain run {model} --as-of 2024-07-01", style="green", highlight=False)
            return
        if task not in (None, *METRICS_BY_TASK):
            raise typer.BadParameter("--task must be classification or regression")
        if _FILE_NAME.match(source):
            profile, reads, connection = _profile_files(source, project)
        else:
            profile, reads, connection = *_profile_table(source, table), source
        asks = not yes and _is_interactive()
        proposal = _choose(profile, time, label, delay, cast("Task | None", task), asks=asks)
        worth = _ask_worth(proposal) if asks and worth is None else worth
        _describe(proposal)
        from retrain.cli.scaffold import make_pipeline_from

        for path in make_pipeline_from(model, project, proposal, source=reads, connection=connection, worth=worth):
            out.print(f"made {path}", highlight=False)
        as_of = min(proposal.end_date, datetime.now(UTC).replace(tzinfo=None))
        run = f"retrain run {model} --as-of {as_of:%Y-%m-%d}" if connection is None else "run it in Airflow"
        out.print(f"Next: retrain check && {run}", style="green", highlight=False, soft_wrap=True)


def _is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _profile_files(source: str, project: Path) -> tuple[TableProfile, str, None]:
    """Return the profile of files, and what reads them from the project's folder."""
    from retrain.adapters.duckdb_profile import profile_files, scan_files

    pattern = Path(source)
    if pattern.is_dir():
        kind = "csv" if any(pattern.glob("*.csv")) else "parquet"
        pattern = pattern / f"*.{kind}"
    absolute, root = pattern.absolute(), project.absolute()
    inside = absolute.is_relative_to(root)
    return profile_files(str(absolute)), scan_files(str(absolute.relative_to(root) if inside else absolute)), None


def _profile_table(connection: str, table: str | None) -> tuple[TableProfile, str]:
    """Return the profile of a table's first rows, and its name."""
    if table is None or not re.fullmatch(r'[\w."]+', table):
        raise NotFoundError(
            "a connection needs --table NAME", got=repr(table), fix="Name the table; files have a suffix or a folder."
        )
    from airflow.sdk.exceptions import AirflowException

    from retrain.adapters.duckdb_profile import profile_rows
    from retrain.hooks.store import run_query

    try:
        rows = run_query(connection, f"SELECT * FROM {table} LIMIT {_SAMPLE}", {})  # noqa: S608 - a name, checked
    except AirflowException as error:
        raise NotFoundError(
            f"Airflow must know the connection {connection!r} and have its provider",
            got=type(error).__name__,
            fix=f"Set AIRFLOW_CONN_{connection.upper()}, and install the provider; a file has a suffix or a folder.",
        ) from None
    return profile_rows(rows), table


def _choose(
    profile: TableProfile, time: str | None, label: str | None, delay: str | None, task: Task | None, *, asks: bool
) -> Proposal:
    """Return the proposal; ask what no option says, each time with the proposal as the default."""
    from retrain.cli.proposals import propose

    proposal = propose(profile, time=time, label=label, task=task)
    if asks:
        time = time or typer.prompt("When did the event of a row happen? Column", proposal.time.profile.name)
        label = label or typer.prompt("What is to be predicted? Column", proposal.label.profile.name)
        proposal = propose(profile, time=time, label=label, task=task)
        delay = delay or typer.prompt("How long after the event is it known?", format_duration(proposal.delay))
    return proposal.with_delay(_parse_delay(delay) if delay else proposal.delay)


def _ask_worth(proposal: Proposal) -> float | None:
    """Ask for the smallest gain that is worth a promotion; None for the gate's own default."""
    metric = "roc_auc" if proposal.task == "classification" else "mae"
    question = f"Which gain in {metric} is worth a promotion? A number, or `auto` for a tenth of a comparison's error"
    answer = typer.prompt(question, "auto", value_proc=_parse_worth)
    return None if answer == "auto" else float(answer)


def _parse_worth(text: str) -> str:
    try:
        known = text == "auto" or 0 <= float(text) < float("inf")
    except ValueError:
        known = False
    if not known:
        raise typer.BadParameter(f"must be `auto` or a number of 0 or more, not {text!r:.40}")
    return text


def _parse_delay(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"--delay {error}") from None


def _describe(proposal: Proposal) -> None:
    """Print what was chosen, so that a wrong guess shows."""
    label, time = proposal.label.profile, proposal.time.profile
    kind = f"{label.distinct} classes" if proposal.task == "classification" else "numbers"
    rows = (
        ("label", f"{label.name} ({proposal.task}, {kind}), known after {format_duration(proposal.delay)}"),
        ("time", f"{time.name} ({time.low:%Y-%m-%d} to {time.high:%Y-%m-%d})"),
        ("features", f"{len(proposal.features)}: {', '.join(column.name for column in proposal.features)}"),
        *(("left out", f"{name}: {reason}") for name, reason in proposal.left_out),
    )
    for name, text in rows:
        out.print(f"{name:<9} {escape(to_one_line(text))}", highlight=False, soft_wrap=True)
