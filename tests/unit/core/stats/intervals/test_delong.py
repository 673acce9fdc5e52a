from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from retrain.core.stats.intervals.base import PairedScores
from retrain.core.stats.intervals.delong import compute_components, delong
from retrain.core.stats.metrics import METRICS
from retrain.core.stats.metrics.base import Floats, Ints
from retrain.errors import DataError
from retrain.testing import make_scores

# Albumin, total protein, K-G score and outcome of 43 patients: DeLong, DeLong and Clarke-Pearson (1988), as SAS/STAT prints
# them in its example "Comparing Receiver Operating Characteristic Curves" of PROC LOGISTIC.
OVARIAN = np.fromstring(
    """3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1
    3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0
    2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1
    3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0
    3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1
    3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1""",
    sep=" ",
).reshape(43, 4)
OUTCOME = OVARIAN[:, 3]
MARKERS = {"albumin": OVARIAN[:, 0] / 10, "total protein": OVARIAN[:, 1] / 10, "K-G": 1 - OVARIAN[:, 2] / 10}


def two_classes(scores: Floats) -> Floats:
    return np.column_stack([1 - scores, scores])


def compare(y: Floats, scores: Floats, other: Floats, clusters: Ints | None = None) -> PairedScores:
    owner = np.arange(len(y)) if clusters is None else clusters
    return PairedScores(METRICS["roc_auc"], y, two_classes(scores), two_classes(other), owner, greater_is_better=True)


def test_the_areas_and_the_test_are_those_of_the_published_example() -> None:
    areas = {name: compute_components(OUTCOME == 1, marker)[OUTCOME == 1].mean() for name, marker in MARKERS.items()}
    assert {name: round(area, 4) for name, area in areas.items()} == {
        "albumin": 0.7366,
        "total protein": 0.6478,
        "K-G": 0.7258,
    }
    albumin, protein, between = (
        delong(compare(OUTCOME, MARKERS[one], MARKERS[two]), level=0.025)
        for one, two in (("albumin", "K-G"), ("total protein", "K-G"), ("albumin", "total protein"))
    )
    # The covariance of the two differences from the K-G score follows from the three variances.
    shared = (albumin.standard_error**2 + protein.standard_error**2 - between.standard_error**2) / 2
    covariance = np.array([[albumin.standard_error**2, shared], [shared, protein.standard_error**2]])
    differences = np.array([albumin.value, protein.value])
    statistic = float(differences @ np.linalg.solve(covariance, differences))
    assert (round(statistic, 4), round(chi2.sf(statistic, 2), 4)) == (2.5340, 0.2817)


def components_by_pairs(positive: Floats, scores: Floats) -> Floats:
    up, down = scores[positive == 1], scores[positive == 0]
    wins = (up[:, None] > down) + 0.5 * (up[:, None] == down)
    found = np.empty(len(scores))
    found[positive == 1], found[positive == 0] = wins.mean(axis=1), wins.mean(axis=0)
    return found


@pytest.mark.parametrize("decimals", [1, 9])
def test_mid_ranks_count_the_pairs_even_with_ties(decimals: int) -> None:
    random = np.random.default_rng(7)
    y = (random.random(200) < 0.3).astype(float)
    scores = random.random(200).round(decimals)
    assert compute_components(y == 1, scores) == pytest.approx(components_by_pairs(y, scores))


def test_a_row_a_cluster_is_delongs_own_variance() -> None:
    scores = make_scores(300, challenger=0.5, opponent=0.4)
    assert scores.opponent is not None
    sides = [components_by_pairs(scores.y, side[:, 1]) for side in (scores.challenger, scores.opponent)]
    variance = 0.0
    for k in (0, 1):
        covariance = np.cov([side[scores.y == k] for side in sides])
        variance += (covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]) / np.count_nonzero(scores.y == k)
    gain = delong(compare(scores.y, scores.challenger[:, 1], scores.opponent[:, 1]), level=0.025)
    assert gain.standard_error == pytest.approx(np.sqrt(variance))
    assert gain.degrees_of_freedom == np.count_nonzero(scores.y) - 1


def test_clusters_are_summed_as_obuchowski_sums_them() -> None:
    """Against the sum over all pairs of rows in one cluster, of one class and of two."""
    random = np.random.default_rng(7)
    clusters = random.integers(0, 15, 240)
    y = (random.random(240) < 0.4).astype(float)
    scores, other = random.random(240) + 0.3 * y, random.random(240) + 0.2 * y
    gain = delong(compare(y, scores / 2, other / 2, clusters), level=0.025)
    each = components_by_pairs(y, scores) - components_by_pairs(y, other) - gain.value
    count = {k: np.count_nonzero(y == k) for k in (0, 1)}
    variance = 0.0
    for one in range(240):
        for two in range(240):
            if clusters[one] == clusters[two]:
                variance += 15 / 14 * each[one] * each[two] / (count[y[one]] * count[y[two]])
    assert gain.standard_error == pytest.approx(np.sqrt(variance))
    assert (gain.degrees_of_freedom, gain.clusters) == (14, 15)


def test_a_class_in_too_few_clusters_is_an_error() -> None:
    y = np.zeros(200)
    y[:70] = 1
    clusters = np.arange(200) // 10
    random = np.random.default_rng(7)
    with pytest.raises(DataError, match=r"8 clusters with each class; got 7 with the positive class and 13"):
        delong(compare(y, random.random(200), random.random(200), clusters), level=0.025)
