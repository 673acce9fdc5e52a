"""What the platform sets: typed readings of the ``[retrain]`` section of Airflow's configuration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from retrain.errors import RetrainError

__all__ = [
    "LEDGER_CONNECTION",
    "MLFLOW_CONNECTION",
    "NOTE_KEY",
    "NOTE_WRITER",
    "SECTION",
    "airflow_url",
    "attempt_retention",
    "base_url",
    "heads_uri",
    "split_types",
    "store_uri",
    "trusted_types",
]

SECTION: Final = "retrain"
MLFLOW_CONNECTION: Final = "mlflow_default"
LEDGER_CONNECTION: Final = "retrain_ledger"
NOTE_KEY: Final = "retrain_note"
"""The XCom under which the gate leaves the note that its run should carry, as Markdown."""
NOTE_WRITER: Final = "QualityGateOperator"
"""The operator whose notes are shown; other tasks' values under `NOTE_KEY` are not."""
DEFAULT_STORE: Final = ".retrain/store"
DEFAULT_ATTEMPT_DAYS: Final = "400"
MOST_DAYS: Final = 100_000


def airflow_url() -> str:
    """Return the address of Airflow's pages, as links from elsewhere need it."""
    return base_url() or "http://localhost:8080"


def base_url() -> str:
    """Return the address that people's browsers have Airflow under; empty if it is not set."""
    return (_read("base_url", section="api") or "").rstrip("/")


def store_uri() -> str:
    """Return the base URI of snapshots and scores, such as ``s3://bucket/retrain``."""
    return _read("store") or DEFAULT_STORE


def heads_uri() -> str:
    """Return the URI of the folder that keeps heads of the ledger; empty if none is set."""
    return _read("heads") or ""


def attempt_retention() -> timedelta | None:
    """Return how long requests over the API stay in the log of attempts; None for ever.

    Raises:
        RetrainError: The setting is not a number of days.
    """
    days = _read("attempt_days") or DEFAULT_ATTEMPT_DAYS
    if not days.isascii() or not days.isdigit() or int(days) > MOST_DAYS:
        raise RetrainError(
            "the setting [retrain] attempt_days must be a number of days",
            got=repr(days[:20]),
            fix="Set it to 0 to keep all.",
        )
    return timedelta(days=int(days)) or None


def trusted_types() -> Sequence[str]:
    """Return the types that a stored model may hold beyond the built-in list."""
    return split_types(_read("trusted_types"))


def split_types(text: str | None) -> list[str]:
    """Return the names of a text with commas between them."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _read(key: str, section: str = SECTION) -> str | None:
    from airflow.sdk.configuration import conf

    value = conf.get(section, key, fallback=None)
    return str(value) if value else None
