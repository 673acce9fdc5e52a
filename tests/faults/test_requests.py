"""Hostile requests, and the same request many times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError
from tests.builders import make_spec
from tests.faults.stage import Stage, check_invariants

from retrain.core.data.window import resolve_as_of
from retrain.core.names import is_name

HOSTILE = [
    "../../etc/passwd", "/etc/passwd", "a\x00b", "chu\nrn", "сhurn", "a" * 10_000, "a'; DROP TABLE ledger; --",
    "<img src=x onerror=alert(1)>", "churn' or '1'='1", "models:/churn/1", "%2e%2e%2f", "chu rn", "Churn", "",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:16]))
def test_a_hostile_name_is_refused_as_model_timeline_alias_and_as_of(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(ValidationError, match="must be 1 to 64 lower-case letters"):
        make_spec(model=name)
    with pytest.raises(ValidationError, match=r"promotion.alias\n  Value error, must be 1 to 64"):
        make_spec(promotion={"alias": name})
    with pytest.raises(ValueError, match=r"as_of|an instant must be"):
        resolve_as_of(name, data_interval_end=None, run_after=None)


@pytest.mark.parametrize("name", ["churn\n", "\nchurn", " churn", "churn\t"])
def test_white_space_around_a_name_is_stripped_in_a_spec_and_an_error_elsewhere(name: str) -> None:
    assert not is_name(name)
    assert make_spec(model=name, promotion={"alias": name}).promotion.alias == make_spec(model=name).model == "churn"


@pytest.mark.live
def test_one_key_asked_for_twenty_times_is_one_version_one_decision_and_one_row(stage: Stage) -> None:
    stage.publish(1)
    with ThreadPoolExecutor(8) as pool:
        entries = set(pool.map(lambda _: stage.promote(stage.decide(1)).seq, range(20)))
    assert len(entries) == len(stage.entries()) == 1
    assert stage.champion == stage.alias == 1
    check_invariants(stage.spec, stage)
