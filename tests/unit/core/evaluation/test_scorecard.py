from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from tests.builders import make_pointer

from retrain.core.evaluation.scorecard import Scorecard, SliceScore, score_slices, value_of
from retrain.core.evaluation.scores import Scores
from retrain.testing import make_evidence, make_scores


def test_a_scorecard_survives_its_json() -> None:
    card = make_evidence(make_scores()).scorecard
    again = Scorecard.from_json(json.loads(json.dumps(card.to_json(), allow_nan=False)))
    assert again == card
    assert again.digest == card.digest
    assert again.champion == make_pointer()


def test_nan_is_null_on_paper_and_nan_again_when_read() -> None:
    card = replace(
        make_evidence(make_scores()).scorecard,
        challenger_metrics={"roc_auc": math.nan, "brier": 0.1},
        opponent_metrics={"roc_auc": math.inf},
        slices=(SliceScore("place", "north", 3, {"roc_auc": math.nan}, {"roc_auc": 0.5}),),
        champion=None,
    )
    text = json.dumps(card.to_json(), allow_nan=False)
    again = Scorecard.from_json(json.loads(text))
    assert math.isnan(again.challenger_metrics["roc_auc"])
    assert math.isnan(again.opponent_metrics["roc_auc"])
    assert math.isnan(again.slices[0].challenger["roc_auc"])
    assert (again.challenger_metrics["brier"], again.slices[0].opponent, again.champion) == (
        0.1,
        {"roc_auc": 0.5},
        None,
    )
    assert again.digest == card.digest


def test_no_scores_give_no_metrics() -> None:
    scores = make_scores(opponent=None)
    assert value_of(["roc_auc"], scores.y, None) == {}
    assert set(value_of(["roc_auc", "brier"], scores.y, scores.challenger)) == {"roc_auc", "brier"}


def test_slices_are_scored_on_their_own_rows_for_both_sides() -> None:
    scores = make_scores()
    north = scores.columns["place"] == "north"
    slices = {score.value: score for score in score_slices(["roc_auc"], ["place"], scores)}
    assert {value: score.rows for value, score in slices.items()} == {"north": 200, "south": 200}
    assert slices["north"].challenger == value_of(["roc_auc"], scores.y[north], scores.challenger[north])
    assert scores.opponent is not None
    assert slices["north"].opponent == value_of(["roc_auc"], scores.y[north], scores.opponent[north])
    assert next(score_slices(["roc_auc"], ["place"], make_scores(opponent=None))).opponent == {}


def test_the_most_frequent_values_come_first_and_the_rare_ones_are_left_out() -> None:
    scores = make_scores(100)
    shop = np.array(["a"] * 10 + ["b"] * 60 + ["c"] * 29 + [None], dtype=object)
    wide = Scores(scores.y, scores.challenger, scores.opponent, scores.event_time, {"shop": shop})
    found = [(score.value, score.rows) for score in score_slices(["accuracy"], ["shop"], wide, most=3)]
    assert found == [("b", 60), ("c", 29), ("a", 10)]


def test_a_column_that_was_not_kept_cannot_be_sliced() -> None:
    with pytest.raises(KeyError, match="shop"):
        list(score_slices(["accuracy"], ["shop"], make_scores()))
