"""The rating of all versions on the page of a model."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from tests.builders import MODEL
from tests.rated import CHAMPION, LAST, measure_ageing_versions, record_rated
from tests.unit.api.conftest import Pages

from retrain.adapters.sql_ledger import SqlLedger
from retrain.api.queries import ratings


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    ratings._rate.cache_clear()


def test_a_rated_timeline_shows_every_version_ageing_and_a_history(pages: Pages) -> None:
    record_rated(pages.ledger, MODEL, "rated", measure_ageing_versions())
    found = pages.get(f"models/{MODEL}", timeline="rated")["ratings"]
    assert (found["metric"], found["windows"], found["champion"], found["challenger"]) == (
        "roc_auc",
        LAST - 1,
        CHAMPION,
        LAST,
    )
    versions = {each["version"]: each for each in found["versions"]}
    assert list(versions) == list(range(1, LAST + 1))
    assert (versions[CHAMPION]["gain"], versions[CHAMPION]["interval"]) == (0, {"low": 0, "high": 0})
    assert versions[CHAMPION - 1]["interval"]["high"] < 0 < versions[LAST]["gain"]
    assert sum(each["chance_best"] for each in versions.values()) == pytest.approx(1)
    assert found["ageing"]["loss"] > 0
    assert found["ageing"]["words"].startswith("A month of age costs a version about")
    assert [(each["challenger"], each["champion"]) for each in found["history"]][:3] == [(2, 1), (3, 1), (4, 3)]


def test_a_rating_is_made_once_for_the_same_decisions(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    measurements = SqlLedger.measurements

    def count(*arguments: Any) -> Any:
        asked.append("measurements")
        return measurements(*arguments)

    monkeypatch.setattr(SqlLedger, "measurements", count)
    year = measure_ageing_versions()
    record_rated(pages.ledger, MODEL, "rated", year[:4])
    pages.get(f"models/{MODEL}", timeline="rated")
    pages.get(f"models/{MODEL}", timeline="rated")
    assert len(asked) == 1
    record_rated(pages.ledger, MODEL, "rated", year[4:5])
    assert pages.get(f"models/{MODEL}", timeline="rated")["ratings"]["windows"] == 5
    assert len(asked) == 2


def test_a_ledger_without_measurements_has_no_rating_and_is_read_no_further(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(SqlLedger, "measurements")
    assert pages.get(f"models/{MODEL}")["ratings"] is None
    assert pages.get(f"models/{MODEL}", timeline="never")["ratings"] is None


def test_a_scorecard_that_is_gone_or_altered_leaves_the_page_without_a_rating(
    pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    record_rated(pages.ledger, MODEL, "rated", measure_ageing_versions())
    pages.run_sql("UPDATE scorecard SET document = json_set(document, '$.rows', 7)")
    with caplog.at_level(logging.WARNING):
        assert pages.get(f"models/{MODEL}", timeline="rated")["ratings"] is None
    assert f"The versions of {MODEL} could not be rated" in caplog.text
    pages.run_sql("DELETE FROM scorecard")
    assert pages.get(f"models/{MODEL}", timeline="rated")["ratings"] is None


def test_numbers_that_no_filter_can_take_leave_the_page_without_a_rating(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise np.linalg.LinAlgError("Matrix is not positive definite")

    record_rated(pages.ledger, MODEL, "rated", measure_ageing_versions()[:3])
    monkeypatch.setattr(ratings, "rate_timeline", fail)
    assert pages.get(f"models/{MODEL}", timeline="rated")["ratings"] is None
