"""What a change needs, what it starts, and the row that says who tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.builders import MODEL
from tests.unit.api.conftest import OTHER, Pages, token_of

REASON = "it went wrong at three"
Runs = Callable[[str], dict[str, Any]]


def test_a_rollback_is_a_run_in_the_users_name_and_the_same_again_is_a_conflict(pages: Pages, runs: Runs) -> None:
    first = pages.post(f"models/{MODEL}/rollback", {"reason": REASON})
    assert first.status_code == 202, first.text
    accepted = first.json()
    assert accepted["link"] == f"dags/retrain_rollback/runs/{accepted['run_id']}"
    conf = {"model": MODEL, "timeline": "production", "reason": REASON, "to": None, "dry_run": False}
    assert runs("retrain_rollback") == {accepted["run_id"]: (conf, "ann")}
    assert pages.ledger.attempts.admits("ann", MODEL, "retrain_rollback", accepted["run_id"])
    again = pages.post(f"models/{MODEL}/rollback", {"reason": "said by somebody else"}, user="root")
    assert (again.status_code, again.json()["link"]) == (409, accepted["link"])
    other = pages.post(f"models/{MODEL}/rollback", {"reason": REASON, "to": 1})
    assert other.status_code == 202
    assert len(runs("retrain_rollback")) == 2


def test_of_fifty_identical_requests_one_is_granted(pages: Pages, runs: Runs) -> None:
    answers = [pages.post(f"models/{MODEL}/retrain", {"reason": REASON}).status_code for _ in range(50)]
    assert sorted(answers) == [202] + [409] * 49
    assert len(runs(MODEL)) == 1


def test_what_failed_may_be_asked_again(pages: Pages, runs: Runs) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import update

    first = pages.post(f"models/{MODEL}/rollback", {"reason": REASON}).json()["run_id"]
    with create_session() as session:
        session.execute(update(DagRun).where(DagRun.run_id == first).values(state="failed"))
    again = pages.post(f"models/{MODEL}/rollback", {"reason": REASON})
    assert again.status_code == 202
    assert again.json()["run_id"] != first


def test_the_same_request_gets_a_new_run_once_the_pointer_moved(pages: Pages) -> None:
    first = pages.post(f"models/{MODEL}/rollback", {"reason": REASON}).json()["run_id"]
    pages.world.ledger, kept = pages.ledger, pages.world.ledger
    try:
        pages.world.roll_back()
    finally:
        pages.world.ledger = kept
    assert pages.post(f"models/{MODEL}/rollback", {"reason": REASON}).json()["run_id"] != first


@pytest.mark.parametrize(
    ("operation", "body", "dag_id", "conf"),
    [
        ("retrain", {"as_of": "2024-07-01T02:00:00+02:00"}, MODEL, {"as_of": "2024-07-01T00:00:00Z", "reason": ""}),
        (
            "retrain",
            {"nonce": "again", "timeline": "other"},
            MODEL,
            {"nonce": "again", "reason": "", "timeline": "other"},
        ),
        (
            "promote",
            {"version": 1, "force": True, "reason": REASON, "expires": "2d"},
            "retrain_force",
            {"version": 1, "expires": "2d", "model": MODEL, "reason": REASON},
        ),
        ("freeze", {"reason": REASON}, "retrain_freeze", {"lift": False, "model": MODEL, "reason": REASON}),
        ("unfreeze", {"reason": REASON}, "retrain_freeze", {"lift": True, "model": MODEL, "reason": REASON}),
    ],
)
def test_each_operation_starts_its_dag(
    pages: Pages, runs: Runs, operation: str, body: dict[str, Any], dag_id: str, conf: dict[str, Any]
) -> None:
    response = pages.post(f"models/{MODEL}/{operation}", body)
    assert response.status_code == 202, response.text
    assert runs(dag_id) == {response.json()["run_id"]: ({"timeline": "production"} | conf, "ann")}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("rollback", {}),
        ("rollback", {"reason": "  "}),
        ("rollback", {"reason": "x" * 501}),
        ("rollback", {"reason": REASON, "to": 0}),
        ("rollback", {"reason": REASON, "to": 2**31}),
        ("rollback", {"reason": REASON, "timeline": "production\n"}),
        ("rollback", {"reason": REASON, "timeline": "../x"}),
        ("rollback", {"reason": REASON, "model": OTHER}),
        ("promote", {"reason": REASON, "version": 1}),
        ("promote", {"reason": REASON, "version": 1, "force": False}),
        ("promote", {"reason": REASON, "version": 1, "force": True, "expires": "0d"}),
        ("promote", {"reason": REASON, "version": 1, "force": True, "expires": "7d\n"}),
        ("retrain", {"as_of": "2024-07-01"}),
        ("retrain", {"as_of": "0001-01-01T00:00:00+14:00"}),
        ("retrain", {"nonce": "a\x00b"}),
        ("freeze", {"reason": ["a", "list"]}),
        ("approve", {"run_id": "a\nb", "answer": "approve", "reason": REASON}),
        ("approve", {"run_id": "a", "answer": "perhaps", "reason": REASON}),
    ],
)
def test_a_body_that_is_not_as_it_must_be_is_422_and_starts_nothing(
    pages: Pages, runs: Runs, operation: str, body: dict[str, Any]
) -> None:
    response = pages.post(f"models/{MODEL}/{operation}", body)
    assert response.status_code == 422, response.text
    assert set(response.json()) == {"must", "got", "fix", "link"}
    assert all(runs(dag_id) == {} for dag_id in (MODEL, "retrain_rollback", "retrain_force", "retrain_freeze"))
    assert last_attempt(pages)["status"] == 422


def test_a_reason_is_one_line_of_plain_text(pages: Pages, runs: Runs) -> None:
    said = "first\nsecond \x1b[31m <img src=x onerror=alert(1)>"
    assert pages.post(f"models/{MODEL}/freeze", {"reason": said}).status_code == 202
    ((conf, _),) = runs("retrain_freeze").values()
    assert conf["reason"] == r"first second \x1b[31m <img src=x onerror=alert(1)>"


def test_what_waits_in_a_paused_dag_is_not_asked_for(pages: Pages, runs: Runs) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "retrain_rollback").values(is_paused=True))
    response = pages.post(f"models/{MODEL}/rollback", {"reason": REASON})
    assert (response.status_code, response.json()["got"]) == (409, "paused")
    assert runs("retrain_rollback") == {}


def test_a_model_without_a_pipeline_is_404(pages: Pages) -> None:
    assert pages.post("models/nobody/rollback", {"reason": REASON}).status_code == 404


@pytest.mark.parametrize("dag_id", ["retrain_reconcile", "retrain_freeze", "nightly_report"])
def test_a_dag_that_is_no_pipeline_is_404_and_does_not_start(pages: Pages, runs: Runs, dag_id: str) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import delete, insert

    limits = {"max_active_tasks": 1, "max_active_runs": 1, "max_consecutive_failed_dag_runs": 0}
    state = {"is_paused": False, "is_stale": False, "has_task_concurrency_limits": False}
    with create_session() as session:
        session.execute(insert(DagModel).values(dag_id="nightly_report", bundle_name="tests", **limits, **state))
    try:
        for operation in ("retrain", "rollback"):
            response = pages.post(f"models/{dag_id}/{operation}", {"reason": REASON}, user="root")
            assert (response.status_code, response.json()["must"]) == (404, "the model must be a pipeline's")
        assert runs(dag_id) == runs("retrain_rollback") == {}
    finally:
        with create_session() as session:
            session.execute(delete(DagModel).where(DagModel.dag_id == "nightly_report"))


# Who may, and who tried


def last_attempt(pages: Pages) -> dict[str, Any]:
    row: dict[str, Any] = pages.get("attempts", user="root", limit=1)["rows"][0]
    return row


def test_each_attempt_leaves_a_row_with_what_came_of_it(pages: Pages) -> None:
    run_id = pages.post(f"models/{MODEL}/rollback", {"reason": REASON}).json()["run_id"]
    granted = last_attempt(pages)
    assert (granted["actor"], granted["operation"], granted["model"]) == ("ann", "rollback", MODEL)
    assert (granted["reason"], granted["status"], granted["outcome"]) == (REASON, 202, "accepted")
    assert (granted["dag_id"], granted["run_id"]) == ("retrain_rollback", run_id)
    pages.post(f"models/{MODEL}/rollback", {"reason": REASON}, user="vera")
    refused = last_attempt(pages)
    assert (refused["actor"], refused["status"]) == ("vera", 403)
    assert "may not start the DAG" in refused["outcome"]
    assert [row["seq"] for row in pages.get("attempts")["rows"]] == [2, 1]
    assert [row["seq"] for row in pages.get("attempts", before=2, model=MODEL)["rows"]] == [1]
    assert pages.get("attempts", model=OTHER)["rows"] == []
    pages.post(f"models/{OTHER}/retrain", {})
    assert [row["model"] for row in pages.get("attempts")["rows"]] == [OTHER, MODEL, MODEL]


def test_a_user_whose_requests_are_refused_again_and_again_leaves_no_more_rows(pages: Pages) -> None:
    pages.limit_refusals(2, seconds=3600)
    assert pages.post(f"models/{MODEL}/freeze", {"reason": REASON}).status_code == 202
    for answer in (403, 403, 429, 429):
        response = pages.post(f"models/{MODEL}/rollback", {"reason": REASON}, user="vera")
        assert response.status_code == answer
    assert set(response.json()) == {"must", "got", "fix", "link"}
    assert 3500 < int(response.headers["retry-after"]) <= 3600
    rows = pages.get("attempts")["rows"]
    assert [(row["actor"], row["status"]) for row in rows] == [("vera", 403), ("vera", 403), ("ann", 202)]
    assert rows[0]["outcome"].endswith("the user's further requests within 3600 s are not recorded")
    assert pages.post(f"models/{MODEL}/unfreeze", {"reason": REASON}).status_code == 202, "others go on"


def test_a_conflict_does_not_count_as_refused_and_the_time_goes_by(pages: Pages) -> None:
    pages.limit_refusals(1, seconds=3600)
    answers = [pages.post(f"models/{MODEL}/retrain", {"reason": REASON}).status_code for _ in range(3)]
    assert answers == [202, 409, 409]
    pages.limit_refusals(1, seconds=0)
    assert [pages.post("models/nobody/retrain", {}, user="root").status_code for _ in range(3)] == [404] * 3


def test_old_attempts_go_after_the_days_that_are_set(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    pages.post(f"models/{MODEL}/freeze", {"reason": REASON}, user="vera")
    pages.run_sql("UPDATE attempt SET at = '2020-01-01 00:00:00.000'")
    monkeypatch.setenv("AIRFLOW__RETRAIN__ATTEMPT_DAYS", "0")
    pages.post(f"models/{MODEL}/freeze", {"reason": REASON}, user="vera")
    assert len(pages.get("attempts")["rows"]) == 2
    monkeypatch.delenv("AIRFLOW__RETRAIN__ATTEMPT_DAYS")
    pages.post(f"models/{MODEL}/freeze", {"reason": REASON}, user="vera")
    assert [row["at"][:4] == "2020" for row in pages.get("attempts")["rows"]] == [False, False]


def test_who_may_not_run_the_models_own_dag_may_not_roll_it_back(
    pages: Pages, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    allowed = SimpleAuthManager.is_authorized_dag

    def without_churn(self: Any, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        known = allowed(self, method=method, user=user, access_entity=access_entity, details=details)
        return known and (details is None or details.id != MODEL)

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", without_churn)
    for operation in ("rollback", "freeze", "unfreeze"):
        assert pages.post(f"models/{MODEL}/{operation}", {"reason": REASON}).status_code == 403
    assert runs("retrain_rollback") == runs("retrain_freeze") == {}
    assert [row["model"] for row in pages.get("models", user="ann")["rows"]] == [OTHER]
    assert pages.get("models", user="ann")["owners"] == [f"team-{OTHER}"]
    assert pages.get("timelines", user="ann") == {"timelines": []}
    assert pages.get("ledger", user="ann")["rows"] == pages.get("attempts", user="ann")["rows"] == []
    assert pages.as_user("ann").get("/retrain/api/ledger/export").text == ""
    for path in (f"models/{MODEL}", f"models/{MODEL}/compare?a=1&b=2", f"ledger?model={MODEL}"):
        assert pages.as_user("ann").get(f"/retrain/api/{path}").status_code == 403


# From where


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 202),
        ({"origin": "http://airflow.test"}, 202),
        ({"sec-fetch-site": "same-origin", "origin": "http://airflow.test"}, 202),
        ({}, 403),
        ({"authorization": "Basic dTpw"}, 403),
        ({"origin": "http://evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"origin": "http://airflow.test.evil.test"}, 403),
        ({"origin": "http://airflow.test@evil.test"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "http://evil.test"}, 403),
        ({"sec-fetch-site": "same-origin", "x-retrain-request": ""}, 403),
        ({"sec-fetch-site": "same-origin", "content-type": "text/plain"}, 415),
        ({"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}, 415),
        ({"sec-fetch-site": "same-origin", "content-type": "application/json-seq"}, 415),
    ],
)
def test_a_cookie_alone_changes_nothing(pages: Pages, runs: Runs, headers: dict[str, str], status: int) -> None:
    client = pages.as_user(None)
    client.cookies.set("_token", token_of("ann"))
    base = {"content-type": "application/json", "x-retrain-request": "1"}
    response = client.post(
        f"/retrain/api/models/{MODEL}/freeze", content=json.dumps({"reason": REASON}), headers=base | headers
    )
    assert response.status_code == status, response.text
    assert len(runs("retrain_freeze")) == (1 if status == 202 else 0)
    assert last_attempt(pages)["status"] == status


def test_a_post_without_a_body_changes_nothing(pages: Pages) -> None:
    client = pages.as_user(None)
    client.cookies.set("_token", token_of("ann"))
    assert client.post(f"/retrain/api/models/{MODEL}/freeze").status_code == 415


def test_the_base_url_counts_when_a_proxy_has_another_host(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/base/")
    for origin, status in (
        ("https://airflow.example.com", 202),
        ("https://example.com", 403),
        ("http://airflow.test", 403),  # the host that the request names, as a rebound name would
    ):
        response = pages.post(f"models/{MODEL}/freeze", {"reason": REASON}, headers={"origin": origin})
        assert response.status_code == status


# Approvals


@pytest.fixture
def waiting(pages: Pages) -> str:
    """A run of churn whose task `approve` waits for ann or bob."""
    from airflow.models.dagrun import DagRun
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select, update

    run_id: str = pages.post(f"models/{MODEL}/retrain", {}).json()["run_id"]
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == run_id))
        task = session.scalar(
            select(TaskInstance).where(TaskInstance.run_id == run_id, TaskInstance.task_id == "promote")
        )
        assert run is not None
        assert task is not None
        session.execute(
            update(TaskInstance).where(TaskInstance.id == task.id).values(task_id="approve", state="awaiting_input")
        )
        session.add(
            HITLDetail(
                ti_id=task.id,
                options=["Approve", "Reject"],
                subject="Promote?",
                assignees=[{"id": "ann", "name": "ann"}, {"id": "bob", "name": "bob"}],
                multiple=False,
            )
        )
    return run_id


def test_an_approver_answers_once_and_nobody_else_does(pages: Pages, waiting: str) -> None:
    (question,) = pages.get(f"models/{MODEL}", user="ann")["approvals"]
    assert (question["run_id"], question["approvers"], question["may_answer"]) == (waiting, ["ann", "bob"], True)
    assert [pages.get(f"models/{MODEL}", user=name)["approvals"][0]["may_answer"] for name in ("vera", "root")] == [
        False,
        False,
    ]
    body = {"run_id": waiting, "answer": "approve", "reason": "looked at it"}
    assert pages.post(f"models/{MODEL}/approve", body, user="vera").status_code == 403
    assert pages.post(f"models/{MODEL}/approve", body, user="root").status_code == 403
    assert pages.post(f"models/{MODEL}/approve", body).status_code == 202
    assert last_attempt(pages)["reason"] == "approve: looked at it"
    assert pages.post(f"models/{MODEL}/approve", body | {"answer": "reject"}).status_code == 409
    assert pages.get(f"models/{MODEL}")["approvals"] == []


def test_an_answer_to_nothing_is_404(pages: Pages) -> None:
    body = {"run_id": "never", "answer": "approve", "reason": REASON}
    assert pages.post(f"models/{MODEL}/approve", body).status_code == 404
