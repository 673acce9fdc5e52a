"""Holm's step-down correction: keeps the chance of any false rejection among several tests at one level.

With the p-values in ascending order, the k-th smallest of m is compared with ``level / (m - k + 1)``; the procedure stops at the
first that is larger. The adjusted p-value is the running maximum of ``(m - k + 1) * p``, at most 1. The tests may depend on each
other in any way.

Reference: Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6 (1979) 65-70.

>>> adjust_p_values([0.01, 0.04, 0.03, 0.005])
[0.03, 0.06, 0.06, 0.02]
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["adjust_p_values"]


def adjust_p_values(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p-values in the given order; a test rejects if its adjusted p-value is at most the level."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
