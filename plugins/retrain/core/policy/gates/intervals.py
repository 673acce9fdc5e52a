"""What gates that judge an interval share: rows that share luck, and where the interval lies."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from retrain.core.data.window import Period
from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Outcome

__all__ = ["ClusterBy", "cluster_columns", "place_over", "place_within"]

ClusterBy = Annotated[
    ColumnName | None,
    Field(description="A column, or hour, day, week, month of the event time: rows that share luck."),
]


def cluster_columns(cluster_by: str | None) -> tuple[str, ...]:
    """Return the column that clusters; none where rows stand for themselves or share a period."""
    return () if cluster_by is None or cluster_by in {*Period} else (cluster_by,)


def place_over(low: float, high: float, bound: float) -> tuple[Outcome, str]:
    """Return whether an interval lies over a bound, with the words for it."""
    if low > bound:
        return Outcome.PASS, "lies over"
    if high < bound:
        return Outcome.FAIL, "lies under"
    return Outcome.INCONCLUSIVE, "does not settle"


def place_within(low: float, high: float, most: float) -> tuple[Outcome, str]:
    """Return whether an interval lies at a bound or under it, with the words for it."""
    if high <= most:
        return Outcome.PASS, "is within"
    if low > most:
        return Outcome.FAIL, "is over"
    return Outcome.INCONCLUSIVE, "does not settle"
