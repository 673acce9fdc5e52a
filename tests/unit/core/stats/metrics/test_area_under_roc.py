from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from retrain.core.stats.metrics.area_under_roc import MAX_PAIRED_CLUSTERS, auc_resampler

ROWS = 60
labels = arrays(np.bool_, ROWS).filter(lambda y: 0 < y.sum() < ROWS)
tied = arrays(np.int64, ROWS, elements=st.integers(0, 5)).map(lambda values: values / 5)
clusters = arrays(np.int64, ROWS, elements=st.integers(0, 9)).map(
    lambda values: np.unique(values, return_inverse=True)[1]
)


@given(labels, tied, clusters, st.integers(0, 2**32 - 1))
def test_pairs_and_rows_and_scikit_learn_agree_on_tied_scores(
    y: np.ndarray, scores: np.ndarray, owner: np.ndarray, seed: int
) -> None:
    counts = np.random.default_rng(seed).integers(0, 3, size=(5, owner.max() + 1))
    counts[0] = 1
    by_pairs = auc_resampler(y, scores, owner)(counts)
    by_rows = auc_resampler(y, scores, owner, max_paired_clusters=0)(counts)
    np.testing.assert_allclose(by_pairs, by_rows, rtol=1e-12)
    for row, found in zip(counts, by_pairs, strict=True):
        weights = row[owner]
        present = np.unique(y[weights > 0])
        if len(present) < 2:
            assert np.isnan(found)
        else:
            np.testing.assert_allclose(found, roc_auc_score(y, scores, sample_weight=weights), rtol=1e-9)


def test_many_clusters_take_the_other_way_to_the_same_area() -> None:
    random = np.random.default_rng(7)
    count = MAX_PAIRED_CLUSTERS + 1
    y, scores = random.random(count) < 0.3, random.random(count).round(2)
    counts = np.ones((1, count), dtype=np.int64)
    few = auc_resampler(y, scores, np.arange(count) % 50)(counts[:, :50])
    many = auc_resampler(y, scores, np.arange(count))(counts)
    np.testing.assert_allclose([few, many], roc_auc_score(y, scores), rtol=1e-12)
