from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.stats.drift import ColumnProfile, Profile, profile_window
from retrain.testing import make_evidence, make_scores

AS_OF = np.datetime64("2024-07-01", "us")


def columns(rows: int = 1000, *, seed: int = 1) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, rows)
    return {
        "signal": y + random.normal(size=rows),
        "place": np.array(["north", "south", None], dtype=object)[random.integers(0, 3, rows)],
        "seen_at": np.datetime64("2024-06-01", "us") + random.integers(0, 20, rows) * np.timedelta64(1, "D"),
        "label": y,
    }


def profile(train: dict[str, Any], holdout: dict[str, Any], *, ranked: bool = False) -> Profile:
    return profile_window(train, holdout, label="label", ranked=ranked, as_of=AS_OF)


def named(found: Profile) -> dict[str, ColumnProfile]:
    return {column.column: column for column in found.features}


def test_a_quiet_window_is_quiet() -> None:
    found = profile(columns(), columns(seed=2))
    assert [column.column for column in found.features] == ["signal", "place", "seen_at"]
    assert (found.train_rows, found.holdout_rows, found.sampled, found.duplicates) == (1000, 1000, 1000, 0)
    for column in (*found.features, found.label):
        assert 0 <= column.distance < column.noise_floor < 0.2
        assert (column.unseen, column.late) == (0, 0)
    assert named(found)["signal"].label_association == pytest.approx(0.76, abs=0.03)
    assert named(found)["place"].missing_train == pytest.approx(1 / 3, abs=0.05)
    assert named(found)["place"].missing_holdout == pytest.approx(1 / 3, abs=0.05)
    assert math.isnan(found.label.label_association)


def test_a_value_that_all_rows_of_a_day_share_is_no_drift() -> None:
    # 2,000 rows of 40 days; the weather of a day has nothing to do with that of the next.
    day = np.arange(2000) // 50
    window = columns(2000) | {"weather": np.random.default_rng(3).normal(size=40)[day]}
    times = np.datetime64("2024-05-01", "us") + day * np.timedelta64(1, "D") + np.timedelta64(1, "h")
    train, holdout = (
        {name: values[rows] for name, values in window.items()} for rows in (slice(1500), slice(1500, None))
    )
    options: dict[str, Any] = {"label": "label", "ranked": False, "as_of": AS_OF}
    alone = named(profile_window(train, holdout, **options))
    by_day = named(profile_window(train, holdout, times=(times[:1500], times[1500:]), **options))
    assert alone["weather"].distance == by_day["weather"].distance
    assert alone["weather"].noise_floor < alone["weather"].distance < by_day["weather"].noise_floor
    assert by_day["signal"].noise_floor == pytest.approx(alone["signal"].noise_floor, rel=0.3)


def test_what_moved_is_seen_in_its_own_column() -> None:
    holdout = columns(seed=2)
    holdout["signal"] = holdout["signal"] + 3
    holdout["place"][:250] = "west"
    holdout["seen_at"][:5] = AS_OF + np.timedelta64(1, "us")
    holdout["seen_at"][5:7] = AS_OF
    holdout["label"] = np.ones(1000)
    found = profile(columns(), holdout)
    assert named(found)["signal"].distance > 0.6
    assert named(found)["place"].unseen == 0.25
    assert named(found)["seen_at"].late == 5
    assert found.label.distance > 0.3


def test_rows_that_were_trained_on_are_counted() -> None:
    train, holdout = columns(), columns(seed=2)
    for name in holdout:
        holdout[name][:17] = train[name][100:117]
    assert profile(train, holdout).duplicates == 17


@pytest.mark.parametrize("ranked", [True, False])
def test_a_leak_is_strong_whatever_the_task(ranked: bool) -> None:
    train = columns()
    train["label"] = train["signal"] * 3 if ranked else np.array(["no", "yes"], dtype=object)[train["label"]]
    holdout = {name: values[:500] for name, values in train.items()}
    train["leak"] = train["signal"] if ranked else np.where(train["label"] == "yes", "refunded", "kept").astype(object)
    holdout["leak"] = train["leak"][:500]
    assert named(profile(train, holdout, ranked=ranked))["leak"].label_association == pytest.approx(1)


def test_each_of_several_classes_is_looked_at() -> None:
    train = columns()
    train["label"] = np.array(["a", "b", "c"], dtype=object)[np.random.default_rng(3).integers(0, 3, 1000)]
    train["leak"] = (train["label"] == "b").astype(float)
    assert named(profile(train, train))["leak"].label_association == pytest.approx(1)


def test_of_many_rows_a_sample_tells_the_strength_and_it_is_the_same_one_each_time() -> None:
    train = {name: np.tile(values, 120) for name, values in columns().items()}
    first, again = (profile(train, columns(seed=2)) for _ in range(2))
    assert (first.train_rows, first.sampled) == (120_000, 100_000)
    assert asdict(first)["features"] == asdict(again)["features"]


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_hardly_any_rows_make_a_profile_without_claims(rows: int) -> None:
    few = {name: values[:rows] for name, values in columns().items()}
    few["label"] = np.ones(rows)
    found = profile(few, few)
    assert len(found.features) == len(few) - 1
    assert all(math.isnan(column.label_association) for column in found.features)
    assert all(math.isnan(column.distance) == (rows == 0) for column in found.features)


def test_a_small_holdout_is_compared_in_wider_cells_so_that_less_is_luck() -> None:
    small = profile(columns(2000), columns(200, seed=2))
    large = profile(columns(2000), columns(1000, seed=2))
    # 3 degrees of freedom against 19: in equal cells five times fewer rows would reach about twice as far.
    assert named(small)["signal"].noise_floor < 1.6 * named(large)["signal"].noise_floor


def test_a_profile_survives_its_json() -> None:
    found = profile(columns(), columns(0))
    card = replace(make_evidence(make_scores()).scorecard, profile=found)
    again = Scorecard.from_json(json.loads(json.dumps(card.to_json(), allow_nan=False)))
    assert again.digest == card.digest
    assert again.profile is not None
    assert again.profile.features[0].label_association == found.features[0].label_association
    assert math.isnan(again.profile.features[0].distance)
