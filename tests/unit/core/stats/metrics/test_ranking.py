from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score

from retrain.core.stats.metrics.classification import CLASSIFICATION
from retrain.core.stats.metrics.ranking import RankingMetric, compute_average_precision, make_recall_at
from retrain.testing import make_scores

ROWS = 60
labels = arrays(np.bool_, ROWS).filter(lambda y: 0 < y.sum() < ROWS)
tied = arrays(np.int64, ROWS, elements=st.integers(0, 5)).map(lambda values: values / 5)
clusters = arrays(np.int64, ROWS, elements=st.integers(0, 9)).map(
    lambda values: np.unique(values, return_inverse=True)[1]
)


def of_positive(probabilities: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - probabilities, probabilities])


@given(labels, tied, clusters, st.integers(0, 2**32 - 1))
def test_average_precision_under_counts_is_that_of_scikit_learn_under_weights(
    y: np.ndarray, scores: np.ndarray, owner: np.ndarray, seed: int
) -> None:
    counts = np.random.default_rng(seed).integers(0, 3, size=(5, owner.max() + 1))
    found = CLASSIFICATION["average_precision"].resampler(y, of_positive(scores), owner)(counts)
    for row, value in zip(counts, found, strict=True):
        weights = row[owner]
        if len(np.unique(y[weights > 0])) < 2:
            assert np.isnan(value)
        else:
            np.testing.assert_allclose(value, average_precision_score(y, scores, sample_weight=weights), rtol=1e-9)


@given(labels, tied, st.sampled_from([0.01, 0.05, 0.1, 0.5, 1.0]))
def test_recall_at_a_share_is_the_mean_over_all_orders_of_tied_rows(
    y: np.ndarray, scores: np.ndarray, share: float
) -> None:
    found, above = 0.0, 0
    for score in sorted(set(scores), reverse=True):
        here = scores == score
        found += y[here].sum() * min(1.0, max(0.0, (share * ROWS - above) / here.sum()))
        above += here.sum()
    assert RankingMetric(make_recall_at(share)).value(y, of_positive(scores)) == pytest.approx(found / y.sum())


def test_recall_counts_part_of_the_row_at_the_edge() -> None:
    scores = of_positive(np.linspace(0.9, 0.1, 50))
    first_is_positive = (np.arange(50) < 1).astype(float)
    assert CLASSIFICATION["recall_at_1pct"].value(first_is_positive, scores) == pytest.approx(0.5)
    assert CLASSIFICATION["recall_at_5pct"].value(first_is_positive, scores) == 1


def test_many_resamples_are_counted_in_batches_to_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, counts = make_scores(), np.random.default_rng(7).integers(0, 3, size=(11, 20))
    for name in ("average_precision", "recall_at_10pct"):
        whole = CLASSIFICATION[name].resampler(scores.y, scores.challenger, scores.clusters("day"))(counts)
        monkeypatch.setattr("retrain.core.stats.metrics.ranking._CELLS_PER_BATCH", 600)
        parts = CLASSIFICATION[name].resampler(scores.y, scores.challenger, scores.clusters("day"))(counts)
        np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize("name", ["average_precision", "recall_at_5pct"])
def test_more_classes_are_averaged_over_those_that_have_rows(name: str) -> None:
    scores = make_scores(classes=4)
    rows = scores.y < 3
    y, said = scores.y[rows], scores.challenger[rows]
    by_class = [CLASSIFICATION[name].value(y == k, of_positive(said[:, k])) for k in range(3)]
    assert CLASSIFICATION[name].value(y, said) == pytest.approx(np.mean(by_class))
    found = CLASSIFICATION[name].resampler(y, said, np.arange(len(y)) % 9)(np.ones((1, 9), dtype=np.int64))
    assert found == pytest.approx(np.mean(by_class))


@pytest.mark.parametrize("name", ["average_precision", "recall_at_5pct"])
@pytest.mark.parametrize("classes", [2, 3])
def test_rows_of_one_class_have_no_order(name: str, classes: int) -> None:
    scores = make_scores(classes=classes)
    for label in range(classes):
        one = scores.y == label
        y, said = scores.y[one], scores.challenger[one]
        assert np.isnan(CLASSIFICATION[name].value(y, said))
        found = CLASSIFICATION[name].resampler(y, said, np.arange(len(y)) % 9)(np.ones((2, 9), dtype=np.int64))
        assert found.shape == (2,)
        assert np.isnan(found).all()


def test_average_precision_by_counts_alone_is_that_of_the_library() -> None:
    assert RankingMetric(compute_average_precision).value(*_two_classes()) == pytest.approx(
        CLASSIFICATION["average_precision"].value(*_two_classes())
    )


def _two_classes() -> tuple[np.ndarray, np.ndarray]:
    scores = make_scores()
    return scores.y, scores.challenger
