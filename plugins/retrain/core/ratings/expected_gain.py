"""The gain of one version over another as a rating knows it: a mixture over all it is unsure of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root_scalar
from scipy.special import stdtr

from retrain.core.stats.metrics.base import Floats

__all__ = ["ExpectedGain"]


_SMALLEST_LEVEL: Final = 1e-12


@dataclass(frozen=True)
class ExpectedGain:
    """The distribution of a true gain, given every window so far: a weighted mixture of Student's t.

    Its mean is shrunk towards what this pipeline's versions usually differ by, so it does not flatter the one that looked best.

    Attributes:
        means: (h,) the expected gain under each setting of the model, in units of the metric; positive is better.
        deviations: (h,) its standard deviation.
        weights: (h,) how credible each setting is; they add up to 1.
        degrees_of_freedom: Of the window's own standard error.
    """

    means: Floats
    deviations: Floats
    weights: Floats
    degrees_of_freedom: int

    @property
    def mean(self) -> float:
        """The expected gain."""
        return float(self.weights @ self.means)

    @property
    def deviation(self) -> float:
        """The standard deviation of the gain."""
        return float(np.sqrt(self.weights @ (self.deviations**2 + (self.means - self.mean) ** 2)))

    def probability_below(self, bound: float) -> float:
        """Return the probability that the true gain is below a bound; a gain that is certain may equal it."""
        return self._mass_below(bound, self.means < bound)

    def probability_above(self, bound: float) -> float:
        """Return the probability that the true gain is above a bound; a gain that is certain may equal it."""
        return 1 - self._mass_below(bound, self.means <= bound)

    def _mass_below(self, bound: float, certain: NDArray[np.bool_]) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = (bound - self.means) / self.deviations
        below = np.where(self.deviations > 0, stdtr(self.degrees_of_freedom, distance), certain)
        return min(float(self.weights @ below), 1.0)

    def interval(self, level: float = 0.025) -> tuple[float, float]:
        """Return the bounds that the true gain is below, and above, with the probability `level` each, but at least 1e-12."""
        level = max(level, _SMALLEST_LEVEL)
        low, high = self._quantile(level), self._quantile(1 - level)
        return low, high

    def _quantile(self, probability: float) -> float:
        if not self.deviation:
            return self.mean
        reach = 8 * self.deviation
        while (
            self.probability_below(self.mean - reach) >= probability
            or self.probability_below(self.mean + reach) <= probability
        ):
            reach *= 2
        bracket = (self.mean - reach, self.mean + reach)
        root = root_scalar(lambda bound: self.probability_below(bound) - probability, bracket=bracket).root
        return float(root)
