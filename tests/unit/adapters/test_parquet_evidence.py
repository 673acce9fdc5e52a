from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrain.adapters.content_store import ContentStore
from retrain.adapters.parquet_evidence import ParquetEvidence
from retrain.core.evaluation.scores import Scores
from retrain.core.policy.evidence import Evidence
from retrain.errors import IntegrityError, NotFoundError
from retrain.testing import make_evidence, make_scores


@pytest.fixture
def store(tmp_path: Path) -> ParquetEvidence:
    return ParquetEvidence(ContentStore(str(tmp_path)))


def stored(store: ParquetEvidence, scores: Scores) -> str:
    card = make_evidence(scores).scorecard
    return store.put_scorecard(replace(card, scores=store.put_scores(scores)))


def roundtrip(store: ParquetEvidence, scores: Scores) -> Evidence:
    return store.evidence(stored(store, scores))


@pytest.mark.parametrize(
    "scores",
    [
        make_scores(),
        make_scores(classes=12),
        make_scores(task="regression"),
        make_scores(opponent=None),
        make_scores(task="regression", opponent=None),
    ],
    ids=["binary", "twelve classes", "regression", "no opponent", "regression without opponent"],
)
def test_what_was_stored_is_what_is_read(store: ParquetEvidence, scores: Scores) -> None:
    again = roundtrip(store, scores)
    assert again.scorecard == replace(make_evidence(scores).scorecard, scores=store.put_scores(scores))
    for name in ("y", "challenger", "event_time"):
        np.testing.assert_array_equal(getattr(again.scores, name), getattr(scores, name))
    assert (again.scores.opponent is None) is (scores.opponent is None)
    if scores.opponent is not None:
        np.testing.assert_array_equal(again.scores.opponent, scores.opponent)
    np.testing.assert_array_equal(again.scores.baseline, scores.baseline)
    assert again.scores.columns["place"].tolist() == scores.columns["place"].tolist()
    assert again.scores.clusters("day").tolist() == scores.clusters("day").tolist()


def test_the_same_scores_make_the_same_file(store: ParquetEvidence) -> None:
    assert store.put_scores(make_scores()) == store.put_scores(make_scores())
    assert store.put_scores(make_scores()) != store.put_scores(make_scores(seed=8))


def test_missing_values_of_a_column_stay_missing(store: ParquetEvidence) -> None:
    scores = make_scores(4)
    columns = {
        "place": np.array(["north", np.nan, None, "south"], dtype=object),
        "size": np.array([1.0, np.nan, 2.0, 2.0]),
    }
    again = roundtrip(store, replace(scores, columns=scores.columns | columns)).scores
    assert again.columns["place"].tolist() == ["north", None, None, "south"]
    assert [math.isnan(value) for value in again.columns["size"]] == [False, True, False, False]
    assert again.clusters("place").tolist() == [1, 0, 0, 2]


def test_scores_without_a_dummy_stay_without(store: ParquetEvidence) -> None:
    assert roundtrip(store, replace(make_scores(), baseline=None)).scores.baseline is None


def test_altered_scores_are_refused(store: ParquetEvidence, tmp_path: Path) -> None:
    digest = stored(store, make_scores())
    (path,) = (tmp_path / "scores").rglob("*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"scores/.* must have the digest that its name says"):
        store.evidence(digest)


def test_an_altered_scorecard_is_refused(store: ParquetEvidence, tmp_path: Path) -> None:
    digest = stored(store, make_scores())
    (path,) = (tmp_path / "scorecards").rglob("*.json")
    path.write_text(path.read_text().replace('"rows":400', '"rows":401'))
    with pytest.raises(IntegrityError, match=r"scorecards/.* must have the digest that its name says"):
        store.evidence(digest)


def test_a_scorecard_that_is_not_there_is_not_found(store: ParquetEvidence) -> None:
    with pytest.raises(NotFoundError, match="scorecards/000000000000 must be in the store"):
        store.evidence("0" * 64)
