"""Documents that the code at version 0.1 stored read back, show, and keep their digests.

They were written by that code, at commit 434a3ce, into ``tests/data/stored_before_typed_facts.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retrain.core.data.snapshot import Snapshot
from retrain.core.digest import digest_json
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.ledger.block_reason import BlockKind
from retrain.core.ledger.entries import Head, LedgerEntry
from retrain.core.ledger.origin import Origin
from retrain.core.ledger.replay import verify_chain
from retrain.core.policy.decision import Decision

STORED: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "data" / "stored_before_typed_facts.json").read_text(encoding="utf-8")
)
DECISIONS = {item["name"]: item for item in STORED["decisions"]}


@pytest.mark.parametrize("name", DECISIONS)
def test_a_stored_decision_keeps_its_document_its_digest_and_its_id(name: str) -> None:
    item = DECISIONS[name]
    decision = Decision.from_json(item["document"])
    assert digest_json(item["document"]) == item["digest"]
    assert decision.to_json() == item["document"]
    assert (decision.digest, decision.id) == (item["digest"], item["id"])


@pytest.mark.parametrize(
    ("name", "deciding", "kind"),
    [
        ("promote", ["threshold(roc_auc)", "calibration", "beats_champion(roc_auc)"], None),
        ("hold", ["beats_champion(roc_auc)", "good_in_place(x)y"], None),
        ("reject", ["fairness(accuracy)"], None),
        ("superseded", [], BlockKind.SUPERSEDED),
        ("frozen", [], BlockKind.FROZEN),
        ("quarantined", [], BlockKind.QUARANTINED),
        ("no_verdict", [], BlockKind.NO_VERDICT),
        ("failed", [], None),
    ],
)
def test_a_stored_decision_tells_what_decided_it(name: str, deciding: list[str], kind: BlockKind | None) -> None:
    decision = Decision.from_json(DECISIONS[name]["document"])
    assert [verdict.name for verdict in decision.deciding] == deciding
    assert (decision.blocked_by.kind if decision.blocked_by else None) == kind
    assert decision.blocked_by is None or str(decision.blocked_by) == decision.reason


@pytest.mark.parametrize("name", DECISIONS)
def test_a_stored_decision_names_the_run_that_requested_it(name: str) -> None:
    document = DECISIONS[name]["document"]
    assert Decision.from_json(document).origin == Origin.of_dag_run("churn", "scheduled__2024-07-01")
    by_command = Decision.from_json(document | {"origin": "local/ann"})
    assert by_command.origin == Origin.of_command("ann")
    assert by_command.to_json() == document | {"origin": "local/ann"}


def test_the_gain_of_a_stored_decision_is_that_over_the_champion() -> None:
    gain = Decision.from_json(DECISIONS["hold"]["document"]).gain
    assert gain is not None
    assert (gain.check, gain.metric, gain.value) == ("beats_champion", "roc_auc", 0.0288)


def test_a_stored_chain_verifies() -> None:
    entries = [LedgerEntry.from_json(item) for item in STORED["entries"]]
    assert [entry.to_json() for entry in entries] == STORED["entries"]
    assert verify_chain(entries) == Head.of(entries[-1])


def test_a_stored_scorecard_and_snapshot_keep_their_digests() -> None:
    for kind, item in ((Scorecard, STORED["scorecard"]), (Snapshot, STORED["snapshot"])):
        assert kind.from_json(item["document"]).digest == item["digest"]
        assert kind.from_json(item["document"]).to_json() == item["document"]
