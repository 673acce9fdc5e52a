"""The pages' reads of the ledger, on SQLite and on PostgreSQL: they must say what the ledger's own methods say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text
from tests.builders import AS_OF
from tests.servers import fresh_database

from retrain.adapters.sql_ledger import Attempt, SqlLedger, attempts
from retrain.adapters.sql_ledger.database import Database
from retrain.core.digest import digest_json
from retrain.core.ledger.entries import Action, LedgerEntry, Move
from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.request import RetrainRequest
from retrain.errors import IntegrityError, OutageError

MODELS = ["alpha", "beta", "gamma"]
GAIN = Verdict("beats_champion", Outcome.PASS, "better", 0.02, 0.0, (0.01, 0.03), metric="roc_auc")


def decide(ledger: SqlLedger, model: str, week: int, *, timeline: str = "production", **changes: Any) -> Decision:
    """Store a PROMOTE of version `week + 1`, whose metric is 0.7 and a hundredth more a week."""
    as_of = AS_OF + timedelta(weeks=week)
    request = RetrainRequest(model, timeline, as_of, Origin.of_dag_run(model, f"week-{week}"), "scheduled", "weekly")
    ledger.open_retrain(request)
    made = Challenger(digest_json([model, week]), week + 1, "r" * 32, "m-1", "d" * 64)
    decision = Decision(
        request.id,
        model,
        timeline,
        as_of,
        Choice.PROMOTE,
        "better",
        request.origin,
        (GAIN,),
        made,
        week or None,
        week,
        "champion" if week else "baseline",
        "roc_auc",
        0.7 + week / 100,
        0.6 + week / 100,
    )
    return ledger.record(replace(decision, **changes))


def promote(ledger: SqlLedger, decision: Decision) -> LedgerEntry:
    champion = ledger.pointer(decision.model, decision.timeline)
    made = decision.challenger
    assert made is not None
    return ledger.append(
        Move(
            Action.PROMOTE,
            decision.model,
            decision.timeline,
            made.version,
            made.manifest_digest,
            decision.as_of,
            made.key,
            champion.generation if champion else 0,
            digest_json([decision.id, "promote"]),
            decision.id,
            decision.digest,
            "scheduled",
        )
    )


@pytest.fixture
def ledger(database: URL) -> SqlLedger:
    """Alpha has two champions and then a HOLD, beta a REJECT alone, gamma a champion in a simulation."""
    ledger = SqlLedger(database)
    promote(ledger, decide(ledger, "alpha", 0))
    promote(ledger, decide(ledger, "alpha", 1))
    decide(ledger, "alpha", 2, choice=Choice.HOLD, reason="no better")
    decide(ledger, "beta", 0, choice=Choice.REJECT, verdicts=(), challenger=None, challenger_value=None)
    promote(ledger, decide(ledger, "gamma", 0, timeline="what-if"))
    return ledger


def test_the_heads_are_champion_and_last_decision_of_each_model_of_a_timeline(ledger: SqlLedger) -> None:
    alpha, beta = ledger.overview.heads("production")
    assert (alpha.model, alpha.champion) == ("alpha", ledger.standing("alpha", "production").champion)
    last = ledger.decisions("alpha", "production")[-1]
    assert alpha.decision is not None
    assert (alpha.decision.id, alpha.decision.choice, alpha.decision.at) == (last.id, last.choice, last.at)
    assert (beta.model, beta.champion) == ("beta", None)
    assert [head.model for head in ledger.overview.heads("what-if")] == ["gamma"]
    assert ledger.overview.heads("nowhere") == []


def test_a_freeze_counts_until_it_is_lifted_and_on_its_timeline_alone(ledger: SqlLedger) -> None:
    from retrain.steps import freeze_model, unfreeze_model

    freeze_model("alpha", "production", actor="ann", reason="holiday", ledger=ledger)
    freeze_model("gamma", "what-if", actor="ann", reason="holiday", ledger=ledger)
    assert [head.frozen for head in ledger.overview.heads("production")] == [True, False]
    unfreeze_model("alpha", "production", actor="ann", reason="back", ledger=ledger)
    assert [head.frozen for head in ledger.overview.heads("production")] == [False, False]
    assert [head.frozen for head in ledger.overview.heads("what-if")] == [True]


def test_the_metrics_are_those_of_who_was_champion_after_each_decision(ledger: SqlLedger) -> None:
    found = ledger.overview.champion_metrics("production", MODELS, points=24)
    assert {model: [value for _, value in points] for model, points in found.items()} == {"alpha": [0.7, 0.71, 0.62]}
    assert [as_of for as_of, _ in found["alpha"]] == [AS_OF + timedelta(weeks=week) for week in range(3)]
    decide(ledger, "alpha", 3)  # decided, and refused by who should have approved it
    (_, value) = ledger.overview.champion_metrics("production", MODELS, points=1)["alpha"][0]
    assert value == 0.63


def test_decisions_are_found_by_id_by_run_and_by_version(ledger: SqlLedger) -> None:
    stored = ledger.decisions("alpha", "production")
    assert ledger.overview.last_decisions("alpha", "production", limit=2) == stored[1:]
    assert ledger.overview.decisions([stored[0].id, "none"]) == {stored[0].id: stored[0]}
    assert ledger.overview.decisions_of(Origin.of_dag_run("alpha", "week-1")) == [stored[1]]
    assert ledger.overview.decisions_of(Origin.of_dag_run("alpha", "week-")) == []
    assert ledger.overview.decisions_on("alpha", 2) == [stored[1]]
    assert ledger.overview.decisions_on("beta", 1) == []
    assert ledger.overview.decision_count("alpha", "production") == 3
    request = ledger.overview.requester(stored[1].request_id)
    assert request is not None
    assert (request.actor, request.reason) == ("scheduled", "weekly")
    assert ledger.overview.requester("none") is None


def test_timelines_and_models_are_those_of_the_whole_ledger(ledger: SqlLedger) -> None:
    assert ledger.overview.models() == set(MODELS)
    decide(ledger, "alpha", 0, timeline="what-if")
    assert ledger.overview.timelines("alpha") == ["production", "what-if"]


def test_entries_are_filtered_and_paged_from_the_latest(ledger: SqlLedger) -> None:
    everything = ledger.entries()[::-1]
    overview = ledger.overview
    assert overview.entries(MODELS) == everything
    assert overview.entries(["alpha"], limit=1) == [ledger.entries("alpha")[-1]]
    assert overview.entries(MODELS, before=everything[0].seq) == everything[1:]
    assert overview.entries(MODELS, timeline="what-if") == ledger.entries(timeline="what-if")[::-1]
    assert overview.entries(MODELS, actions=[Action.ROLLBACK, Action.FORCE]) == []
    assert overview.entries(MODELS, actor="nobody") == []
    assert overview.entries(MODELS, since=everything[0].at) == everything[:1]
    assert overview.entries(MODELS, until=everything[-1].at) == []
    assert len(overview.entries(MODELS, actions=[Action.PROMOTE])) == 3
    assert len(overview.entries(MODELS, actions=[Action.DECIDE])) == 5
    assert overview.entries([]) == []
    last = overview.last_seq()
    assert last == everything[0].seq
    assert overview.entries_after(0, MODELS, until=last, limit=99) == everything[::-1]
    assert overview.entries_after(1, MODELS, until=last - 1, limit=1) == everything[::-1][1:2]
    assert overview.entries_after(0, ["gamma"], until=last, limit=99) == ledger.entries("gamma")


def test_what_was_edited_is_an_error_in_each_list(ledger: SqlLedger, database: URL) -> None:
    decision = ledger.decisions("alpha", "production")[-1]
    with create_engine(database).begin() as connection:
        connection.execute(text("""UPDATE decision SET document = '{"model": "alpha"}'"""))
    for read in (
        lambda: ledger.overview.last_decisions("alpha", "production", limit=9),
        lambda: ledger.overview.decisions([decision.id]),
        lambda: ledger.overview.decisions_of(decision.origin),
    ):
        with pytest.raises(IntegrityError, match="the one of its id"):
            read()


def test_an_attempt_is_written_before_and_after(database: URL) -> None:
    log = SqlLedger(database).attempts
    attempt = Attempt("ann", "rollback", "alpha")
    seq = log.begin(attempt)
    (asked,) = log.list(["alpha"])
    assert (asked.seq, asked.attempt, asked.at.tzinfo is not None) == (seq, attempt, True)
    attempt.status, attempt.outcome, attempt.run_id = 202, "accepted", "run"
    log.update(seq, attempt)
    later = log.begin(Attempt("vera", "freeze", "beta"))
    assert [item.seq for item in log.list(MODELS)] == [later, seq]
    assert [item.attempt for item in log.list(MODELS, before=later)] == [attempt]
    assert log.list(MODELS, limit=1)[0].seq == later
    assert log.list(["gamma"]) == []
    assert log.models() == {"alpha", "beta"}


def test_an_attempt_admits_one_run_of_one_user_on_one_model(database: URL) -> None:
    log = SqlLedger(database).attempts
    log.begin(Attempt("vera", "rollback", "alpha", dag_id="retrain_rollback"))
    log.begin(Attempt("ann", "rollback", "alpha", dag_id="retrain_rollback", run_id="run"))
    assert log.admits("ann", "alpha", "retrain_rollback", "run")
    for other in (
        ("vera", "alpha", "retrain_rollback", "run"),
        ("ann", "beta", "retrain_rollback", "run"),
        ("ann", "alpha", "retrain_force", "run"),
        ("ann", "alpha", "retrain_rollback", "another"),
    ):
        assert not log.admits(*other)


def test_attempts_that_are_old_enough_go_a_few_with_each_new_one(
    database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_DELETED_AT_ONCE", 2)
    log = SqlLedger(database).attempts
    first = [log.begin(Attempt("vera", "freeze", "alpha")) for _ in range(5)]
    assert len(log.list(MODELS)) == 5, "without a limit all stay"
    log.begin(Attempt("vera", "freeze", "alpha"), timedelta(days=1))
    assert len(log.list(MODELS)) == 6
    last = log.begin(Attempt("vera", "freeze", "alpha"), timedelta(0))
    assert log.list(MODELS, limit=1)[0].seq == last
    assert {item.seq for item in log.list(MODELS)}.isdisjoint(first[:2])
    assert len(log.list(MODELS)) == 5


@pytest.mark.integration
def test_an_attempt_waits_for_no_writer(postgresql: URL) -> None:
    with fresh_database(postgresql, "migrated") as url, Database(url).writing():
        log = SqlLedger(url, at_most=1).attempts
        log.update(log.begin(Attempt("vera", "freeze", "alpha")), Attempt("vera", "freeze", "alpha", status=403))
        assert [item.attempt.status for item in log.list(["alpha"])] == [403]


@pytest.mark.integration
def test_a_page_gives_up_a_lock_sooner_than_a_task(postgresql: URL) -> None:
    with fresh_database(postgresql, "migrated") as url:
        database = Database(url, at_most=1)
        with create_engine(url).begin() as migration:
            migration.execute(text("LOCK TABLE ledger"))
            with pytest.raises(OutageError, match=r"55P03|57014"):
                SqlLedger(url, at_most=1).entries("alpha")
        with database.reading() as connection:
            limits = [
                connection.execute(text(f"SHOW {name}")).scalar_one() for name in ("lock_timeout", "statement_timeout")
            ]
            options = connection.connection.dbapi_connection.get_dsn_parameters()  # type: ignore[union-attr]
        assert limits == ["1s", "1s"]
        assert (options["connect_timeout"], options["tcp_user_timeout"]) == ("1", "1000")
