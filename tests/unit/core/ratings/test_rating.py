"""The rating of versions: what it learns of gains, ageing and dependence, in worlds whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from retrain.core.ratings import Measurement, Rating, VersionScore, rate_versions
from retrain.core.stats.metrics.base import Floats

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=30)
DAYS = 28
ERROR = float(np.sqrt(2 / DAYS))


def measure(
    window: int, versions: range, quality: Callable[[int, int], float], random: np.random.Generator
) -> Measurement:
    """Return a measurement whose metric is the mean of days; each version has luck of its own on each of them."""
    return measure_days(
        window, versions, random.normal(size=(DAYS, len(versions))) + [quality(j, window) for j in versions]
    )


def measure_days(window: int, versions: range, days: Floats) -> Measurement:
    without = (days.sum(axis=0) - days) / (len(days) - 1)
    scores = tuple(
        VersionScore(version, FIRST + version * MONTH, float(value), tuple(map(float, left)))
        for version, value, left in zip(versions, days.mean(axis=0), without.T, strict=True)
    )
    as_of = FIRST + window * MONTH
    return Measurement("mae", "day", as_of, versions[-1], as_of - MONTH, as_of, 1000, ordered=True, scores=scores)


def rate(windows: int, quality: Callable[[int, int], float], seed: int = 1, *, most: int = 24) -> Rating:
    random = np.random.default_rng(seed)
    measured = [measure(k, range(max(0, k - most + 1), k + 1), quality, random) for k in range(1, windows)]
    return rate_versions(measured, greater_is_better=True)


def test_a_better_version_is_expected_to_be_better_but_by_less_than_it_looked() -> None:
    random = np.random.default_rng(4)
    measurement = measure(1, range(2), lambda j, _: 3 * ERROR * j, random)
    rating = rate_versions([measurement], greater_is_better=True)
    gain = rating.gain(1, 0)
    seen = measurement.scores[1].value - measurement.scores[0].value
    assert 0 < gain.mean < seen
    assert gain.probability_below(0.0) < 0.15
    low, high = gain.interval()
    assert low < gain.mean < high
    assert gain.probability_below(low) == pytest.approx(0.025, abs=1e-6)
    assert 1 - gain.probability_below(high) == pytest.approx(0.025, abs=1e-6)


def test_a_metric_of_which_less_is_better_turns_the_gain_round() -> None:
    measurement = measure(1, range(2), lambda j, _: 3 * ERROR * j, np.random.default_rng(4))
    up, down = (rate_versions([measurement], greater_is_better=greater).gain(1, 0) for greater in (True, False))
    assert down.mean == pytest.approx(-up.mean)
    assert down.deviation == pytest.approx(up.deviation)


def test_windows_add_up_where_one_alone_shows_nothing() -> None:
    """A version that is better by one error in every window is known to be after a year, and not after a month."""

    def quality(version: int, _: int) -> float:
        return ERROR * (version == 0)

    first, later = rate(2, quality), rate(13, quality)
    assert first.gain(0, 1).probability_below(0.0) > 0.1
    assert later.gain(0, 12).probability_below(0.0) < 0.05


def test_ageing_is_learnt_and_lets_the_newcomer_start_ahead() -> None:
    ageing = rate(16, lambda j, k: -0.5 * ERROR * (k - j))
    still = rate(16, lambda *_: 0.0)
    assert ageing.ageing(MONTH).mean == pytest.approx(0.5 * ERROR, rel=0.2)
    assert ageing.gain(15, 10).mean == pytest.approx(2.5 * ERROR, rel=0.2)
    assert abs(still.ageing(MONTH).mean) < 0.05 * ERROR
    assert abs(still.gain(15, 10).mean) < 0.25 * ERROR


def test_after_a_break_the_newcomer_is_preferred_at_once_and_the_filter_stays_calm() -> None:
    def quality(version: int, window: int) -> float:
        return -20 * ERROR if window >= 10 and version < 10 else 0.0

    rating = rate(16, quality)
    assert rating.gain(10, 9).mean == pytest.approx(20 * ERROR, rel=0.1)
    assert abs(rating.gain(15, 12).mean) < ERROR / 2


def test_a_version_that_is_measured_no_more_leaves_the_rating() -> None:
    rating = rate(9, lambda *_: 0.0, most=5)
    assert sorted(rating.versions) == [4, 5, 6, 7, 8]
    with pytest.raises(ValueError, match="0 is not in list"):
        rating.gain(8, 0)


def test_days_that_hang_together_make_the_comparison_less_certain() -> None:
    random = np.random.default_rng(3)

    def autocorrelated(window: int) -> Measurement:
        luck = np.zeros((DAYS, window + 1))
        state = random.normal(size=window + 1)
        for day in range(DAYS):
            state = 0.7 * state + np.sqrt(1 - 0.49) * random.normal(size=window + 1)
            luck[day] = state
        return measure_days(window, range(window + 1), luck)

    rating = rate_versions([autocorrelated(k) for k in range(1, 12)], greater_is_better=True)
    assert rating.autocorrelation == pytest.approx(0.7, abs=0.1)
    truth = np.sqrt(2 / DAYS * (1 + 2 * sum((1 - k / DAYS) * 0.7**k for k in range(1, DAYS))))
    assert rating.error == pytest.approx(truth, rel=0.2)


def test_clusters_without_an_order_have_no_autocorrelation() -> None:
    measurement = measure(1, range(2), lambda *_: 0.0, np.random.default_rng(1))
    assert rate_versions([replace(measurement, ordered=False)], greater_is_better=True).autocorrelation == 0


def test_of_two_measurements_of_one_as_of_the_last_counts() -> None:
    random = np.random.default_rng(1)
    first, again = measure(1, range(2), lambda *_: 0.0, random), measure(1, range(2), lambda *_: 0.0, random)
    twice = rate_versions([first, again], greater_is_better=True)
    once = rate_versions([again], greater_is_better=True)
    assert twice.windows == 1
    assert twice.gain(1, 0).mean == once.gain(1, 0).mean


@pytest.mark.parametrize("spoil", ["one version", "three days", "equal"])
def test_a_window_that_tells_nothing_is_passed_over(spoil: str) -> None:
    random = np.random.default_rng(1)
    good = measure(1, range(2), lambda *_: 0.0, random)
    days = random.normal(size=(DAYS, 3))
    bad = {
        "one version": measure_days(2, range(2, 3), days[:, :1]),
        "three days": measure_days(2, range(3), days[:3]),
        "equal": measure_days(2, range(3), np.full((DAYS, 3), 0.7)),
    }[spoil]
    rating = rate_versions([good, bad], greater_is_better=True)
    rating.observe(bad)
    assert rating.windows == 1
    assert rating.versions == [0, 1]


def test_two_versions_with_equal_scores_among_others_are_rated_as_equal() -> None:
    days = np.random.default_rng(2).normal(size=(DAYS, 3))
    days[:, 2] = days[:, 1]
    rating = rate_versions([measure_days(2, range(3), days)], greater_is_better=True)
    gain = rating.gain(2, 1)
    assert gain.mean == pytest.approx(0, abs=0.1 * ERROR)


def test_no_window_gives_an_empty_rating() -> None:
    rating = rate_versions([], greater_is_better=True)
    assert (rating.windows, rating.versions, rating.error, rating.autocorrelation) == (0, [], 0.0, 0.0)
    assert rating.ageing(MONTH).mean == 0


def test_two_nearly_equal_first_versions_do_not_make_every_later_difference_impossible() -> None:
    random = np.random.default_rng(5)
    first = measure_days(1, range(2), random.normal(size=(DAYS, 1)) + 1e-4 * random.normal(size=(DAYS, 2)))
    later = [measure(k, range(k + 1), lambda j, _: 5 * ERROR * (j > 1), random) for k in range(2, 6)]
    gain = rate_versions([first, *later], greater_is_better=True).gain(5, 0)
    assert gain.mean == pytest.approx(5 * ERROR, rel=0.3)
    assert gain.probability_below(0.0) < 0.01


def test_one_window_with_much_luck_does_not_set_the_error_of_all() -> None:
    random = np.random.default_rng(6)
    measured = [measure(k, range(k + 1), lambda *_: 0.0, random) for k in range(1, 6)]
    stormy = measure_days(6, range(7), 100 * random.normal(size=(DAYS, 7)))
    assert rate_versions([*measured, stormy], greater_is_better=True).error == pytest.approx(ERROR, rel=0.3)


def test_rows_that_an_earlier_window_has_count_once() -> None:
    random = np.random.default_rng(7)
    first, second = (measure(k, range(k + 1), lambda *_: 0.0, random) for k in (1, 2))
    overlapping = replace(second, start=first.end - timedelta(days=1))
    assert rate_versions([first, overlapping], greater_is_better=True).windows == 1
    assert rate_versions([first, second], greater_is_better=True).windows == 2


def test_numbers_too_large_to_square_are_passed_over() -> None:
    random = np.random.default_rng(8)
    good = measure(1, range(2), lambda *_: 0.0, random)
    huge = measure_days(2, range(3), 1e200 * random.normal(size=(DAYS, 3)))
    assert rate_versions([good, huge], greater_is_better=True).windows == 1


def test_a_number_that_a_registry_gave_twice_is_two_versions() -> None:
    """A registered model was deleted in MLflow, and its versions begin at 1 again."""
    random = np.random.default_rng(9)
    first = measure(1, range(2), lambda j, _: 9 * ERROR * j, random)
    second = measure(2, range(2), lambda *_: 0.0, random)
    again = tuple(replace(score, as_of=score.as_of + 5 * MONTH) for score in second.scores)
    kept = rate_versions([first, second], greater_is_better=True).gain(1, 0)
    renumbered = rate_versions([first, replace(second, scores=again)], greater_is_better=True).gain(1, 0)
    assert kept.mean > 2 * renumbered.mean


def test_a_version_that_is_far_from_all_others_leaves_the_measurement_unless_it_competes() -> None:
    days = np.random.default_rng(10).normal(size=(DAYS, 5))
    days[:, 2] *= 1000
    measurement = measure_days(4, range(5), days)
    left = measurement.without_strays({4, 0})
    assert [score.version for score in left.scores] == [0, 1, 3, 4]
    assert left.unscored == ((2, "its mae is far from that of all other versions"),)
    assert measurement.without_strays({4, 2}) == measurement
    few = measure_days(2, range(3), days[:, :3])
    assert few.without_strays({0}) == few
    equal = measure_days(4, range(5), np.full((DAYS, 5), 0.7))
    assert equal.without_strays(set()) == equal


def test_a_strict_level_holds_where_no_version_is_better() -> None:
    """40 years of 12 monthly retrains at the level .05 / 12 a month: about two of them may promote, here six at most."""
    promoted = 0
    for year in range(40):
        random = np.random.default_rng(100 + year)
        measured = [measure(window, range(window + 1), lambda *_: 0.0, random) for window in range(1, 13)]
        rating = Rating(greater_is_better=True, period=MONTH)
        doubts = []
        for measurement in measured:
            rating.observe(measurement)
            doubts.append(rating.gain(measurement.challenger, 0).probability_below(0.0))
        promoted += min(doubts) <= 0.05 / 12
    assert promoted <= 6
