"""The run that requested a retrain or an operation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from retrain.core.codec import JsonDataclass

__all__ = ["Origin", "OriginKind"]

_COMMAND: Final = "local"
"""What stands in place of a DAG in the text of a command."""


class OriginKind(StrEnum):
    """What can request a retrain."""

    DAG_RUN = "dag_run"
    COMMAND = "command"


@dataclass(frozen=True)
class Origin(JsonDataclass):
    """The run that requested a retrain or an operation; the same for each of its retries.

    Attributes:
        kind: A DAG run, or a command such as ``retrain run``.
        dag_id: The DAG; empty for a command.
        run_id: The run of that DAG; empty for a command.
        user: Who ran the command; empty for a DAG run.
    """

    kind: OriginKind
    dag_id: str = ""
    run_id: str = ""
    user: str = ""

    @classmethod
    def of_dag_run(cls, dag_id: str, run_id: str) -> Origin:
        """Return the origin of a DAG run's request."""
        return cls(OriginKind.DAG_RUN, dag_id=dag_id, run_id=run_id)

    @classmethod
    def of_command(cls, user: str) -> Origin:
        """Return the origin of a user's command."""
        return cls(OriginKind.COMMAND, user=user)

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Return the origin of a text that `str` wrote: in the ledger's table of requests, or in an earlier decision.

        Raises:
            ValueError: The text has another form.
        """
        first, slash, rest = text.partition("/")
        if not (first and slash and rest):
            raise ValueError("an origin must be written as <dag id>/<run id>")
        return cls.of_command(rest) if first == _COMMAND else cls.of_dag_run(first, rest)

    def __str__(self) -> str:
        """Return the text by which the ledger finds a request and from which the request's identity is made."""
        return f"{_COMMAND}/{self.user}" if self.kind is OriginKind.COMMAND else f"{self.dag_id}/{self.run_id}"
