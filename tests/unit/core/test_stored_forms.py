"""What is stored keeps its bytes: the canonical JSON and the digest of one object of every stored kind.

``tests/data/stored_documents.json`` was written by the code at commit fe61feb, which still had one pair of functions per kind;
the decisions with a typed origin, those with a validation, and the window with an end of its training range, by the first code
that had one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from tests.builders import make_request

from retrain.core.data.snapshot import Chunk, Snapshot
from retrain.core.data.validation import ExpectationResult, ValidationReport
from retrain.core.data.window import Window
from retrain.core.digest import canonical_json, digest_json
from retrain.core.evaluation.resource_usage import Latency, ResourceUsage
from retrain.core.evaluation.scorecard import Scorecard, SliceScore
from retrain.core.ledger.block_reason import BlockKind, BlockReason
from retrain.core.ledger.entries import Action, Head, LedgerEntry, Pointer
from retrain.core.ledger.origin import Origin
from retrain.core.ledger.step_result import Step as RetrainStep
from retrain.core.ledger.step_result import StepResult
from retrain.core.policy.backtest import Backtest, Step
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.error_control import Allotment
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.stats.drift import ColumnProfile, Profile

NAN: Final = math.nan
AT: Final = datetime(2024, 7, 1, 6, 30, tzinfo=UTC)
LATER: Final = AT + timedelta(days=1, microseconds=250)
FILE: Final = Path(__file__).parents[2] / "data" / "stored_documents.json"

HOLDOUT: Final = AT - timedelta(days=30)
WINDOW: Final = Window(AT, AT - timedelta(days=150), HOLDOUT, HOLDOUT, AT - timedelta(days=1))
POINTER: Final = Pointer("churn", "production", 3, "d" * 64, 3, AT - timedelta(days=30), "k" * 64)
COLUMN: Final = ColumnProfile("place", 0.25, 0.0625, 0.0, 1, 0.5, NAN, 2)
PROFILE: Final = Profile((replace(COLUMN, column="signal", label_association=0.75), COLUMN), COLUMN, 900, 100, 900, 0)
USAGE: Final = ResourceUsage((Latency(1, 100, 0.001, NAN), Latency(1000, 10, 0.01, 0.02)), 123456, NAN)
CARD: Final = Scorecard(
    key="k" * 64,
    model="churn",
    timeline="production",
    rows=100,
    opponent="champion",
    why_no_opponent="",
    champion=POINTER,
    challenger_metrics={"roc_auc": 0.71, "log_loss": math.inf, "brier": 0},
    opponent_metrics={"roc_auc": 0.69, "log_loss": NAN, "brier": 1.0},
    scores="s" * 64,
    dropped_rows=7,
    slices=(
        SliceScore("place", "nörth", 40, {"roc_auc": NAN}, {}),
        SliceScore("place", "south", 60, {"roc_auc": 1}, {}),
    ),
    profile=PROFILE,
    resource_usage=USAGE,
    resource_usage_problem="",
)
PASSED: Final = Verdict("threshold", Outcome.PASS, "it keeps its bound", 0.7, 0, metric="roc_auc")
VERDICTS: Final = (
    PASSED,
    Verdict(
        "beats_champion", Outcome.INCONCLUSIVE, "not significant", 0.02, 0.0, (-0.01, NAN), "delong", 0.025, 0.05, 39000, "roc_auc"
    ),
    Verdict("fairness", Outcome.FAIL, "too far", NAN, math.inf, (NAN, NAN), metric="accuracy", column="place", group="süd"),
)  # fmt: skip
DECISION: Final = Decision(
    request_id="r" * 64,
    model="churn",
    timeline="production",
    as_of=AT,
    choice=Choice.REJECT,
    reason="fairness(accuracy): too far",
    origin=Origin.parse("dag:churn/run"),
    verdicts=VERDICTS,
    challenger=Challenger("k" * 64, 4, "run", "model", "m" * 64),
    champion_version=3,
    champion_generation=3,
    opponent="champion",
    metric="roc_auc",
    challenger_value=0.71,
    opponent_value=NAN,
    train_rows=900,
    holdout_rows=100,
    snapshot="a" * 64,
    scorecard="b" * 64,
    holdout=(AT - timedelta(days=30), AT),
    consulted=1.5,
    allotment=Allotment("lord", 0.01, "t" * 64, "lord/production", 3),
    at=LATER,
    decided_by=(2,),
    form=2,
)
FAILED: Final = Decision(
    request_id="r" * 64,
    model="churn",
    timeline="production",
    as_of=AT,
    choice=Choice.REJECT,
    reason="no data",
    origin=Origin.parse("dag:churn/run"),
    failed_step="snapshot",
    form=2,
)
ENTRY: Final = LedgerEntry(
    seq=1,
    at=LATER,
    action=Action.PROMOTE,
    model="churn",
    timeline="production",
    generation=1,
    version=4,
    previous_version=None,
    manifest_digest="m" * 64,
    as_of=AT,
    key="k" * 64,
    decision_id="i" * 64,
    decision_digest="d" * 64,
    idempotency_key="once",
    actor="ann",
    reason="bétter",
    approver="bob",
    expires_at=None,
    previous_hash="0" * 64,
).sealed()
STEP: Final = Step(AT, 4, Choice.HOLD, "not looked at", None, NAN, 0.7, 1, NAN)


@dataclass(frozen=True)
class Stored:
    """An object of a stored kind, and how its document is read and written."""

    item: Any
    write: Callable[[Any], Any]
    read: Callable[[Any], Any] | None = None


def _of_pair(item: Any) -> Stored:
    return Stored(item, type(item).to_json, type(item).from_json)


STORED: Final[dict[str, Stored]] = {
    "window": _of_pair(WINDOW),
    "window that trains up to the label delay before its holdout": _of_pair(
        replace(WINDOW, train_end=HOLDOUT - timedelta(days=1))
    ),
    "snapshot": _of_pair(
        Snapshot(
            "q" * 64,
            WINDOW,
            "at",
            (("at", "timestamp[us, tz=UTC]"), ("signal", "double")),
            (Chunk(AT, LATER, "c" * 64, 10, 2048),),
            900,
            100,
        )
    ),
    "validation": Stored(
        ValidationReport("rides", (ExpectationResult("expect_x", "place", False, 12.5, "", "warning"),)),
        ValidationReport.to_json,
    ),
    "pointer": _of_pair(POINTER),
    "entry": _of_pair(ENTRY),
    "forced entry": _of_pair(
        replace(ENTRY, seq=2, action=Action.FORCE, expires_at=LATER, previous_version=3, generation=2).sealed()
    ),
    "refused entry": _of_pair(replace(ENTRY, seq=3, action=Action.REFUSE, generation=None).sealed()),
    "scorecard": _of_pair(CARD),
    "scorecard without opponent": _of_pair(
        replace(
            CARD,
            opponent=None,
            why_no_opponent="gone",
            champion=None,
            opponent_metrics={},
            profile=None,
            resource_usage=None,
        )
    ),
    "verdict": _of_pair(VERDICTS[2]),
    "decision": _of_pair(DECISION),
    "decision to promote": _of_pair(
        replace(DECISION, choice=Choice.PROMOTE, reason=PASSED.reason, verdicts=(PASSED,), decided_by=(0,))
    ),
    "blocked decision": _of_pair(
        replace(
            DECISION,
            choice=Choice.HOLD,
            reason="frozen",
            decided_by=(),
            blocked_by=BlockReason(BlockKind.FROZEN, "ann", AT, "a holiday"),
        )
    ),
    "superseded decision": _of_pair(
        replace(
            DECISION,
            choice=Choice.HOLD,
            reason="superseded",
            decided_by=(),
            blocked_by=BlockReason(BlockKind.SUPERSEDED, champion_version=3, champion_as_of=AT),
        )
    ),
    "failed decision": _of_pair(FAILED),
    "decision with a typed origin": _of_pair(
        replace(DECISION, origin=Origin.of_dag_run("churn", "scheduled__2024-07-01T00:00:00+00:00"), form=3)
    ),
    "decision of a command": _of_pair(replace(FAILED, origin=Origin.of_command("ann"), form=3)),
    "decision with a validation": _of_pair(
        replace(DECISION, origin=Origin.of_dag_run("churn", "manual__1"), validation="v" * 64, form=4)
    ),
    "failed decision of the form with a validation": _of_pair(replace(FAILED, origin=Origin.of_command("ann"), form=4)),
    "entry of a decision": _of_pair(
        replace(ENTRY, seq=4, action=Action.DECIDE, generation=None, reason="HOLD: bétter", approver="").sealed()
    ),
    "entry of an approval": _of_pair(replace(ENTRY, seq=5, action=Action.APPROVE, generation=None).sealed()),
    "head": _of_pair(Head(7, "h" * 64)),
    "head of a timeline": _of_pair(Head.over([ENTRY, ENTRY])),
    "result of a step": _of_pair(
        StepResult(RetrainStep.EVALUATE, "r" * 64, "a" * 64, "", "k" * 64, 4, "m" * 64, "b" * 64, "c" * 64)
    ),
    "result of a validation": _of_pair(StepResult(RetrainStep.VALIDATE, "r" * 64, "a" * 64, suite="e" * 64)),
    "backtest": Stored(
        Backtest("today", "roc_auc", True, (STEP, replace(STEP, champion=4, promotion_gain=-0.1))),
        Backtest.to_json,
    ),
    "request id": Stored(make_request(origin=Origin.parse("dag:churn/run")), lambda request: request.id),
}
DOCUMENTS: Final[dict[str, dict[str, Any]]] = json.loads(FILE.read_text(encoding="utf-8"))


def test_every_stored_kind_has_a_document() -> None:
    assert STORED.keys() == DOCUMENTS.keys()


@pytest.mark.parametrize("name", STORED)
def test_what_is_written_keeps_its_bytes_and_its_digest(name: str) -> None:
    document = STORED[name].write(STORED[name].item)
    assert canonical_json(document) == canonical_json(DOCUMENTS[name]["document"])
    assert digest_json(document) == DOCUMENTS[name]["digest"]


@pytest.mark.parametrize("name", [name for name, stored in STORED.items() if stored.read])
def test_what_was_written_is_read_and_written_again_to_the_byte(name: str) -> None:
    stored, document = STORED[name], DOCUMENTS[name]["document"]
    assert stored.read is not None
    again = stored.read(json.loads(canonical_json(document)))
    assert type(again) is type(stored.item)
    assert canonical_json(stored.write(again)) == canonical_json(document)


@pytest.mark.parametrize("name", [name for name, stored in STORED.items() if stored.read])
def test_what_is_read_equals_what_was_stored_but_for_numbers_that_are_not_finite(name: str) -> None:
    stored = STORED[name]
    assert stored.read is not None
    again = stored.read(DOCUMENTS[name]["document"])
    assert _hide_missing_numbers(repr(again)) == _hide_missing_numbers(repr(stored.item))


def _hide_missing_numbers(text: str) -> str:
    """Return a text in which every number that is not finite is the same: all of them are stored as null."""
    return text.replace("inf", "nan").replace("nan", "None")
