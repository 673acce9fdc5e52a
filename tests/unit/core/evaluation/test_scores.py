from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.require import require

from retrain.core.evaluation.scores import Scores, align_classes, check_scores
from retrain.errors import DataError, TrainingError
from retrain.testing import make_scores

# Sunday evening, Monday, the Sunday after, the Monday after that in another month
TIMES = np.array(
    ["2024-06-23T23:30", "2024-06-24T00:00", "2024-06-30T23:59", "2024-07-01T00:10"], dtype="datetime64[us]"
)


def scores_at(times: Any = TIMES, **columns: Any) -> Scores:
    empty = np.zeros(len(times))
    return Scores(empty, empty, None, times, columns)


@pytest.mark.parametrize(
    ("by", "clusters"),
    [
        (None, [0, 1, 2, 3]),
        ("hour", [0, 1, 2, 3]),
        ("day", [0, 1, 2, 3]),
        ("week", [0, 1, 1, 2]),
        ("month", [0, 0, 0, 1]),
        ("shop", [1, 0, 1, 0]),
    ],
)
def test_rows_of_one_period_or_value_share_a_cluster(by: str | None, clusters: list[int]) -> None:
    found = scores_at(shop=np.array(["b", "a", "b", "a"], dtype=object)).clusters(by)
    assert found.tolist() == clusters
    assert found.dtype == np.int64


def test_scores_on_some_rows_keep_every_part() -> None:
    scores = make_scores(rows=6)
    some = scores.on(np.array([True, False, True, False, False, True]))
    assert some.y.tolist() == scores.y[[0, 2, 5]].tolist()
    np.testing.assert_array_equal(some.challenger, scores.challenger[[0, 2, 5]])
    np.testing.assert_array_equal(require(some.opponent), require(scores.opponent)[[0, 2, 5]])
    np.testing.assert_array_equal(some.event_time, scores.event_time[[0, 2, 5]])
    assert some.columns["place"].tolist() == ["north", "north", "south"]
    assert some.baseline is scores.baseline
    assert make_scores(rows=6, opponent=None).on(scores.y == 1).opponent is None


@pytest.mark.parametrize(
    ("by", "ordered"), [(None, False), ("hour", True), ("day", True), ("week", True), ("month", False), ("shop", False)]
)
def test_calendar_periods_are_in_time_order_and_nothing_else(by: str | None, ordered: bool) -> None:
    scores = scores_at(shop=np.arange(4), month=np.array(["July", "June", "May", "May"]))  # this month is a column
    assert scores.in_time_order(by) is ordered


def test_hours_and_days_are_those_of_utc_whatever_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert scores_at().clusters("day").tolist() == [0, 1, 2, 3]
        assert scores_at().clusters("month").tolist() == [0, 0, 0, 1]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_times_before_1970_fall_into_the_right_week() -> None:
    times = np.array(
        ["1969-12-28T23:00", "1969-12-29T00:00", "1970-01-04T12:00", "1970-01-05T00:00"], dtype="datetime64[us]"
    )
    assert scores_at(times).clusters("week").tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize("missing", [None, np.nan])
def test_rows_without_a_value_are_a_cluster_of_their_own(missing: Any) -> None:
    shop = np.array(["b", missing, "a", missing], dtype=object)
    found = scores_at(shop=shop).clusters("shop")
    assert found[1] == found[3]
    assert len(set(found.tolist())) == 3
    numbers = scores_at(shop=np.array([2.0, np.nan, 1.0, np.nan])).clusters("shop")
    assert numbers[1] == numbers[3]


def test_an_unknown_column_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(DataError, match=r"got 'shop'\. Use one of: hour, day, month, week, place."):
        make_scores().clusters("shop")


@pytest.mark.parametrize("part", ["y", "challenger", "opponent", "event_time", "column"])
def test_parts_of_unequal_length_are_refused(part: str) -> None:
    whole = make_scores(40)
    parts = {name: getattr(whole, name) for name in ("y", "challenger", "opponent", "event_time")}
    columns = dict(whole.columns)
    if part == "column":
        columns["place"] = columns["place"][:-1]
    else:
        parts[part] = parts[part][:-1]
    with pytest.raises(ValueError, match="the same number of rows"):
        Scores(**parts, columns=columns)


def test_a_class_that_a_model_never_saw_has_probability_0() -> None:
    found = align_classes(np.array([[0.2, 0.8], [0.6, 0.4]]), ["c", "a"], ["a", "b", "c"])
    assert found.tolist() == [[0.8, 0.0, 0.2], [0.4, 0.0, 0.6]]


@pytest.mark.parametrize("scores", [make_scores(), make_scores(classes=3), make_scores(task="regression")])
def test_the_dummy_says_the_same_on_every_row(scores: Scores) -> None:
    found = scores.of_baseline()
    assert found.shape == scores.challenger.shape
    assert scores.baseline is not None
    assert np.unique(found.reshape(len(found), -1), axis=0).tolist() == [scores.baseline.tolist()]


def test_without_a_dummy_there_is_nothing_to_say() -> None:
    with pytest.raises(DataError, match="must hold what a dummy says; got none"):
        scores_at().of_baseline()


def test_a_rule_is_the_probability_of_the_positive_class_or_the_number_itself() -> None:
    rule = np.linspace(0, 1, 400)
    binary = make_scores(columns={"rule": rule.astype(object)}).of_rule("rule")
    assert binary.shape == (400, 2)
    assert binary[:, 1].tolist() == rule.tolist()
    assert binary.sum(axis=1) == pytest.approx(1)
    assert make_scores(task="regression", columns={"rule": rule * 9}).of_rule("rule").tolist() == (rule * 9).tolist()
    flags = make_scores(columns={"rule": rule > 0.5}).of_rule("rule")
    assert set(flags[:, 1]) == {0.0, 1.0}
    assert make_scores(0, columns={"rule": rule[:0]}).of_rule("rule").shape == (0, 2)


GOOD = [[0.25, 0.75], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("scores", "classes", "message"),
    [
        ([1.0, np.nan], None, "scores must be finite; got NaN or an infinity"),
        ([[0.5, np.inf], [0.5, 0.5]], (0, 1), "scores must be finite"),
        ([1.0], None, r"scores must have the shape \(2,\); got \(1,\)"),
        ([[1.0, 2.0], [3.0, 4.0]], None, r"scores must have the shape \(2,\); got \(2, 2\)"),
        ([0.5, 0.5], (0, 1), r"scores must have the shape \(2, 2\); got \(2,\)"),
        (GOOD, (0, 1, 2), r"scores must have the shape \(2, 3\); got \(2, 2\)"),
        ([[-0.25, 1.25], [0.5, 0.5]], (0, 1), "scores must be probabilities from 0 to 1; got a number outside of them"),
        ([[1.5, 1.5], [0.5, 0.5]], (0, 1), "scores must be probabilities from 0 to 1"),
        ([[0.2, 0.2], [0.5, 0.5]], (0, 1), "scores must add up to 1 over the classes of a row; got another sum"),
        (["a", "b"], None, "scores must be numbers; got other values"),
        ([[1.0], [2.0, 3.0]], None, "scores must be numbers; got other values"),
    ],
)
def test_scores_of_another_shape_or_range_are_refused(scores: Any, classes: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        check_scores(scores, 2, classes)


@pytest.mark.parametrize(
    ("scores", "classes", "expected"),
    [
        (GOOD, (0, 1), GOOD),
        ([[0.25, 0.5, 0.25 + 1e-6]], (0, 1, 2), [[0.25 / (1 + 1e-6), 0.5 / (1 + 1e-6), (0.25 + 1e-6) / (1 + 1e-6)]]),
        ([1, 2], None, [1.0, 2.0]),
        ([[1.0], [2.0]], None, [1.0, 2.0]),
        (np.zeros((0, 2)), (0, 1), np.zeros((0, 2))),
    ],
)
def test_good_scores_come_back_as_floats_one_row_per_row(scores: Any, classes: Any, expected: Any) -> None:
    checked = check_scores(scores, len(scores), classes)
    assert checked.dtype == np.float64
    np.testing.assert_array_equal(checked, expected)
