"""Rates versions by a Kalman filter over all windows of a timeline.

In window k each version j has the metric

    m[j, k] = w[k] - kappa * age[j, k] + u[j, k] + e[j, k]

w[k] is how hard the window is, for all versions alike, so only contrasts between versions are used. kappa ~ N(0, sigma**2) is how
much a version loses per period of its age, and is learnt: in a pipeline that ages the newcomer starts ahead, in a still one it must
prove itself. u[j, k] is the version's own quality: N(0, tau**2) when it is made, and a random walk with the variance omega**2 per
period afterwards. e[., k] is the window's luck, whose covariance `noise` estimates.

Two surprises are possible in every window, each with the probability 1 %: a *break*, after which all versions made before are worse
or better by one amount of about 10 errors, and an *odd* newcomer, which differs from what versions of this pipeline usually are by
that much. Without them one break would teach the filter that versions always differ by 20 errors. The three cases of a window are
merged into one normal distribution with their mean and covariance (a generalised pseudo-Bayes filter of first order).

tau, omega and sigma are not chosen: the filter runs for each setting of a grid, in units of the error of one comparison, and weighs
the settings by the likelihood of all windows. Small values are three times as likely before any window as each other one: that a
version differs has to be seen.

References: Henderson, Best linear unbiased estimation and prediction under a selection model, Biometrics 31 (1975) 423-447;
Glickman, Parameter estimation in large dynamic paired comparison experiments, JRSS C 48 (1999) 377-394; Bar-Shalom, Li and
Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), section 11.6, for the merged cases.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from retrain.core.ratings.expected_gain import ExpectedGain
from retrain.core.ratings.measurement import Measurement
from retrain.core.ratings.noise import Dependence, estimate_noise, make_contrasts
from retrain.core.stats.metrics.base import Floats

__all__ = ["RatedVersion", "Rating", "order_windows", "rate_versions", "start_rating"]

_TAU: Final = (0.0, 0.2, 0.6, 2.0, 6.0)
_OMEGA: Final = (0.0, 0.1, 0.3, 1.0)
_SIGMA: Final = (0.0, 0.1, 0.3, 1.0, 3.0)
_FAVOUR_FOR_NONE: Final = 3.0
_SURPRISE: Final = 0.01
_SURPRISE_SIZE: Final = 10.0
_ROUNDING: Final = 1e-9
_DAY: Final = timedelta(days=1)
_DRAWS: Final = 10_000
_SEED: Final = 20_240_101


def _weigh(values: Sequence[float]) -> Floats:
    weights = np.ones(len(values))
    weights[0] = _FAVOUR_FOR_NONE
    return np.asarray(weights / weights.sum())


_GRID: Final = np.array(list(itertools.product(_TAU, _OMEGA, _SIGMA)))
_PRIOR: Final = np.log(np.array([math.prod(each) for each in itertools.product(*map(_weigh, (_TAU, _OMEGA, _SIGMA)))]))


@dataclass(frozen=True)
class RatedVersion:
    """How good one version is from now on, by all windows so far.

    Attributes:
        version: Its number in the registry.
        as_of: The as-of of the retrain that made it.
        gain: The expected gain over the champion, in units of the metric; 0 for the champion itself.
        interval: The bounds that the true gain is below, and above, with a probability of 2.5 % each.
        chance_best: The probability that no other rated version is better.
    """

    version: int
    as_of: datetime
    gain: float
    interval: tuple[float, float]
    chance_best: float


class Rating:
    """The state of the filter after some windows; `observe` takes the next one.

    The state of each setting is (kappa, u of each version).

    Attributes:
        greater_is_better: Whether a greater value of the metric is better.
        period: The time between two retrains, in which ages count.
        error: The standard error of one comparison of two versions in one window, in units of the metric; 0 before the first.
        windows: How many windows were observed.
        versions: The versions that are rated, in the order of the state.
    """

    def __init__(self, *, greater_is_better: bool, period: timedelta, unit: float = 0.0) -> None:
        self.greater_is_better, self.period = greater_is_better, period
        self.error, self.windows = 0.0, 0
        self.versions: list[int] = []
        self._made: dict[int, datetime] = {}
        self._clusters = 0
        self._unit = unit
        self._squares: list[float] = []
        self._last: datetime | None = None
        self._dependence = Dependence()
        self._log_weights = _PRIOR
        self._means: Floats = np.zeros((len(_GRID), 1))
        self._covariances: Floats = ((_GRID[:, 2] * unit) ** 2)[:, None, None]

    @property
    def autocorrelation(self) -> float:
        """The lag-1 autocorrelation between neighbouring clusters, over all windows; 0 if it is negative or unknown."""
        return self._dependence.autocorrelation

    def observe(self, measurement: Measurement) -> None:
        """Take one window; versions that it does not measure leave the rating.

        A window in which all versions score the same in every cluster says nothing, and is passed over. So is one with numbers
        that are too large to square.
        """
        centred = _find_luck(measurement)
        if centred is None:
            return
        scores = measurement.scores
        sign = 1.0 if self.greater_is_better else -1.0
        contrasts = make_contrasts(len(scores))
        if measurement.ordered:
            self._dependence = self._dependence.add_window(centred)
        noise = estimate_noise(centred, self._dependence.inflate(measurement.clusters))
        self._measure_error(noise)
        newcomers = self._enter(measurement)
        matrix = contrasts @ self._design(measurement)
        values = contrasts @ (sign * np.array([score.value for score in scores]))
        # Two versions with equal scores have a difference without any noise; a variance of 0 cannot be inverted.
        noise = noise + np.eye(len(noise)) * _ROUNDING * self._unit**2
        self._update(matrix, values, noise, newcomers)
        self._clusters, self._last = measurement.clusters, measurement.as_of
        self.windows += 1

    def gain(self, challenger: int, champion: int) -> ExpectedGain:
        """Return the gain of one rated version over another, from now on."""
        direction = np.zeros(self._means.shape[1])
        direction[1 + self.versions.index(challenger)] += 1
        direction[1 + self.versions.index(champion)] -= 1
        direction[0] = (self._made[challenger] - self._made[champion]) / self.period
        variances = np.einsum("i,hij,j->h", direction, self._covariances, direction)
        return ExpectedGain(
            self._means @ direction, np.sqrt(np.maximum(variances, 0.0)), self._weights, self._clusters - 1
        )

    def ageing(self, time: timedelta) -> ExpectedGain:
        """Return how much better a version is that is younger by `time`, all else equal."""
        periods = time / self.period
        deviations = np.sqrt(np.maximum(self._covariances[:, 0, 0], 0.0)) * periods
        return ExpectedGain(self._means[:, 0] * periods, deviations, self._weights, max(self._clusters - 1, 1))

    def describe_versions(self, champion: int) -> list[RatedVersion]:
        """Return every rated version against the champion, the oldest as-of first.

        Raises:
            ValueError: The champion is not rated.
        """
        gains = {version: self.gain(version, champion) for version in self.versions}
        chances = self._find_chances_of_best()
        rated = [
            RatedVersion(version, self._made[version], gain.mean, gain.interval(), chance)
            for (version, gain), chance in zip(gains.items(), chances, strict=True)
        ]
        return sorted(rated, key=lambda each: (each.as_of, each.version))

    def _find_chances_of_best(self) -> list[float]:
        """Return the probability of each version to be the best: its share of 10,000 seeded draws.

        All versions are drawn jointly from the mixture of Student's t of which `gain` gives the differences. Its standard error is
        at most 0.005. Versions that are equal in a draw share it.
        """
        random = np.random.default_rng(_SEED)
        count, degrees_of_freedom = len(self.versions), self._clusters - 1
        first = self._made[self.versions[0]]
        directions = np.eye(count, 1 + count, k=1)
        directions[:, 0] = [(self._made[version] - first) / self.period for version in self.versions]
        shares = np.zeros(count)
        draws = random.multinomial(_DRAWS, self._weights)
        for setting in np.flatnonzero(draws):
            values, vectors = np.linalg.eigh(directions @ self._covariances[setting] @ directions.T)
            root = vectors * np.sqrt(np.maximum(values, 0.0))
            spread = np.sqrt(degrees_of_freedom / random.chisquare(degrees_of_freedom, (draws[setting], 1)))
            luck = random.standard_normal((draws[setting], count)) @ root.T * spread
            qualities = directions @ self._means[setting] + luck
            best = qualities >= qualities.max(axis=1, keepdims=True) - _ROUNDING * self._unit
            shares += (best / best.sum(axis=1, keepdims=True)).sum(axis=0)
        return [float(share) for share in shares / _DRAWS]

    @property
    def _weights(self) -> Floats:
        weights = np.exp(self._log_weights - self._log_weights.max())
        return np.asarray(weights / weights.sum())

    def _measure_error(self, noise: Floats) -> None:
        self._squares.append(2 * float(np.trace(noise)) / len(noise))
        self.error = math.sqrt(float(np.median(self._squares)))
        if not self._unit:
            self._unit = self.error
            self._covariances[:, 0, 0] = (_GRID[:, 2] * self._unit) ** 2

    def _enter(self, measurement: Measurement) -> list[int]:
        """Let qualities drift, drop versions without a score, add those that are new; return the states of the newcomers."""
        count = len(self.versions)
        if count:
            known = np.arange(1, count + 1)
            periods = (measurement.as_of - (self._last or measurement.as_of)) / self.period
            self._covariances[:, known, known] += (max(periods, 0.0) * (_GRID[:, 1] * self._unit) ** 2)[:, None]
        measured = {score.version: score.as_of for score in measurement.scores}
        # A registry that was deleted numbers its versions from 1 again: the same number is then another version.
        same = {version for version, as_of in self._made.items() if measured.get(version) == as_of}
        kept = [0, *(1 + index for index, version in enumerate(self.versions) if version in same)]
        self._means, self._covariances = self._means[:, kept], self._covariances[:, kept][:, :, kept]
        self.versions = [version for version in self.versions if version in same]
        new = [version for version in measured if version not in self.versions]
        size = len(kept) + len(new)
        means, covariances = np.zeros((len(_GRID), size)), np.zeros((len(_GRID), size, size))
        means[:, : len(kept)], covariances[:, : len(kept), : len(kept)] = self._means, self._covariances
        states = list(range(len(kept), size))
        covariances[:, states, states] = ((_GRID[:, 0] * self._unit) ** 2)[:, None]
        self._means, self._covariances = means, covariances
        self.versions += new
        self._made = {version: measured[version] for version in self.versions}
        return [state for state, version in zip(states, new, strict=True) if measured[version] == measurement.as_of]

    def _design(self, measurement: Measurement) -> Floats:
        """Return the (versions, states) matrix of what each measured metric is made of."""
        matrix = np.zeros((len(measurement.scores), 1 + len(self.versions)))
        for row, score in enumerate(measurement.scores):
            matrix[row, 0] = -((measurement.as_of - score.as_of) / self.period)
            matrix[row, 1 + self.versions.index(score.version)] = 1
        return matrix

    def _update(self, matrix: Floats, values: Floats, noise: Floats, newcomers: list[int]) -> None:
        """Take the contrasts of one window, under each of the cases that it may be."""
        cases = [_condition(self._means, covariances, matrix, values, noise) for covariances in self._cases(newcomers)]
        chances = np.array([1 - _SURPRISE * (len(cases) - 1), *([_SURPRISE] * (len(cases) - 1))])
        joint = np.log(chances)[:, None] + np.array([case.log_likelihood for case in cases])
        total = np.logaddexp.reduce(joint, axis=0)
        shares = np.exp(joint - total)
        means = np.sum([share[:, None] * case.means for share, case in zip(shares, cases, strict=True)], axis=0)
        covariances = np.zeros_like(self._covariances)
        for share, case in zip(shares, cases, strict=True):
            shift = case.means - means
            covariances += share[:, None, None] * (case.covariances + shift[:, :, None] * shift[:, None, :])
        self._means, self._covariances, self._log_weights = means, covariances, self._log_weights + total

    def _cases(self, newcomers: list[int]) -> Iterable[Floats]:
        """Yield the covariances before the window: as usual, after a break, and with odd newcomers."""
        yield self._covariances
        variance = (_SURPRISE_SIZE * self._unit) ** 2
        earlier = [state for state in range(1, 1 + len(self.versions)) if state not in newcomers]
        if not newcomers or not earlier:
            return
        broken = self._covariances.copy()
        broken[np.ix_(range(len(broken)), earlier, earlier)] += variance
        yield broken
        odd = self._covariances.copy()
        odd[:, newcomers, newcomers] += variance
        yield odd


@dataclass(frozen=True)
class _Case:
    """The state after a window under one case, per setting, and the log-likelihood of the window."""

    log_likelihood: Floats
    means: Floats
    covariances: Floats


def _condition(means: Floats, covariances: Floats, matrix: Floats, values: Floats, noise: Floats) -> _Case:
    """Return the state after the contrasts were seen: one Kalman update for every setting, without the constant of the density."""
    transposed = covariances @ matrix.T
    root = np.linalg.cholesky(matrix @ transposed + noise)
    surprise = np.linalg.solve(root, (values - means @ matrix.T)[:, :, None])
    gain = np.linalg.solve(root, transposed.transpose(0, 2, 1))
    back = gain.transpose(0, 2, 1)
    log_determinant = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    likelihood = -log_determinant - 0.5 * (surprise[:, :, 0] ** 2).sum(axis=1)
    return _Case(likelihood, means + (back @ surprise)[:, :, 0], covariances - back @ gain)


def _find_luck(measurement: Measurement) -> Floats | None:
    """Return (clusters, contrasts) pseudo-values around their means; None if the window does not tell versions apart."""
    if not measurement.tells:
        return None
    pseudo_values = measurement.pseudo_values()
    centred = (pseudo_values - pseudo_values.mean(axis=0)) @ make_contrasts(len(measurement.scores)).T
    with np.errstate(over="ignore", invalid="ignore"):
        power = float(np.mean(centred**2))
    rounding = _ROUNDING * float(np.abs(pseudo_values).max())
    return centred if math.isfinite(power) and power > rounding**2 else None


def order_windows(measurements: Sequence[Measurement]) -> list[Measurement]:
    """Return the windows that tell versions apart, the oldest as-of first, without rows that an earlier one has.

    Of several measurements of one as-of the last counts, because it has all versions of the earlier ones, too.
    """
    by_as_of = {measurement.as_of: measurement for measurement in measurements if measurement.tells}
    ordered: list[Measurement] = []
    for as_of in sorted(by_as_of):
        if not ordered or by_as_of[as_of].start >= ordered[-1].end:
            ordered.append(by_as_of[as_of])
    return ordered


def start_rating(measurements: Sequence[Measurement], *, greater_is_better: bool) -> Rating:
    """Return a rating before its first window.

    Ages count in the median time between the as-ofs of all versions. The unit of the grid is the median over all windows of the
    error of one comparison, so that two nearly equal first versions do not make it tiny.
    """
    made = sorted({score.as_of for measurement in measurements for score in measurement.scores})
    gaps = [(later - earlier) / _DAY for earlier, later in itertools.pairwise(made)]
    period = timedelta(days=float(np.median(gaps))) if gaps else _DAY
    found = [(each, luck) for each in order_windows(measurements) if (luck := _find_luck(each)) is not None]
    dependence = Dependence()
    for each, luck in found:
        dependence = dependence.add_window(luck) if each.ordered else dependence
    errors = []
    for each, luck in found:
        inflation = dependence.inflate(each.clusters)
        errors.append(math.sqrt(2 * float(np.mean(luck**2)) * inflation / (each.clusters - inflation)))
    unit = float(np.median(errors)) if errors else 0.0
    return Rating(greater_is_better=greater_is_better, period=period, unit=unit)


def rate_versions(measurements: Sequence[Measurement], *, greater_is_better: bool) -> Rating:
    """Return the rating after some windows, in the order of their as-of."""
    rating = start_rating(measurements, greater_is_better=greater_is_better)
    for measurement in order_windows(measurements):
        rating.observe(measurement)
    return rating
