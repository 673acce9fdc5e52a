"""The error of a measurement: how the luck of its clusters moves the differences between versions.

Only differences count, since a hard month is hard for all versions. With C an orthonormal basis of contrasts (Helmert), z the
jackknife pseudo-values of G clusters in that basis, and S their empirical covariance around 0, the covariance of the measured
contrasts is ``f S / (G - f)``. f is by what the dependence of the clusters multiplies the variance of their mean: days that hang
together make the mean of G days less certain than G independent ones, and they vary less around their own mean.

The lag-1 autocorrelation r of the days is measured on all contrasts, corrected for its bias (Marriott and Pope: an estimate from G
days is too small by about (1 + 4 r) / G), and pooled over all windows so far. For a first-order process
``f = 1 + 2 sum((1 - k / G) r ** k)``. Why not blocks, as for a single comparison? Four blocks give a covariance of rank 3. Pooling
over versions and windows makes r exact enough to use.

Two dozen versions and four weeks of days leave hardly more clusters than contrasts, so S is shrunk towards equal variances. Ledoit
and Wolf's rule gives the strength for independent rows; dependent ones are worth G / f of them, so it is multiplied by f.

References: Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices, Journal of Multivariate
Analysis 88 (2004) 365-411; Marriott and Pope, Bias in the estimation of autocorrelations, Biometrika 41 (1954) 390-402;
Bartlett, On the theoretical specification of the sampling properties of autocorrelated time series, JRSS Supplement 8 (1946) 27-41.

>>> contrasts = make_contrasts(3)
>>> np.allclose(contrasts @ contrasts.T, np.eye(2)), np.allclose(contrasts.sum(axis=1), 0)
(True, True)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import helmert
from sklearn.covariance import empirical_covariance, ledoit_wolf_shrinkage, shrunk_covariance

from retrain.core.stats.metrics.base import Floats

__all__ = ["Dependence", "estimate_noise", "make_contrasts"]

_FEWEST_DAYS: Final = 7
"""Fewer days in a window say nothing about their dependence."""
_STRONGEST: Final = 0.95


def make_contrasts(count: int) -> Floats:
    """Return (count - 1, count) orthonormal contrasts, each orthogonal to a change that is equal for all."""
    return np.asarray(helmert(count))


@dataclass(frozen=True)
class Dependence:
    """The lag-1 autocorrelation of the clusters, pooled over windows.

    Attributes:
        total: The sum of each window's autocorrelation times its clusters.
        clusters: The clusters of all windows.
    """

    total: float = 0.0
    clusters: int = 0

    @property
    def autocorrelation(self) -> float:
        """The pooled autocorrelation; 0 if it is negative or unknown."""
        return min(max(self.total / self.clusters, 0.0), _STRONGEST) if self.clusters else 0.0

    def add_window(self, pseudo_values: Floats) -> Dependence:
        """Return the dependence with one more window.

        Args:
            pseudo_values: (clusters, contrasts) in the order of time, each column with mean 0.
        """
        count = len(pseudo_values)
        power = float(np.sum(pseudo_values**2))
        if count < _FEWEST_DAYS or not power:
            return self
        measured = float(np.sum(pseudo_values[1:] * pseudo_values[:-1])) / power
        corrected = (count * measured + 1) / (count - 4)
        return Dependence(self.total + count * corrected, self.clusters + count)

    def inflate(self, count: int) -> float:
        """Return by what the dependence multiplies the variance of a mean of `count` clusters."""
        lags = np.arange(1, count)
        return float(1 + 2 * np.sum((1 - lags / count) * self.autocorrelation**lags))


def estimate_noise(pseudo_values: Floats, inflation: float) -> Floats:
    """Return the (contrasts, contrasts) covariance of the mean of the clusters.

    Args:
        pseudo_values: (clusters, contrasts), each column with mean 0.
        inflation: By what the dependence of the clusters multiplies the variance of their mean.
    """
    count = len(pseudo_values)
    shrinkage = min(1.0, inflation * ledoit_wolf_shrinkage(pseudo_values, assume_centered=True))
    covariance = shrunk_covariance(empirical_covariance(pseudo_values, assume_centered=True), shrinkage)
    return np.asarray(covariance) * inflation / (count - inflation)
