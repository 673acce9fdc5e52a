"""Sentences that several gates give in their reasons: why a verdict is inconclusive and what to do next, or what did not count."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from retrain.core.policy.evidence import Evidence

__all__ = [
    "FEASIBLE",
    "LONGEST_WAIT",
    "append_note",
    "explain_few_rows",
    "explain_no_profile",
    "explain_undefined",
    "mention_absent_classes",
]

FEASIBLE: Final = 20
"""Waiting for more rows is suggested up to this multiple of the holdout's rows."""
LONGEST_WAIT: Final = timedelta(days=3 * 365)
"""Waiting for more rows is suggested up to this time."""
_OF_CLASSES_WITH_ROWS: Final = frozenset({"balanced_accuracy", "roc_auc"})
"""The metrics that average over the classes that have rows."""
_DEFINED_IF: Final = {
    "poisson_deviance": "no label is below 0 and every prediction is above 0",
    "gamma_deviance": "every label and every prediction is above 0",
}


def explain_few_rows(part: str, rows: int, min_rows: int) -> str:
    """Return why a part of the window, such as the holdout, has too few rows to judge."""
    return f"{part} has {rows:,} rows and min_rows is {min_rows:,}; widen the window or lower min_rows"


def explain_no_profile() -> str:
    """Return why a gate that reads the profile of the window cannot judge."""
    return "this scorecard has no profile of the window; run the retrain again with this gate in its spec"


def explain_undefined(metric: str, model: str = "the challenger") -> str:
    """Return why a metric of a model cannot be judged."""
    needs = _DEFINED_IF.get(metric, "the holdout has rows of more than one class")
    return f"the {metric} of {model} is not defined on this holdout; check that {needs}"


def mention_absent_classes(reason: str, evidence: Evidence, metric: str) -> str:
    """Return a reason that also says how many classes did not count for want of rows; unchanged if the metric counts all."""
    absent = evidence.classes_without_rows
    if not absent or metric not in _OF_CLASSES_WITH_ROWS:
        return reason
    return append_note(
        reason,
        f"{absent} class has no row in this holdout and does not count"
        if absent == 1
        else f"{absent} classes have no row in this holdout and do not count",
    )


def append_note(reason: str, note: str) -> str:
    """Return a reason with one more fact, as a sentence of its own after a full stop."""
    return f"{reason} {note[0].upper()}{note[1:]}." if reason.endswith(".") else f"{reason}; {note}"
