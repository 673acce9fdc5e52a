"""What the pages read, from a real ledger and real stores."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.builders import AS_OF, LATER, MODEL
from tests.require import require
from tests.unit.api.conftest import OTHER, Pages

from retrain.api import verification
from retrain.api.queries import ledger as ledger_reads
from retrain.errors import OutageError
from retrain.hooks import MlflowHook


def test_the_table_says_who_is_champion_since_when_and_why(pages: Pages) -> None:
    page = pages.get("models")
    assert (page["total"], [row["model"] for row in page["rows"]]) == (2, [MODEL, OTHER])
    row, never = page["rows"]
    champion = pages.ledger.standing(MODEL, "production").champion
    decision = pages.ledger.decisions(MODEL, "production")[-1]
    assert champion is not None
    assert row["champion"]["version"] == champion.version == 2
    assert row["champion"]["since"].startswith(champion.at.isoformat()[:19])
    assert (row["decision"]["id"], row["decision"]["choice"]) == (decision.id, "PROMOTE")
    low, high = require(decision.verdicts[0].interval)
    assert row["decision"]["gain"]["interval"] == {"low": low, "high": high}
    assert [point["value"] for point in row["sparkline"]] == [
        item.challenger_value for item in pages.ledger.decisions(MODEL, "production")
    ]
    assert (row["owner"], row["tags"], row["frozen"]) == (f"team-{MODEL}", ["web"], False)
    assert row["next_run"] is not None
    assert (never["champion"], never["decision"], never["sparkline"]) == (None, None, [])


@pytest.mark.parametrize(
    ("query", "models"),
    [
        ({"search": "TEAM-OTH"}, [OTHER]),
        ({"search": "web"}, [MODEL, OTHER]),
        ({"owner": f"team-{MODEL}"}, [MODEL]),
        ({"tag": "nowhere"}, []),
        ({"choice": "PROMOTE"}, [MODEL]),
        ({"choice": "REJECT"}, []),
        ({"state": "champion"}, [MODEL]),
        ({"state": "no_champion"}, [OTHER]),
        ({"state": "frozen"}, []),
        ({"sort": "-model"}, [OTHER, MODEL]),
        ({"sort": "margin"}, [MODEL, OTHER]),
        ({"sort": "-margin"}, [MODEL, OTHER]),
        ({"sort": "age"}, [MODEL, OTHER]),
        ({"sort": "-owner"}, [OTHER, MODEL]),
        ({"limit": 1, "offset": 1}, [OTHER]),
        ({"timeline": "elsewhere"}, []),
    ],
)
def test_the_table_is_filtered_sorted_and_paged(pages: Pages, query: dict[str, Any], models: list[str]) -> None:
    assert [row["model"] for row in pages.get("models", **query)["rows"]] == models


def test_a_frozen_model_shows_as_frozen(pages: Pages) -> None:
    from retrain.steps import freeze_model

    freeze_model(MODEL, "production", actor="ann", reason="holiday", ledger=pages.ledger)
    assert [row["frozen"] for row in pages.get("models", state="frozen")["rows"]] == [True]
    freeze = pages.get(f"models/{MODEL}")["freeze"]
    assert (freeze["actor"], freeze["reason"]) == ("ann", "holiday")


def test_a_model_shows_its_champions_decisions_and_what_one_may_do(pages: Pages) -> None:
    found = pages.get(f"models/{MODEL}")
    assert [move["version"] for move in found["moves"]] == [1, 2]
    assert [item["as_of"][:10] for item in found["decisions"]] == [f"{AS_OF:%Y-%m-%d}", f"{LATER.as_of:%Y-%m-%d}"]
    assert [(entry["seq"], entry["action"]) for entry in found["ledger"]] == [(4, "promote"), (2, "promote")]
    assert [item["version"] for item in found["fallbacks"]] == [1]
    assert found["version_url"] == f"http://mlflow.test:5000/#/models/{MODEL}/versions/2"
    assert set(found["permissions"].values()) == {False}
    assert set(pages.get(f"models/{MODEL}", user="ann")["permissions"].values()) == {True}
    assert len(pages.get(f"models/{MODEL}", decisions=1)["decisions"]) == 1


def test_a_pipeline_that_was_never_retrained_has_an_empty_page(pages: Pages) -> None:
    found = pages.get(f"models/{OTHER}")
    assert (found["champion"], found["decisions"], found["timelines"]) == (None, [], ["production"])


def test_a_retrain_shows_verdicts_scorecard_data_and_the_difference_to_the_champion(pages: Pages) -> None:
    first, second = pages.ledger.decisions(MODEL, "production")
    found = pages.get(f"models/{MODEL}/decisions/{second.id}")
    assert found["unavailable"] == []
    assert [verdict["reason"] for verdict in found["verdicts"]] == [verdict.reason for verdict in second.verdicts]
    metrics = {metric["name"]: metric for metric in found["scorecard"]["metrics"]}
    assert metrics["roc_auc"]["challenger"] == second.challenger_value
    assert metrics["roc_auc"]["opponent"] == second.opponent_value
    assert [metrics[name]["greater_is_better"] for name in ("roc_auc", "log_loss")] == [True, False]
    curves = {curve["side"]: curve["bins"] for curve in found["scorecard"]["calibration"]}
    assert {side: sum(item["rows"] for item in bins) for side, bins in curves.items()} == dict.fromkeys(
        ("challenger", "opponent"), second.holdout_rows
    )
    data = found["data"]
    assert (data["snapshot"], data["champion_snapshot"]) == (second.snapshot, first.snapshot)
    assert (data["train_rows"], data["columns_added"]) == (second.train_rows, [])
    before, after = (pages.world.snapshots.load(item.snapshot) for item in (first, second))
    same = {chunk.sha256 for chunk in before.chunks} & {chunk.sha256 for chunk in after.chunks}
    assert same
    assert len(data["changed"]) == len(
        {chunk.start for chunk in (*before.chunks, *after.chunks) if chunk.sha256 not in same}
    )
    assert {change["kind"] for change in found["changes"]} == {"data", "spec"}
    assert found["compared_with"] == 1
    assert found["links"]["dag_run"] == "dags/churn/runs/later"


def test_a_store_that_does_not_answer_leaves_its_part_out_and_says_so(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    asked: list[str] = []

    def down(_: MlflowHook, run_id: str, *, seconds: float) -> object:
        asked.append(run_id)
        raise OutageError("the MLflow server must answer", got=f"silence for {seconds} s", fix="Check it.")

    monkeypatch.setattr(MlflowHook, "read_run", down)
    monkeypatch.setenv("AIRFLOW__RETRAIN__STORE", f"file://{tmp_path}/elsewhere")
    from retrain.api.queries import evidence

    evidence.reliability.cache_clear()
    decision = pages.ledger.decisions(MODEL, "production")[-1]
    found = pages.get(f"models/{MODEL}/decisions/{decision.id}")
    assert found["scorecard"]["metrics"]
    assert (found["data"], found["changes"], found["scorecard"]["calibration"]) == (None, [], [])
    assert {"mlflow", "calibration"} <= {item["part"] for item in found["unavailable"]}
    again = pages.get(f"models/{MODEL}/decisions/{decision.id}")
    assert next(item["reason"] for item in again["unavailable"] if item["part"] == "mlflow").startswith(
        "the MLflow server must answer; got no answer a moment ago"
    )
    assert len(asked) == 1


def test_a_decision_of_another_model_is_none_of_this_one(pages: Pages) -> None:
    decision = pages.ledger.decisions(MODEL, "production")[-1]
    response = pages.as_user("vera").get(f"/retrain/api/models/{OTHER}/decisions/{decision.id}")
    assert response.status_code == 404
    assert response.json()["must"] == f"the decision must be one on {OTHER}"


def test_two_versions_side_by_side(pages: Pages) -> None:
    found = pages.get(f"models/{MODEL}/compare", a=1, b=2)
    assert (found["a"]["version"], found["b"]["version"], found["same_rows"]) == (1, 2, False)
    first, second = pages.ledger.decisions(MODEL, "production")
    roc_auc = next(metric for metric in found["metrics"] if metric["name"] == "roc_auc")
    assert (roc_auc["a"], roc_auc["b"]) == (first.challenger_value, second.challenger_value)
    assert {change["kind"] for change in found["changes"]} == {"data", "spec"}
    assert pages.get(f"models/{MODEL}/compare", a=1, b=1)["same_rows"] is True
    response = pages.as_user("vera").get(f"/retrain/api/models/{MODEL}/compare", params={"a": 1, "b": 77})
    assert response.status_code == 404


def test_the_ledger_is_filtered_and_paged_from_the_latest(pages: Pages) -> None:
    newest = pages.get("ledger", limit=1)
    assert ([row["seq"] for row in newest["rows"]], newest["before"]) == ([4], 4)
    oldest = pages.get("ledger", limit=3, before=newest["before"])
    assert ([row["seq"] for row in oldest["rows"]], oldest["before"]) == ([3, 2, 1], None)
    assert [row["action"] for row in oldest["rows"]] == ["decide", "promote", "decide"]
    assert pages.get("ledger", action="rollback")["rows"] == []
    assert len(pages.get("ledger", action=["promote", "force"], model=MODEL, timeline="production")["rows"]) == 2
    assert pages.get("ledger", actor="nobody")["rows"] == []
    at = oldest["rows"][-1]["at"]
    assert [row["seq"] for row in pages.get("ledger", since=at)["rows"]] == [4, 3, 2, 1]
    assert pages.get("ledger", until=at)["rows"] == []


def test_an_edited_entry_fails_the_verification(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    intact = pages.get("ledger/verify")
    assert (intact["intact"], intact["entries"], intact["problem"]) == (True, 4, None)
    pages.run_sql("UPDATE ledger SET reason = 'nothing to see' WHERE seq = 1")
    assert pages.get("ledger/verify") == intact, "a result is given for a while, whoever asks"
    monkeypatch.setattr(verification, "FRESH", timedelta(0))
    monkeypatch.setattr(verification, "WHOLE_EVERY", timedelta(0))
    health = pages.get("ledger/verify")
    assert (health["intact"], "a break at entry 1" in health["problem"]["got"]) == (False, True)


def test_a_user_who_may_not_read_a_model_does_not_learn_that_its_entry_was_edited(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    pages.run_sql("UPDATE ledger SET reason = 'nothing to see' WHERE seq = 1")
    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", lambda *_, details, **__: details.id != MODEL)
    health = pages.get("ledger/verify")
    assert (health["intact"], MODEL in json.dumps(health)) == (False, False)


def test_an_edited_decision_is_a_conflict_and_not_a_failure(pages: Pages) -> None:
    pages.run_sql("UPDATE decision SET document = '{}'")
    for path in ("models", "models?sort=margin", f"models/{MODEL}"):
        response = pages.as_user("vera").get(f"/retrain/api/{path}")
        assert (response.status_code, response.json()["must"]) == (409, "a stored decision must be the one of its id")


def test_the_export_is_the_chain(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    response = pages.as_user("vera").get("/retrain/api/ledger/export")
    entries = [json.loads(line) for line in response.text.splitlines()]
    assert entries == [entry.to_json() for entry in pages.ledger.entries()]
    monkeypatch.setattr(ledger_reads, "_EXPORTED_AT_ONCE", 1)
    assert pages.as_user("vera").get("/retrain/api/ledger/export").text == response.text
    assert pages.as_user("vera").get("/retrain/api/ledger/export", params={"model": OTHER}).text == ""


def test_timelines_name_their_models(pages: Pages) -> None:
    assert pages.get("timelines") == {"timelines": [{"name": "production", "models": [MODEL]}]}


def test_a_ledger_that_is_down_is_503_and_says_so(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    conn = {"conn_type": "retrain_ledger", "host": "127.0.0.1", "port": 9, "login": "u", "password": "hush-hush"}
    monkeypatch.setenv("AIRFLOW_CONN_RETRAIN_LEDGER", json.dumps(conn))
    for path in ("models", "timelines", f"models/{MODEL}", "ledger", "ledger/verify", "ledger/export", "attempts"):
        response = pages.as_user("vera").get(f"/retrain/api/{path}")
        assert response.status_code == 503, path
        assert set(response.json()) == {"must", "got", "fix", "link"}
        assert "hush-hush" not in response.text
    assert pages.post(f"models/{MODEL}/freeze", {"reason": "holiday"}).status_code == 503


def test_a_platform_without_the_connection_says_which_one(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_RETRAIN_LEDGER")
    response = pages.as_user("vera").get("/retrain/api/models")
    assert (response.status_code, response.json()["must"]) == (503, "Airflow must have the connection retrain_ledger")
