from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics

from retrain.core.stats.metrics.classification import CLASSIFICATION
from retrain.testing import make_scores


def test_values_are_those_of_scikit_learn_on_two_classes() -> None:
    scores = make_scores()
    y, positive = scores.y, scores.challenger[:, 1]
    expected = {
        "accuracy": metrics.accuracy_score(y, positive > 0.5),
        "average_precision": metrics.average_precision_score(y, positive),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, positive > 0.5),
        "brier": metrics.brier_score_loss(y, positive),
        "f1": metrics.f1_score(y, positive > 0.5),
        "log_loss": metrics.log_loss(y, scores.challenger),
        "recall_at_1pct": metrics.recall_score(y, positive >= np.sort(positive)[-4]),
        "recall_at_5pct": metrics.recall_score(y, positive >= np.sort(positive)[-20]),
        "recall_at_10pct": metrics.recall_score(y, positive >= np.sort(positive)[-40]),
        "roc_auc": metrics.roc_auc_score(y, positive),
    }
    assert {name: metric.value(y, scores.challenger) for name, metric in CLASSIFICATION.items()} == pytest.approx(
        expected
    )


def test_values_are_macro_averages_on_more_classes() -> None:
    scores = make_scores(classes=3)
    y, likeliest = scores.y, scores.challenger.argmax(axis=1)
    assert CLASSIFICATION["f1"].value(y, scores.challenger) == pytest.approx(
        metrics.f1_score(y, likeliest, average="macro")
    )
    assert CLASSIFICATION["roc_auc"].value(y, scores.challenger) == pytest.approx(
        metrics.roc_auc_score(y, scores.challenger, multi_class="ovr", average="macro")
    )


def test_the_area_leaves_out_a_class_without_rows() -> None:
    scores, area = make_scores(classes=3), CLASSIFICATION["roc_auc"]
    rows = scores.y < 2
    y, said, clusters = scores.y[rows], scores.challenger[rows], np.arange(rows.sum()) % 5
    value = area.value(y, said)
    assert value == pytest.approx(np.mean([metrics.roc_auc_score(y == k, said[:, k]) for k in (0, 1)]))
    found = area.resampler(y, said, clusters)(np.ones((2, 5), dtype=np.int64))
    np.testing.assert_allclose(found, [value, value])


@pytest.mark.parametrize("classes", [2, 3])
def test_rows_of_one_class_make_the_area_nan(classes: int) -> None:
    scores, area = make_scores(classes=classes), CLASSIFICATION["roc_auc"]
    one = scores.y == 1
    y, said = scores.y[one], scores.challenger[one]
    assert np.isnan(area.value(y, said))
    clusters = np.arange(len(y)) % 5
    assert np.isnan(area.resampler(y, said, clusters)(np.ones((2, 5), dtype=np.int64))).tolist() == [True, True]


def test_balanced_accuracy_leaves_out_a_class_without_rows() -> None:
    scores = make_scores(classes=3)
    rows = scores.y < 2
    y, said, clusters = scores.y[rows], scores.challenger[rows], np.arange(rows.sum()) % 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = CLASSIFICATION["balanced_accuracy"].value(y, said)
    found = CLASSIFICATION["balanced_accuracy"].resampler(y, said, clusters)(np.ones((1, 5), dtype=np.int64))
    np.testing.assert_allclose(found, value)


def test_a_certain_and_wrong_prediction_costs_a_finite_log_loss() -> None:
    y, said = np.array([0.0, 1.0]), np.array([[0.0, 1.0], [0.0, 1.0]])
    found = CLASSIFICATION["log_loss"].resampler(y, said, np.array([0, 1]))(np.ones((1, 2), dtype=np.int64))
    np.testing.assert_allclose(found, CLASSIFICATION["log_loss"].value(y, said))
    assert np.isfinite(found).all()
