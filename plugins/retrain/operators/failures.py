"""Errors as Airflow's logs may hold them: a library's message can quote a row, so only its class and its place are kept."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from retrain.errors import OutageError, RetrainError

if TYPE_CHECKING:
    from airflow.sdk.types import Logger

__all__ = ["to_airflow_error"]


def to_airflow_error(error: Exception, log: Logger) -> AirflowException:
    """Return what a task raises in place of an error, always ``from None``: the message and the cause of `error` stay out.

    An outage and an unknown error are retried; any other error of retrain is permanent.

    Args:
        error: What a step raised. Messages of `RetrainError` hold no row values and are kept.
        log: Gets the places in the code that an unknown error came through.
    """
    if isinstance(error, OutageError):
        return AirflowException(str(error))
    if isinstance(error, RetrainError):
        return AirflowFailException(str(error))
    name = type(error).__name__
    places = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    log.error("%s, raised through these calls (its message may quote data, and is left out):\n%s", name, places)
    return AirflowException(
        f"The step failed by {name}. Its message may quote data, and is left out; the log shows the calls."
    )
