from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.require import require

from retrain.core.evaluation.prediction_change import Flips, prediction_change
from retrain.core.evaluation.scores import Scores
from retrain.testing import make_scores


def two_classes(y: list[float], challenger: list[float], opponent: list[float]) -> Scores:
    challenger_scores, opponent_scores = (
        np.array([[1 - said, said] for said in side]) for side in (challenger, opponent)
    )
    return Scores(np.array(y), challenger_scores, opponent_scores, np.zeros(len(y), dtype="datetime64[us]"))


def test_every_row_is_in_one_bucket_by_how_far_its_prediction_moves() -> None:
    found = prediction_change(two_classes([0] * 6, [0.1, 0.105, 0.13, 0.18, 0.25, 0.9], [0.1] * 6))
    assert found is not None
    assert [(bucket.low, bucket.high, bucket.rows) for bucket in found.buckets] == [
        (0.0, 0.01, 2),
        (0.01, 0.05, 1),
        (0.05, 0.1, 1),
        (0.1, 0.2, 1),
        (0.2, 0.5, 0),
        (0.5, None, 1),
    ]


def test_rows_that_cross_one_half_are_counted_by_who_is_right() -> None:
    scores = two_classes([1, 1, 0, 0, 1], [0.6, 0.4, 0.6, 0.4, 0.9], [0.4, 0.6, 0.4, 0.6, 0.8])
    assert prediction_change(scores).flips == Flips(rows=4, fixed=2, broken=2)  # type: ignore[union-attr]


def test_of_more_classes_a_flip_may_be_neither_better_nor_worse() -> None:
    challenger, opponent = np.array([[0.1, 0.8, 0.1]]), np.array([[0.8, 0.1, 0.1]])
    scores = Scores(np.array([2.0]), challenger, opponent, np.zeros(1, dtype="datetime64[us]"))
    assert prediction_change(scores).flips == Flips(rows=1, fixed=0, broken=0)  # type: ignore[union-attr]


def test_a_regression_moves_in_standard_deviations_of_its_label() -> None:
    scores = make_scores(task="regression")
    moved = replace(scores, challenger=scores.opponent + 0.3 * scores.y.std())
    found = prediction_change(moved)
    assert found is not None
    assert found.flips is None
    assert [bucket.rows for bucket in found.buckets] == [0, 0, 0, 0, 400, 0]
    scaled = replace(moved, y=moved.y * 60, challenger=moved.challenger * 60, opponent=require(moved.opponent) * 60)
    assert prediction_change(scaled) == found


def test_a_label_that_never_changes_has_no_spread_to_measure_in() -> None:
    y = np.ones(3)
    found = prediction_change(Scores(y, y + 0.3, y, np.zeros(3, dtype="datetime64[us]")))
    assert found is not None
    assert [bucket.rows for bucket in found.buckets] == [0, 0, 0, 0, 3, 0]


def test_without_an_opponent_nothing_changes() -> None:
    assert prediction_change(make_scores(opponent=None)) is None
