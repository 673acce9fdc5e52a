"""Break-glass: a champion without a decision, for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from retrain.core.data.durations import parse_duration
from retrain.operators.champion import ModelOperator

if TYPE_CHECKING:
    from retrain.core.resources import Resources

__all__ = ["ForceChampionOperator"]


class ForceChampionOperator(ModelOperator):
    """Makes any version of a model champion until it expires; the reconciler then reverts it.

    Args:
        version: The version's number.
        expires: How long it may stay, such as ``7d``.

    Returns (XCom): ``version``, ``generation``, ``expires_at``.
    """

    template_fields: Sequence[str] = (*ModelOperator.template_fields, "version", "expires")

    def __init__(self, *, version: str | int, expires: str = "7d", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version = version
        self.expires = expires

    def operate(self, resources: Resources) -> dict[str, Any]:
        """Make the version champion."""
        from retrain.steps import force_champion

        if not str(self.version).isascii() or not str(self.version).isdigit():
            raise AirflowFailException(f"version must be a number; got {str(self.version)[:80]!r}.")
        try:
            lifetime: timedelta = parse_duration(self.expires)
        except ValueError as error:
            raise AirflowFailException(f"expires: {error}") from None
        entry = force_champion(int(str(self.version)), self.operation(), resources, lifetime=lifetime)
        self.log.info("Version %d of %s is champion until %s", entry.version, entry.model, entry.expires_at)
        return {
            "version": entry.version,
            "generation": entry.generation,
            "expires_at": entry.expires_at.isoformat() if entry.expires_at else "",
        }
