from __future__ import annotations

from typing import Any

import pytest
from tests.builders import ROOT
from tests.estimators import EMAIL

from retrain.adapters.user_code.project_gates import load_gates
from retrain.core.policy.gates import Custom, Outcome, Verdict
from retrain.testing import make_evidence, make_scores

EVIDENCE = make_evidence(make_scores())


def custom(name: str, **changes: Any) -> Custom:
    return Custom(**({"check": "custom", "gate": f"tests.gates:{name}"} | changes))


def judge(name: str, **changes: Any) -> Verdict:
    return custom(name, **changes).judge_by(load_gates(ROOT), EVIDENCE)


def test_the_verdict_is_that_of_the_class_with_its_params() -> None:
    verdict = judge("GoodInPlace", params={"place": "north", "metric": "brier", "over": 0.9}, reads=["place"])
    assert (verdict.name, verdict.outcome, verdict.bound) == ("good_in_place(brier)", Outcome.FAIL, 0.9)
    assert judge("GoodInPlace", params={"place": "north"}, reads=["place"]).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("gate", "kind"),
    [
        ("Raising", "ValueError"),
        ("Leaving", "SystemExit"),
        ("SayingYes", "TypeError"),
        ("SayingPass", "TypeError"),
        ("SayingNothing", "TypeError"),
        ("SayingAnArray", "TypeError"),
        ("SayingMethod", "TypeError"),
        ("Missing", "AttributeError"),
        ("not_a_gate", "TypeError"),
        ("EMAIL", "TypeError"),
        ("GoodInPlace", "ValidationError"),
    ],
)
def test_whatever_a_class_does_there_is_a_verdict_without_its_words(gate: str, kind: str) -> None:
    verdict = judge(gate)
    assert (verdict.name, verdict.outcome) == (f"custom({gate})", Outcome.INCONCLUSIVE)
    assert verdict.reason == f"tests.gates:{gate} raised {kind}; test it with `retrain.testing.check_gate`"
    assert EMAIL not in str(verdict.to_json())


def test_a_module_that_is_not_there_is_inconclusive() -> None:
    verdict = judge("any", gate="tests.nowhere:Missing")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("tests.nowhere:Missing raised ModuleNotFoundError")


def test_a_long_reason_becomes_one_line_that_no_terminal_acts_on() -> None:
    verdict = judge("SayingALot")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("so \\x1b[31mvery very")
    assert verdict.reason.isprintable()
    assert len(verdict.reason) == 500


def test_text_that_no_database_takes_is_spelled_out() -> None:
    verdict = judge("SayingSurrogates")
    assert (verdict.name, verdict.reason) == ("say ing\\ud800", "because\\udfff")


def test_what_a_class_does_to_the_evidence_no_other_gate_sees() -> None:
    before = EVIDENCE.scores.challenger.copy()
    assert judge("Overwriting").outcome is Outcome.PASS
    assert (EVIDENCE.scores.challenger == before).all()
    assert EVIDENCE.scorecard.challenger_metrics


def test_a_column_that_the_spec_does_not_name_is_reported() -> None:
    assert judge("Reading", reads=["place"]).reason == "the gate uses plan; list them in its `reads`"
    assert judge("Reading", reads=["plan", "place"]).outcome is Outcome.PASS
    assert custom("Reading", reads=["plan", "place"]).columns == ("plan", "place")


def test_alone_it_cannot_judge() -> None:
    verdict = custom("Saying").judge(EVIDENCE)
    assert (verdict.outcome, verdict.reason) == (
        Outcome.INCONCLUSIVE,
        "the gate's class was not loaded; judge it with `judge_by`",
    )
