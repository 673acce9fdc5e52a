from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from retrain.errors import DataError
from retrain.testing import make_evidence, make_scores


def test_the_gain_is_over_the_opponent_on_the_same_rows_and_the_same_each_time() -> None:
    evidence = make_evidence(make_scores())
    gain = evidence.paired_gain("roc_auc", "day", 0.025)
    card = evidence.scorecard
    assert gain.value == pytest.approx(card.challenger_metrics["roc_auc"] - card.opponent_metrics["roc_auc"])
    assert evidence.paired_gain("roc_auc", "day", 0.025) == gain
    drawn = [
        make_evidence(make_scores(), key=key).paired_gain("roc_auc", "day", 0.025, method="percentile").low
        for key in ("1" * 64, "1" * 64, "2" * 64)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_lower_loss_is_a_positive_gain() -> None:
    assert make_evidence(make_scores()).paired_gain("log_loss", "day", 0.025).low > 0


def test_without_opponent_there_is_a_reason_and_no_gain() -> None:
    evidence = make_evidence(make_scores(opponent=None))
    assert evidence.opponent is None
    assert evidence.why_no_opponent == "the champion is lost"
    with pytest.raises(ValueError, match="the champion is lost"):
        evidence.paired_gain("roc_auc", "day", 0.025)


def test_a_named_opponent_without_scores_is_not_an_opponent() -> None:
    evidence = make_evidence(make_scores(opponent=None), opponent="champion", why_no_opponent="")
    assert evidence.opponent is None
    assert evidence.why_no_opponent == "no champion or baseline was scored; clear the task evaluate"


def test_a_missing_metric_is_nan() -> None:
    evidence = make_evidence(make_scores(), metrics=["brier"])
    assert math.isnan(evidence.challenger_metric("roc_auc"))
    assert evidence.challenger_metric("brier") == evidence.scorecard.challenger_metrics["brier"]
    assert evidence.slice_scores() == evidence.scorecard.slices


def test_classes_without_rows_are_counted_of_more_than_two() -> None:
    three = make_scores(classes=3)
    assert make_evidence(three).classes_without_rows == 0
    assert make_evidence(replace(three, y=three.y % 2)).classes_without_rows == 1
    two = make_scores()
    assert make_evidence(replace(two, y=np.ones(400))).classes_without_rows == 0
    assert make_evidence(make_scores(task="regression")).classes_without_rows == 0


def test_an_unknown_cluster_is_an_error() -> None:
    with pytest.raises(DataError, match="cluster_by must be"):
        make_evidence(make_scores()).paired_gain("roc_auc", "shop", 0.025)


def test_the_gain_over_the_dummy_is_a_gain_like_any_other() -> None:
    scores = make_scores()
    evidence = make_evidence(scores)
    gain = evidence.gain_over_baseline("brier", None, "day", 0.025)
    met = make_evidence(replace(scores, opponent=scores.of_baseline()))
    assert gain == met.paired_gain("brier", "day", 0.025)
    assert evidence.gain_over_baseline("roc_auc", None, "day", 0.025).value == pytest.approx(
        evidence.challenger_metric("roc_auc") - 0.5
    )


def test_groups_need_a_column_that_is_there() -> None:
    evidence = make_evidence(make_scores())
    assert evidence.groups(["place"], 100).names == ("place=north", "place=south")
    with pytest.raises(DataError, match="defines groups must be in the data; got shop"):
        evidence.groups(["place", "shop"], 100)


def test_the_gains_of_slices_are_those_of_their_rows_alone() -> None:
    evidence = make_evidence(make_scores())
    assert evidence.slice_scores()
    gains = evidence.slice_gains(evidence.slice_scores(), "roc_auc", "day", 0.05)
    for score, gain in zip(evidence.slice_scores(), gains, strict=True):
        assert gain is not None
        assert gain.value == pytest.approx(score.challenger["roc_auc"] - score.opponent["roc_auc"])
        assert gain.clusters == 20


def test_a_slice_without_an_interval_has_no_gain() -> None:
    few = make_evidence(make_scores(60))
    assert few.slice_gains(few.slice_scores(), "log_loss", "day", 0.05) == [None, None]
    scores = make_scores(classes=3)
    rare = replace(scores, y=np.where(scores.event_time < scores.event_time[20], scores.y, scores.y % 2))
    evidence = make_evidence(rare)  # the third class is there on one day only, and may not be left out
    assert evidence.slice_gains(evidence.slice_scores(), "roc_auc", "day", 0.05) == [None, None]
    with pytest.raises(ValueError, match="the champion is lost"):
        make_evidence(make_scores(opponent=None)).slice_gains(few.slice_scores(), "roc_auc", "day", 0.05)
