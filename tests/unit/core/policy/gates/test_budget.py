from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from retrain.core.evaluation.resource_usage import Latency
from retrain.core.policy.gates import Budget, Outcome, Verdict
from retrain.testing import make_evidence, make_resource_usage, make_scores


def judge(resource_usage: Any = None, *, why: str = "", **policy: Any) -> Verdict:
    evidence = make_evidence(
        make_scores(), resource_usage=resource_usage or make_resource_usage(), resource_usage_problem=why
    )
    return Budget(check="budget", **policy).judge(evidence)


def timed(calls: int, *, rows: int = 1, p99: float = 0.004) -> Any:
    return make_resource_usage(latencies=(Latency(rows, calls, 0.002, p99),))


@pytest.mark.parametrize(
    ("policy", "outcome", "reason"),
    [
        (
            {"single_p50": "2ms"},
            Outcome.PASS,
            "p50 of scoring 1 row is 2.00 ms, within the limit of 2 ms (300 calls timed)",
        ),
        (
            {"single_p99": "3ms"},
            Outcome.FAIL,
            "p99 of scoring 1 row is 4.00 ms, above the limit of 3 ms (300 calls timed)",
        ),
        (
            {"batch_p50": "1s"},
            Outcome.PASS,
            "p50 of scoring 1000 rows is 5.00 ms, within the limit of 1000 ms (300 calls timed)",
        ),
        (
            {"batch_p99": "500us"},
            Outcome.FAIL,
            "p99 of scoring 1000 rows is 9.00 ms, above the limit of 0.5 ms (300 calls timed)",
        ),
        ({"size": "2MB"}, Outcome.PASS, "size is 2.0MB, within the limit of 2.0MB"),
        ({"size": "1MiB"}, Outcome.FAIL, "size is 2.0MB, above the limit of 1.0MB"),
        ({"memory": 30_000_000}, Outcome.PASS, "memory is 30.0MB, within the limit of 30.0MB"),
        ({"memory": "29MB"}, Outcome.FAIL, "memory is 30.0MB, above the limit of 29.0MB"),
    ],
)
def test_a_cost_is_held_to_its_bound(policy: dict[str, Any], outcome: Outcome, reason: str) -> None:
    verdict = judge(**policy)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


def test_the_verdict_names_every_cost_and_carries_the_one_nearest_to_its_bound() -> None:
    verdict = judge(single_p50="4ms", size="100MB")
    assert (verdict.value, verdict.bound) == (2.0, 4.0)
    assert verdict.reason == (
        "p50 of scoring 1 row is 2.00 ms, within the limit of 4 ms (300 calls timed); "
        "size is 2.0MB, within the limit of 100.0MB"
    )


def test_a_failing_verdict_names_what_is_over_its_bound_the_worst_first() -> None:
    verdict = judge(single_p50="1ms", size="200KB", memory="1GB")
    assert (verdict.outcome, verdict.value, verdict.bound) == (Outcome.FAIL, 2_000_000, 200_000)
    assert verdict.reason == (
        "size is 2.0MB, above the limit of 200.0KB; "
        "p50 of scoring 1 row is 2.00 ms, above the limit of 1 ms (300 calls timed)"
    )


def test_one_bound_kept_excuses_no_other() -> None:
    assert judge(single_p99="1s", memory="1MB").outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("resource_usage", "policy", "reason"),
    [
        (
            timed(99),
            {"single_p99": "1s"},
            "p99 of scoring 1 row was timed in 99 calls and min_calls is 100; lower min_calls",
        ),
        (
            timed(300),
            {"batch_p99": "1s"},
            "p99 of scoring 1000 rows was timed in 0 calls and min_calls is 100; lower min_calls",
        ),
        (timed(300, p99=math.nan), {"single_p99": "1s"}, "p99 of scoring 1 row was not measured; remove its bound"),
        (make_resource_usage(memory=math.nan), {"memory": "1GB"}, "memory was not measured; remove its bound"),
    ],
)
def test_too_few_calls_or_no_number_are_inconclusive(resource_usage: Any, policy: dict[str, Any], reason: str) -> None:
    verdict = judge(resource_usage, **policy)
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, reason)


def test_a_slow_model_may_be_judged_by_fewer_calls() -> None:
    assert judge(timed(40), single_p99="1s", min_calls=40).outcome is Outcome.PASS


def test_a_bound_that_is_not_given_asks_for_no_calls() -> None:
    assert judge(timed(0), size="1GB").outcome is Outcome.PASS


def test_the_verdict_says_why_nothing_was_measured() -> None:
    evidence = make_evidence(make_scores(), resource_usage=None, resource_usage_problem="it died")
    assert Budget(check="budget", size="1MB").judge(evidence).reason == "it died"


@pytest.mark.parametrize(
    ("bounds", "batches"),
    [
        ({"size": "1MB"}, (1,)),
        ({"single_p50": "1s"}, (1,)),
        ({"single_p99": "1s", "size": "1MB"}, (1,)),
        ({"batch_p50": "1s"}, (50,)),
        ({"batch_p99": "1s"}, (50,)),
        ({"memory": "1GB"}, (50,)),
        ({"single_p99": "1s", "memory": "1GB"}, (1, 50)),
    ],
    ids=str,
)
def test_it_asks_only_for_the_calls_of_its_bounds(bounds: dict[str, Any], batches: tuple[int, ...]) -> None:
    assert Budget(check="budget", batch_rows=50, **bounds).batches == batches


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({}, "must have one of single_p50"),
        ({"single_p50": "5 ms"}, "a number and a unit"),
        ({"single_p50": "0ms"}, "greater than"),
        ({"size": "big"}, "byte"),
        ({"size": 0}, "greater than 0"),
        ({"size": "1MB", "batch_rows": 1}, "greater than or equal to 2"),
    ],
)
def test_a_budget_that_bounds_nothing_is_refused(policy: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Budget(check="budget", **policy)


def test_a_budget_survives_its_json() -> None:
    budget = Budget(check="budget", single_p99="1500us", size="50MB")
    document = budget.model_dump(mode="json")
    assert (document["single_p99"], document["size"]) == ("1500us", 50_000_000)
    assert Budget.model_validate(document) == budget
