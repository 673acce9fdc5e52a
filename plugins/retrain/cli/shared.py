"""What the commands share: options, consoles, and how an error is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from retrain.core.data.window import parse_instant
from retrain.core.names import check_name, is_name
from retrain.core.spec import PipelineSpec, load_spec
from retrain.core.spec.rules import did_you_mean
from retrain.core.text import escape_unprintable, to_one_line
from retrain.errors import NotFoundError, RetrainError

__all__ = [
    "SPECS",
    "STATE",
    "Home",
    "LedgerUrl",
    "Model",
    "Pipelines",
    "Reason",
    "StoreUri",
    "Timeline",
    "TrackingUri",
    "TrustedTypes",
    "err",
    "find_spec",
    "instant",
    "out",
    "told",
]

_WIDE: Final = 170  # into a file or a pipe nobody wraps lines
out = Console(width=None if sys.stdout.isatty() else _WIDE)
err = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE)


def _timeline(text: str) -> str:
    try:
        return check_name(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _reason(text: str) -> str:
    reason = to_one_line(text)
    if not reason:
        raise typer.BadParameter("must say why; say it in a few words")
    return reason[:500]


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
Timeline = Annotated[str, typer.Option("--timeline", "-t", help="Which history of champions.", callback=_timeline)]
Model = Annotated[str, typer.Argument(help="The name of a pipeline and its model.")]

TrackingUri = Annotated[
    str,
    typer.Option("--tracking-uri", envvar="MLFLOW_TRACKING_URI", help="The MLflow server.", show_envvar=True),
]
StoreUri = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="AIRFLOW__RETRAIN__STORE",
        help="The store of snapshots. By default the one under --home.",
        show_envvar=True,
    ),
]
TrustedTypes = Annotated[
    str | None,
    typer.Option(
        envvar="AIRFLOW__RETRAIN__TRUSTED_TYPES",
        help="Types that a model may hold, with commas between; beside the built-in list.",
        show_envvar=True,
    ),
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; kept in the ledger.", callback=_reason)]

SPECS = Path("include/pipelines")
STATE = Path(".retrain")


@contextmanager
def told() -> Iterator[None]:
    """Print an error of this package as one message and exit 1; any other error is a bug and keeps its traceback."""
    try:
        yield
    except RetrainError as error:
        err.print(
            "\n".join(map(escape_unprintable, str(error).splitlines())),
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(1) from None


def instant(text: str) -> datetime:
    """Read an instant that was typed."""
    try:
        return parse_instant(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no ISO 8601 instant, such as 2013-06-01 or 2013-06-01T12:00:00Z"
        ) from None


def find_spec(model: str, folder: Path) -> PipelineSpec:
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
