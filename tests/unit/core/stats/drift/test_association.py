from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from retrain.core.stats.drift.association import measure_association

RANDOM = np.random.default_rng(5)
Y = RANDOM.integers(0, 2, 2000).astype(float)
NOISE = RANDOM.normal(size=2000)
ONE = np.zeros(2000, dtype=int)


def members(label: np.ndarray) -> np.ndarray:
    return label[:, None]


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_tell_a_class_by_the_area_either_way_round(sign: int) -> None:
    column = sign * (Y + NOISE)
    assert measure_association(column, ONE, members(Y), ranked=False) == pytest.approx(roc_auc_score(Y, Y + NOISE))


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_tell_a_ranked_label_by_spearmans_correlation(sign: int) -> None:
    label = RANDOM.normal(size=2000)
    column = sign * np.exp(label + NOISE)
    expected = spearmanr(label + NOISE, label).statistic
    assert measure_association(column, ONE, members(label), ranked=True) == pytest.approx(expected)


def test_what_is_only_there_for_one_class_tells_it() -> None:
    for kept in (0, 1):
        column = np.where(kept == Y, NOISE, np.nan)
        assert measure_association(column, ONE, members(Y), ranked=False) == pytest.approx(1)


def test_bins_tell_what_no_order_does() -> None:
    label = (np.abs(NOISE) > 1).astype(float)
    bins = np.digitize(NOISE, [-1, 1])
    assert measure_association(NOISE, ONE, members(label), ranked=False) < 0.6
    assert measure_association(NOISE, bins, members(label), ranked=False) == pytest.approx(1)


def test_categories_tell_on_the_later_half_what_they_taught_on_the_earlier() -> None:
    good = Y.astype(int) * 10 + RANDOM.integers(0, 3, 2000)
    assert measure_association(None, good, members(Y), ranked=False) == pytest.approx(1)
    assert measure_association(None, good, members(Y * 5), ranked=True) == pytest.approx(1)


def test_a_number_for_each_row_tells_nothing_by_chance() -> None:
    names = np.arange(2000)
    assert measure_association(None, names, members(Y), ranked=False) == 0.5
    assert measure_association(None, names, members(NOISE), ranked=True) == 0.0


def test_a_guess_is_the_least() -> None:
    wrong = np.where(np.arange(2000) < 1000, Y, 1 - Y).astype(int)  # what it teaches is turned round later
    assert measure_association(None, wrong, members(Y), ranked=False) == 0.5
    assert measure_association(None, wrong, members(Y), ranked=True) == 0.0


def test_of_several_classes_the_best_separated_counts() -> None:
    label = RANDOM.integers(0, 3, 2000)
    targets = np.equal.outer(label, np.arange(3)).astype(float)
    column = np.where(label == 2, 5 + NOISE / 10, NOISE)
    assert measure_association(column, ONE, targets, ranked=False) > 0.99


@pytest.mark.parametrize("ranked", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 2000])
def test_a_label_of_one_value_has_no_association(ranked: bool, rows: int) -> None:
    alike = np.ones((rows, 1))
    assert math.isnan(measure_association(NOISE[:rows], ONE[:rows], alike, ranked=ranked))
    assert math.isnan(measure_association(None, ONE[:rows], alike, ranked=ranked))


@pytest.mark.parametrize(("ranked", "guess"), [(True, 0.0), (False, 0.5)])
def test_a_column_of_one_value_tells_nothing(ranked: bool, guess: float) -> None:
    assert measure_association(np.ones(2000), ONE, members(Y), ranked=ranked) == guess


def test_too_few_rows_of_a_class_have_no_association_because_luck_separates_them() -> None:
    few = (np.argsort(np.argsort(NOISE)) >= 1991).astype(float)  # nine rows, the highest of all
    assert math.isnan(measure_association(NOISE, ONE, members(few), ranked=False))
    assert math.isnan(measure_association(NOISE, ONE, members(1 - few), ranked=False))
    ten = (np.argsort(np.argsort(NOISE)) >= 1990).astype(float)
    assert measure_association(NOISE, ONE, members(ten), ranked=False) == pytest.approx(1)
    assert math.isnan(measure_association(NOISE[:9], ONE[:9], members(NOISE[:9]), ranked=True))


def test_a_rare_class_does_not_silence_the_others() -> None:
    targets = np.column_stack([Y, np.arange(2000) == 7]).astype(float)
    assert measure_association(Y, ONE, targets, ranked=False) == pytest.approx(1)
