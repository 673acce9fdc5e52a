"""How gates judge an interval: the clusters of dependent rows, and the comparison with a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from retrain.core.data.window import Period
from retrain.core.names import ColumnName
from retrain.core.policy.gates.base import Outcome
from retrain.core.policy.gates.reasons import append_note

if TYPE_CHECKING:
    from retrain.core.stats.intervals import Gain

__all__ = [
    "ClusterBy",
    "add_dependence",
    "cluster_columns",
    "compare_with_maximum",
    "compare_with_minimum",
    "describe_interval",
    "describe_method",
]

ClusterBy = Annotated[
    ColumnName | None,
    Field(
        description="Dependent rows: those with the same value of a column, or of the same hour, day, week or month."
    ),
]


def cluster_columns(cluster_by: str | None) -> tuple[str, ...]:
    """Return the column that clusters; empty if rows are independent or clustered by a period."""
    return () if cluster_by is None or cluster_by in {*Period} else (cluster_by,)


def compare_with_minimum(low: float, high: float, minimum: float) -> tuple[Outcome, str]:
    """Return the outcome if an interval must lie above a bound, with the verb that says so."""
    if low > minimum:
        return Outcome.PASS, "is above"
    if high < minimum:
        return Outcome.FAIL, "is below"
    return Outcome.INCONCLUSIVE, "includes"


def compare_with_maximum(low: float, high: float, maximum: float) -> tuple[Outcome, str]:
    """Return the outcome if an interval must not exceed a bound, with the verb that says so."""
    if high <= maximum:
        return Outcome.PASS, "is within"
    if low > maximum:
        return Outcome.FAIL, "is above"
    return Outcome.INCONCLUSIVE, "includes"


def describe_interval(value: float, low: float, high: float, confidence: float, *, sign: bool = False) -> str:
    """Return a value with its interval: ``+0.0288, 95 % interval [-0.0129, +0.0705]``."""
    number = "+.4f" if sign else ".4f"
    return f"{value:{number}}, {100 * confidence:.4g} % interval [{low:{number}}, {high:{number}}]"


def describe_method(gain: Gain) -> str:
    """Return the method of a gain's interval, with the blocks if periods were joined: ``jackknife over 4 blocks``."""
    return gain.method if gain.blocks is None else f"{gain.method} over {gain.blocks} blocks"


def add_dependence(reason: str, gain: Gain, cluster_by: str | None) -> str:
    """Return a reason that also says that periods were joined to blocks; unchanged if they were not.

    It adds ``days hang together (autocorrelation 0.45), so they were joined into 4 blocks of 7``.
    """
    if gain.blocks is None:
        return reason
    shortest, rest = divmod(gain.clusters, gain.blocks)
    size = f"{shortest} or {shortest + 1}" if rest else f"{shortest}"
    joined = f"they were joined into {gain.blocks} blocks of {size}"
    return append_note(reason, f"{cluster_by}s hang together (autocorrelation {gain.autocorrelation:.2f}), so {joined}")
