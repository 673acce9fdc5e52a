"""The options, consoles and error output that the commands share."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, cast

import typer
from rich.console import Console

from retrain.cli.context import CliContext
from retrain.core.data.window import parse_instant
from retrain.core.names import check_name
from retrain.core.spec import PipelineSpec, find_spec_in, list_models, load_spec
from retrain.core.spec.rules import did_you_mean
from retrain.core.text import escape_unprintable, to_one_line
from retrain.errors import NotFoundError, RetrainError

__all__ = [
    "SPECS",
    "AnyTimeline",
    "Model",
    "ModelName",
    "Pipelines",
    "Reason",
    "Timeline",
    "err",
    "find_pipelines",
    "find_spec",
    "get_context",
    "get_user",
    "out",
    "print_errors",
    "read_instant",
]

_WIDE: Final = 170  # a file or a pipe wraps no lines
out = Console(width=None if sys.stdout.isatty() else _WIDE)
err = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE)


def _check_timeline(text: str | None) -> str | None:
    try:
        return None if text is None else check_name(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _check_reason(text: str) -> str:
    reason = to_one_line(text)
    if not reason:
        raise typer.BadParameter("must say why, in a few words")
    return reason[:500]


def _read_model_name(text: str) -> str:
    """Return the model of a spec if its path is given, so that every command takes the same argument."""
    if not _is_path(text):
        return text
    with print_errors():
        return load_spec(Path(text)).model


def _is_path(text: str) -> bool:
    return text.endswith((".yaml", ".yml"))


Pipelines = Annotated[
    Path, typer.Option("--pipelines", "-p", help="The folder of pipeline specs.", show_default=True, file_okay=False)
]
Timeline = Annotated[
    str | None,
    typer.Option(
        "--timeline",
        "-t",
        help="Which history of champions. By default `production`, in a state folder of `retrain run` its `development`.",
        callback=_check_timeline,
    ),
]
AnyTimeline = Annotated[
    str | None,
    typer.Option(
        "--timeline", "-t", help="Which history of champions. By default all of them.", callback=_check_timeline
    ),
]
Model = Annotated[str, typer.Argument(help="The name of a pipeline and its model, or the path of its spec.")]
ModelName = Annotated[
    str,
    typer.Argument(help="The name of a pipeline and its model, or the path of its spec.", callback=_read_model_name),
]

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; kept in the ledger.", callback=_check_reason)]

SPECS = Path("include/pipelines")


def get_user() -> str:
    """Return the name of the user that runs this process; ``LOGNAME`` and its like can name anybody."""
    user = os.geteuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid-{user}"  # as in a container that runs as a number


@contextmanager
def print_errors() -> Iterator[None]:
    """Print an error of this package as one message and exit with 1; any other error is a bug and keeps its traceback."""
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


def read_instant(text: str) -> datetime:
    """Return the instant that an option gives."""
    try:
        return parse_instant(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} must be an ISO 8601 instant, such as 2013-06-01 or 2013-06-01T12:00:00Z"
        ) from None


def get_context(ctx: typer.Context) -> CliContext:
    """Return what the options of the root command and the profile name."""
    return cast("CliContext", ctx.obj)  # the root command sets it before any other runs


def find_pipelines(folder: Path) -> Path:
    """Return the folder of specs; the default one is looked for here and above, as the state folder is."""
    if folder != SPECS:
        return folder
    return next(
        (above / SPECS for above in Path.cwd().parents if not SPECS.is_dir() and (above / SPECS).is_dir()), SPECS
    )


def find_spec(model: str, folder: Path) -> PipelineSpec:
    """Return the spec that declares a model, or that of a path."""
    if _is_path(model):
        return load_spec(Path(model))
    folder = find_pipelines(folder)
    spec = find_spec_in(folder, model) if folder.is_dir() else None
    if spec is not None:
        return spec
    known = list_models(folder) if folder.is_dir() else []
    raise NotFoundError(
        f"{folder} must hold a spec for {model[:80]!r}",
        got="no such model",
        fix=did_you_mean(model, known)
        if known
        else f"Make one with `retrain init {model[:80]}`, or name another folder with --pipelines.",
    )
