"""The evidence that gates judge: a scorecard and its per-row scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrain.core.evaluation.scorecard import Scorecard, SliceScore
from retrain.core.evaluation.scores import Opponent, Scores
from retrain.core.policy.error_control import Allotment
from retrain.core.ratings import ExpectedGain, Measurement, Rating, rate_versions
from retrain.core.ratings.measurement import FEWEST_CLUSTERS
from retrain.core.stats.calibration import CalibrationError, estimate_calibration_error
from retrain.core.stats.fairness import GroupDifference, find_largest_difference
from retrain.core.stats.groups import Groups, GroupValue, compute_group_values, split_groups
from retrain.core.stats.interval_names import IntervalName
from retrain.core.stats.intervals import Gain, NoVariationError, PairedScores, estimate_paired_gain
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.core.stats.metrics import METRICS
from retrain.core.stats.metrics.base import Ints
from retrain.core.stats.reliability import Strategy
from retrain.core.stats.tail import TailIncrease, estimate_tail_increase
from retrain.errors import DataError

__all__ = ["Evidence"]


@dataclass(frozen=True)
class Evidence:
    """The scorecard of a retrain with its per-row scores.

    Attributes:
        allotment: The error level that error control grants the comparison with the champion; None without error control.
        past: What earlier retrains of the timeline measured, the oldest first.
    """

    scorecard: Scorecard
    scores: Scores
    allotment: Allotment | None = None
    past: tuple[Measurement, ...] = ()

    @property
    def opponent(self) -> Opponent | None:
        """What the challenger is compared with: the champion, the baseline for a first model, or None."""
        return self.scorecard.opponent if self.scores.opponent is not None else None

    @property
    def why_no_opponent(self) -> str:
        """Why there is no opponent."""
        return self.scorecard.why_no_opponent or "no champion or baseline was scored; clear the task evaluate"

    @property
    def why_no_level(self) -> str:
        """Why error control grants this test no error level; empty if it grants one."""
        return self.allotment.why_none if self.allotment else ""

    def challenger_metric(self, metric: str) -> float:
        """Return a metric of the challenger; NaN if it is missing."""
        return self.scorecard.challenger_metrics.get(metric, math.nan)

    def opponent_metric(self, metric: str) -> float:
        """Return a metric of the opponent; NaN if it is missing."""
        return self.scorecard.opponent_metrics.get(metric, math.nan)

    @property
    def classes_without_rows(self) -> int:
        """How many of more than two classes have no holdout row; 0 for two classes, of which both are needed."""
        classes = 0 if self.scores.challenger.ndim == 1 else self.scores.challenger.shape[1]
        return classes - len(np.unique(self.scores.y)) if classes > 2 else 0

    def slice_scores(self) -> tuple[SliceScore, ...]:
        """Return the scores of every slice."""
        return self.scorecard.slices

    def paired_gain(
        self, metric: str, cluster_by: str | None, level: float, *, method: IntervalName = "auto", resamples: int = 2000
    ) -> Gain:
        """Return the gain over the opponent with its interval; the same evidence gives the same numbers.

        Args:
            level: One-sided error level of either bound.

        Raises:
            DataError: The cluster column is unknown, there are too few clusters, or the method does not fit the scores.
            ValueError: There is no opponent; check `opponent` first.
        """
        pairs = self._pairs(metric, cluster_by, self.scores.clusters(cluster_by), slice(None))
        return estimate_paired_gain(pairs, level=level, method=method, resamples=resamples, seed=self._seed)

    def slice_gains(
        self, slices: Sequence[SliceScore], metric: str, cluster_by: str | None, level: float
    ) -> list[Gain | None]:
        """Return the gain over the opponent on the rows of each slice; None for a slice without an interval.

        A gain that is equal in every cluster of a slice has an interval of width 0 here: a slice in which every row got worse must
        not count as one that cannot be tested.

        Raises:
            DataError: The cluster column is unknown.
            ValueError: There is no opponent; check `opponent` first.
        """
        clusters = self.scores.clusters(cluster_by)
        values = {score.column: self.scores.columns[score.column].astype(str) for score in slices}

        def gain_of(score: SliceScore) -> Gain | None:
            try:
                gain = estimate_paired_gain(
                    self._pairs(metric, cluster_by, clusters, values[score.column] == score.value), level=level
                )
            except NoVariationError as error:
                return error.gain
            except DataError:
                return None
            return gain if math.isfinite(gain.standard_error) else None

        return [gain_of(score) for score in slices]

    def _pairs(
        self, metric: str, cluster_by: str | None, clusters: Ints, rows: slice | NDArray[np.bool_]
    ) -> PairedScores:
        scores = self.scores
        if scores.opponent is None:
            raise ValueError(self.why_no_opponent)
        cluster_numbers = np.unique(clusters[rows], return_inverse=True)[1]
        sides = scores.y[rows], scores.challenger[rows], scores.opponent[rows]
        return PairedScores(
            METRICS[metric],
            *sides,
            cluster_numbers,
            greater_is_better=GREATER_IS_BETTER[metric],
            ordered=scores.in_time_order(cluster_by),
        )

    def rate_versions(self, metric: str, cluster_by: str | None) -> Rating:
        """Return the rating of the last versions, over all windows up to this one.

        Raises:
            DataError: This retrain measured no versions by this metric and these clusters, or the numbers cannot be rated.
        """
        own = self._measurement(metric, cluster_by)
        past = [each for each in self.past if each.rated_by == own.rated_by]
        try:
            return rate_versions([*past, own], greater_is_better=GREATER_IS_BETTER[metric])
        except (np.linalg.LinAlgError, ValueError, OverflowError) as error:
            raise DataError(
                f"versions must differ in {metric} by numbers that can be rated",
                got=type(error).__name__,
                fix="Look at the measurements of the last scorecards; judge by another metric.",
            ) from error

    def expected_gain(self, rating: Rating, metric: str, cluster_by: str | None) -> ExpectedGain:
        """Return the gain of the challenger over the champion by a rating.

        Raises:
            DataError: One of the two is not rated, or the fresh rows have too few clusters.
            ValueError: There is no champion; check `opponent` first.
        """
        if self.scorecard.champion is None:
            raise ValueError(self.why_no_opponent)
        own, champion = self._measurement(metric, cluster_by), self.scorecard.champion.version
        if own.challenger == champion:
            raise DataError(
                "a challenger must be another version than the champion",
                got=f"version {champion}",
                fix="Retrain with a nonce to make another one.",
            )
        unscored = dict(own.unscored)
        for version, role in ((champion, "champion"), (own.challenger, "challenger")):
            if version in unscored:
                raise DataError(
                    f"the {role} must have a measured {metric} on the fresh rows",
                    got=unscored[version],
                    fix="Retrain when there are more rows, or judge by a metric that they define.",
                )
        if own.clusters < FEWEST_CLUSTERS:
            raise DataError(
                f"a rating needs at least {FEWEST_CLUSTERS} clusters of rows that no retrain has measured",
                got=f"{own.rows} rows in {own.clusters}",
                fix="They add up until the next retrain; cluster by a shorter period to be quicker.",
            )
        if not {champion, own.challenger} <= {*rating.versions}:
            raise DataError(
                "versions must differ on the fresh rows",
                got="equal scores from all of them in every cluster",
                fix="Nothing: the champion stays.",
            )
        return rating.gain(own.challenger, champion)

    def _measurement(self, metric: str, cluster_by: str | None) -> Measurement:
        found = self.scorecard.find_measurement(metric, cluster_by)
        if found is None:
            raise DataError(
                f"a rating by {metric} needs a measurement of this window",
                got="none in this scorecard",
                fix="Clear the task evaluate with what is downstream of it.",
            )
        return found

    def gain_over_baseline(
        self,
        metric: str,
        rule: str | None,
        cluster_by: str | None,
        level: float,
        *,
        method: IntervalName = "auto",
        resamples: int = 2000,
    ) -> Gain:
        """Return the gain over the dummy, or over a column that holds a simple rule's predictions, with its interval.

        Raises:
            DataError: There is no dummy or no such rule, the cluster column is unknown, or there are too few clusters.
        """
        baseline_scores = self.scores.of_baseline() if rule is None else self.scores.of_rule(rule)
        against_baseline = replace(self, scores=replace(self.scores, opponent=baseline_scores))
        return against_baseline.paired_gain(metric, cluster_by, level, method=method, resamples=resamples)

    def tail_increase(self, limit: float | None, quantile: float, cluster_by: str | None, level: float) -> TailIncrease:
        """Return by how much the challenger's share of rows with a bad loss exceeds the opponent's, with its interval.

        Args:
            limit: Losses above it are bad; None for a quantile of the opponent's losses.
            quantile: Which quantile.
            level: One-sided error level of either bound.

        Raises:
            DataError: The cluster column is unknown, there are too few clusters, or no loss can be above the limit.
            ValueError: There is no opponent; check `opponent` first.
        """
        scores = self.scores
        if scores.opponent is None:
            raise ValueError(self.why_no_opponent)
        clusters = scores.clusters(cluster_by)
        sides = scores.y, scores.challenger, scores.opponent, clusters
        return estimate_tail_increase(*sides, level=level, limit=limit, quantile=quantile)

    def calibration_error(
        self, bins: int, strategy: Strategy, cluster_by: str | None, confidence: float, resamples: int
    ) -> CalibrationError:
        """Return the challenger's expected calibration error with its interval.

        Raises:
            DataError: The scores are not class probabilities, all rows are of one class, the cluster column
                is unknown, or there are too few clusters.
        """
        return estimate_calibration_error(
            self.scores.y,
            self.scores.challenger,
            self.scores.clusters(cluster_by),
            bins=bins,
            strategy=strategy,
            confidence=confidence,
            resamples=resamples,
            seed=self._seed,
        )

    def groups(self, by: Sequence[str], min_rows: int) -> Groups:
        """Return the groups of rows with equal values in some columns.

        Raises:
            DataError: A column is unknown.
        """
        for name in by:
            if name not in self.scores.columns:
                raise DataError(
                    "a column that defines groups must be in the data", got=name, fix="Select it in the query."
                )
        return split_groups({name: self.scores.columns[name] for name in by}, min_rows)

    def compute_group_values(self, metric: str, groups: Groups, min_class: int = 1) -> list[GroupValue]:
        """Return a metric of the challenger in each group; NaN if it is not defined or rests on fewer rows of a class.

        Raises:
            DataError: A score is not finite, all rows are of one class, or the metric is for another task.
        """
        return compute_group_values(metric, groups, self.scores.y, self.scores.challenger, min_class=min_class)

    def group_difference(
        self,
        metric: str,
        groups: Groups,
        threshold: float,
        cluster_by: str | None,
        confidence: float,
        resamples: int,
        min_class: int = 1,
    ) -> GroupDifference:
        """Return the largest difference between two groups under the challenger, with its interval.

        Raises:
            DataError: As for `compute_group_values`; or the metric is defined in fewer than two groups, the cluster column is
                unknown, there are too few clusters, or the threshold leaves (nearly) all rows on one side.
        """
        return find_largest_difference(
            metric,
            groups,
            self.scores.y,
            self.scores.challenger,
            self.scores.clusters(cluster_by),
            min_class=min_class,
            threshold=threshold,
            confidence=confidence,
            resamples=resamples,
            seed=self._seed,
        )

    @property
    def _seed(self) -> int:
        return int(self.scorecard.key[:8], 16)
