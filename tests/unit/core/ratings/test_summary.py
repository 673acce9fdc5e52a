"""What a summary tells of versions whose true quality is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from tests.unit.core.ratings.test_rating import DAYS, ERROR, FIRST, MONTH, measure, measure_days, rate

from retrain.core.ratings import Measurement, rate_versions, summarize_rating


def measure_year(quality: Callable[[int, int], float], windows: int = 13) -> list[Measurement]:
    random = np.random.default_rng(1)
    measured = [measure(k, range(k + 1), quality, random) for k in range(1, windows)]
    return [replace(each, metric="roc_auc") for each in measured]


def never_promoted(windows: int = 13) -> dict[datetime, int]:
    return {FIRST + window * MONTH: 0 for window in range(1, windows)}


def test_versions_are_told_by_age_against_the_champion() -> None:
    rating = rate(13, lambda j, _: 4 * ERROR * (j == 5))
    rated = rating.describe_versions(0)
    assert [each.version for each in rated] == list(range(13))
    assert all(earlier.as_of < later.as_of for earlier, later in pairwise(rated))
    champion, best = rated[0], rated[5]
    assert (champion.gain, champion.interval) == (0, (0, 0))
    gain = rating.gain(5, 0)
    assert (best.gain, best.interval) == (gain.mean, gain.interval())
    assert best.interval[0] > 0
    assert best.chance_best > 0.95
    assert sum(each.chance_best for each in rated) == pytest.approx(1)


def test_of_two_versions_the_chance_to_be_best_is_the_probability_of_a_gain() -> None:
    random = np.random.default_rng(6)
    measured = [measure(k, range(2), lambda j, _: ERROR * j / 2, random) for k in (1, 2)]
    rating = rate_versions(measured, greater_is_better=True)
    older, newer = rating.describe_versions(0)
    assert newer.chance_best == pytest.approx(1 - rating.gain(1, 0).probability_below(0.0), abs=0.015)
    assert older.chance_best + newer.chance_best == pytest.approx(1)
    assert rating.describe_versions(1)[1].chance_best == newer.chance_best


def test_versions_that_are_equal_in_a_draw_share_it() -> None:
    rating = rate_versions([measure(3, range(2), lambda *_: 0.0, np.random.default_rng(1))], greater_is_better=True)
    gain = rating.gain(1, 0)
    equal = float(gain.weights[gain.deviations == 0].sum())
    newer = rating.describe_versions(0)[1]
    assert equal > 0.1
    assert newer.chance_best == pytest.approx(1 - gain.probability_below(0.0) - equal / 2, abs=0.015)


def test_a_champion_that_is_not_rated_is_an_error() -> None:
    with pytest.raises(ValueError, match="7 is not in list"):
        rate(3, lambda *_: 0.0).describe_versions(7)


def test_a_summary_holds_the_last_window_ageing_and_a_history() -> None:
    measured = measure_year(lambda j, k: -0.5 * ERROR * (k - j))
    summary = summarize_rating(measured, primary="roc_auc", champion=0, champions=never_promoted())
    assert summary is not None
    assert (summary.metric, summary.windows, summary.champion, summary.challenger) == ("roc_auc", 12, 0, 12)
    assert summary.as_of == FIRST + 12 * MONTH
    assert summary.ageing.mean == pytest.approx(0.5 * ERROR, rel=0.3)
    assert [window.challenger for window in summary.history] == list(range(1, 13))
    half = rate_versions(measured[:6], greater_is_better=True)
    assert summary.history[5].gain == pytest.approx(half.gain(6, 0).mean, rel=0.01)
    assert summary.history[5].interval == pytest.approx(half.gain(6, 0).interval(), rel=0.01)
    assert summary.history[-1].gain == summary.versions[-1].gain > 0


def test_a_history_leaves_out_windows_without_a_champion_or_without_a_score() -> None:
    measured = measure_year(lambda *_: 0.0, windows=4)
    champions = never_promoted(4) | {FIRST + MONTH: 9}
    del champions[FIRST + 2 * MONTH]
    summary = summarize_rating(measured, primary="roc_auc", champion=0, champions=champions)
    assert summary is not None
    assert [window.challenger for window in summary.history] == [3]


def test_the_primary_metric_counts_if_versions_are_rated_in_several_ways() -> None:
    measured = measure_year(lambda *_: 0.0, windows=4)
    both = [each for one in measured for each in (replace(one, metric="mae", cluster_by=None), one)]
    by_primary = summarize_rating(both, primary="roc_auc", champion=0, champions={})
    by_another = summarize_rating(both, primary="rmse", champion=0, champions={})
    assert by_primary is not None
    assert by_another is not None
    assert (by_primary.metric, by_another.metric) == ("roc_auc", "mae")
    assert by_primary.windows == 3
    assert by_another.versions[1].gain == pytest.approx(-by_primary.versions[1].gain)


@pytest.mark.parametrize("champion", [5, 0])
def test_without_a_rated_champion_there_is_no_summary(champion: int) -> None:
    measured = measure_year(lambda *_: 0.0, windows=4) if champion else []
    assert summarize_rating(measured, primary="roc_auc", champion=champion, champions={}) is None


def test_a_last_window_that_tells_nothing_keeps_the_rating_of_those_before() -> None:
    measured = measure_year(lambda *_: 0.0, windows=4)
    blank = replace(measure_days(4, range(5), np.full((DAYS, 5), 0.7)), metric="roc_auc")
    summary = summarize_rating([*measured, blank], primary="roc_auc", champion=0, champions=never_promoted(5))
    assert summary is not None
    assert (summary.windows, summary.challenger, len(summary.history)) == (3, 4, 3)
    assert [each.version for each in summary.versions] == [0, 1, 2, 3]
