"""Expected calibration error: do events predicted with 70 % probability happen in 70 of 100 rows?

Rows are binned by the model's confidence p: with two classes the probability of the positive class, with more classes the
probability of the most likely class. With o = 1 if the prediction came true, else 0, and B the bins,

    ECE = sum over b in B of (n_b / n) * |mean_b(p) - mean_b(o)| = (1 / n) * sum over b of |sum_b(p - o)|.

Noise biases this sum of absolute values upwards, more so with fewer rows per bin: even a perfectly calibrated model has an error
above 0 on any sample. The interval of `retrain.core.stats.biased_statistic` accounts for that bias. A resample costs one matrix
product, because the sums of a bin add up over clusters.

Assumptions: the bins are made once, from all rows, and are treated as fixed. The result is the error of the binned confidence:
differences within a bin cancel, so it is a lower bound of the true error (Kumar et al. 2019, proposition 3.3). In 300 simulated
holdouts of 2,000 rows with a true error of 0.05 and 2.5 % nominal error per limit, the upper limit was below the true error in
3 to 7 % and the lower limit above it in 2 to 4 %.

References: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3; Kumar, Liang and Ma, Verified
Uncertainty Calibration, NeurIPS 2019; Bröcker, Estimating Reliability and Resolution of Probability Forecasts, Climate
Dynamics 39 (2012), on the bias.
"""

from __future__ import annotations

import numpy as np

from retrain.core.stats.biased_statistic import IntervalEstimate, bootstrap_biased_statistic
from retrain.core.stats.metrics.base import Floats, Ints
from retrain.core.stats.reliability import Strategy, assign_bins, pair_with_outcomes
from retrain.errors import DataError

__all__ = ["estimate_calibration_error"]


def estimate_calibration_error(
    y: Floats,
    scores: Floats,
    clusters: Ints,
    *,
    bins: int,
    strategy: Strategy,
    confidence: float,
    resamples: int,
    seed: int,
) -> IntervalEstimate:
    """Return the expected calibration error, between 0 and 1, with its interval.

    Args:
        y: (n,) class indices.
        scores: (n, classes) probabilities.
        clusters: (n,) the cluster number of each row, from 0.
        bins: Largest number of bins.
        strategy: Bins of equal row counts (``quantile``) or of equal width (``uniform``).
        confidence: Two-sided confidence level of the interval.
        resamples: Number of bootstrap resamples.
        seed: Seed of the bootstrap.

    Raises:
        DataError: A score is not a probability, only one class occurs, or there are too few clusters.

    >>> rng = np.random.default_rng(7)
    >>> p = rng.uniform(size=4000)
    >>> y, shifted = (rng.uniform(size=4000) < p).astype(float), np.clip(p + 0.1, 0, 1)
    >>> def error(p):
    ...     return estimate_calibration_error(y, np.column_stack([1 - p, p]), np.arange(4000), bins=10, strategy="quantile",
    ...                              confidence=0.95, resamples=500, seed=1)
    >>> for estimate in (error(p), error(shifted)):
    ...     print(f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]")
    0.015 [0.000, 0.025]
    0.090 [0.077, 0.102]
    """
    _check(y, scores)
    predicted, observed = pair_with_outcomes(y, scores)
    bin_numbers, cluster_count = assign_bins(predicted, bins, strategy), int(clusters.max()) + 1
    gaps = np.zeros((cluster_count, int(bin_numbers.max()) + 1))
    np.add.at(gaps, (clusters, bin_numbers), predicted - observed)
    rows = np.bincount(clusters, minlength=cluster_count)

    def error(counts: Ints) -> Floats:
        return np.asarray(np.abs(counts @ gaps).sum(axis=1) / (counts @ rows))

    return bootstrap_biased_statistic(error, clusters, confidence=confidence, resamples=resamples, seed=seed)


def _check(y: Floats, scores: Floats) -> None:
    if scores.ndim == 1:
        raise DataError("calibration needs a classification", got="a regression", fix="Remove the gate.")
    if len(np.unique(y)) < 2:
        raise DataError("calibration needs rows of two classes", got="fewer", fix="Widen the holdout.")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise DataError(
            "calibration needs probabilities", got="NaN or a number outside 0 to 1", fix="Fix the estimator."
        )
