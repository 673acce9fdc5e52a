"""MLflow's answers get lost, come late, twice, or not at all; its disk is full."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from tests.faults.proxy import Proxy
from tests.faults.stage import Stage, check_invariants
from tests.servers import MlflowServer

from retrain.adapters.mlflow_registry import DUPLICATE_TAG, KEY_TAG, MlflowRegistry
from retrain.core.ledger.entries import Action
from retrain.errors import OutageError
from retrain.steps import Trouble, project_alias

pytestmark = pytest.mark.live


def versions_of(stage: Stage, number: int) -> dict[int, str | None]:
    """Return the versions of a key, each with the one that it is a duplicate of."""
    found = stage.registry.client.search_model_versions(f"name = '{stage.model}'")
    return {int(v.version): v.tags.get(DUPLICATE_TAG) for v in found if v.tags[KEY_TAG] == stage.key(number)}


def check(stage: Stage) -> None:
    check_invariants(stage.spec, stage)


def test_while_mlflow_is_away_the_champion_stays_and_afterwards_the_rerun_finishes(stage: Stage, proxy: Proxy) -> None:
    stage.crown(1)
    decision = stage.decide(2)
    proxy.inject("refuse", times=1000)
    began = time.monotonic()
    for attempt in (lambda: stage.behind(proxy.url).promote(decision), lambda: stage.behind(proxy.url).decide(3)):
        with pytest.raises(OutageError, match="the MLflow server must answer"):
            attempt()
    assert time.monotonic() - began < 15
    assert (stage.champion, stage.alias, len(stage.entries())) == (1, 1, 1)
    proxy.calm()
    assert stage.behind(proxy.url).promote(decision).generation == 2
    assert stage.behind(proxy.url).crown(3).generation == 3
    check(stage)


def test_mlflow_may_go_away_between_pointer_and_alias(stage: Stage, proxy: Proxy) -> None:
    stage.crown(1)
    decision = stage.decide(2)
    proxy.inject("refuse", on="registered-models/alias", times=1000)
    with pytest.raises(OutageError, match="the MLflow server must answer"):
        stage.behind(proxy.url).promote(decision)
    assert (stage.champion, stage.alias) == (2, 1)
    proxy.calm()
    assert stage.promote(decision).generation == 2
    assert (stage.alias, len(stage.entries())) == (2, 2)
    check(stage)


def test_a_rollback_whose_alias_did_not_follow_is_finished_by_saying_it_again(stage: Stage, proxy: Proxy) -> None:
    stage.crown(1, 2)
    proxy.inject("refuse", on="registered-models/alias", times=1000)
    with pytest.raises(OutageError, match="the MLflow server must answer"):
        stage.behind(proxy.url).roll_back()
    assert (stage.champion, stage.alias) == (1, 2)
    proxy.calm()
    stage.roll_back()
    assert (stage.alias, len(stage.entries())) == (1, 3)
    check(stage)


def test_a_server_that_is_down_costs_seconds_not_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"):
        monkeypatch.delenv(name, raising=False)
    began = time.monotonic()
    with pytest.raises(OutageError, match="the MLflow server must answer"):
        MlflowRegistry("http://127.0.0.1:9").find_challenger("m", "k")
    assert time.monotonic() - began < 12


def test_a_lost_answer_to_create_version_leaves_one_canonical_version(stage: Stage, proxy: Proxy) -> None:
    lost = proxy.inject("drop", on="model-versions/create")
    made = stage.behind(proxy.url).publish(1)
    assert lost.hits == 1
    assert versions_of(stage, 1) == {1: None, 2: "1"}
    assert made == stage.registry.find_challenger(stage.model, stage.key(1)) == stage.publish(1)
    assert made.version == 1
    check(stage)


def test_a_request_that_arrives_twice_leaves_one_canonical_version(stage: Stage, proxy: Proxy) -> None:
    twice = proxy.inject("duplicate", on="model-versions/create")
    assert stage.behind(proxy.url).publish(1).version == 1
    assert twice.hits == 1
    assert versions_of(stage, 1) == {1: None, 2: "1"}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "call", ["runs/create", "logged-models", "registered-models/create", "alias", "mlflow-artifacts"]
)
def test_any_answer_may_be_lost_once(stage: Stage, proxy: Proxy, call: str) -> None:
    lost = proxy.inject("drop", on=call)
    entry = stage.behind(proxy.url).crown(1)
    assert lost.hits == 1
    assert (entry.generation, stage.champion, stage.alias) == (1, 1, 1)
    assert len(stage.entries()) == 1
    check(stage)


def test_a_late_alias_call_is_repaired_by_one_reconcile(stage: Stage, proxy: Proxy) -> None:
    stage.crown(1)
    decision = stage.decide(2)
    late = proxy.inject("hold", on="registered-models/alias")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(stage.behind(proxy.url).promote, decision)
        assert late.held.wait(10)
        stage.crown(3)
        assert stage.alias == 3
        late.released.set()
        slow.result(10)
    assert (stage.champion, stage.alias) == (3, 2)
    [finding] = stage.reconcile()
    assert (finding.trouble, finding.alarming) == (Trouble.ALIAS_BEHIND, False)
    assert (stage.alias, stage.reconcile()) == (3, [])
    check(stage)


def test_a_promoter_that_was_overtaken_at_the_alias_is_refused_and_its_retry_changes_nothing(
    stage: Stage, proxy: Proxy
) -> None:
    stage.crown(1)
    decision = stage.decide(2)
    reading = proxy.inject("hold", on="registered-models/get", skip=2)  # to read it back
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(stage.behind(proxy.url).promote, decision)
        assert reading.held.wait(10)
        stage.crown(3)
        reading.released.set()
        with pytest.raises(OutageError, match="must name version 2; got version 3"):
            slow.result(10)
    assert stage.promote(decision).version == 2
    assert (stage.champion, stage.alias) == (3, 3)
    check(stage)


def test_nobody_sees_an_error_400_when_many_set_the_first_alias(stage: Stage) -> None:
    stage.crown(1)
    client = MlflowClient(stage.registry.client.tracking_uri, stage.registry.client.tracking_uri)
    for _ in range(2):
        client.delete_registered_model_alias(stage.model, "champion")
        with ThreadPoolExecutor(8) as pool:
            said = pool.map(lambda _: project_alias(stage.spec, stage), range(8))
            assert set(said) == {1}
        assert stage.alias == 1
    check(stage)


def test_the_error_400_of_a_race_for_the_first_alias_reaches_nobody(stage: Stage, proxy: Proxy) -> None:
    lost = proxy.inject("lose_race", on="POST /api/2.0/mlflow/registered-models/alias")
    stage.behind(proxy.url).crown(1)
    assert (lost.hits, stage.alias) == (1, 1)
    check(stage)


def test_on_a_full_disk_nothing_is_registered(stage: Stage, mlflow_server: MlflowServer, tmp_path: Path) -> None:
    run = stage.registry.client.get_run(stage.open_run(1))
    artifacts = mlflow_server.home / "artifacts" / run.info.experiment_id
    artifacts.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(artifacts)], capture_output=True
        )
        if mounted.returncode:
            pytest.skip("no right to mount a tiny disk")
        try:
            (tmp_path / "model").mkdir()
            (tmp_path / "model" / "weights").write_bytes(bytes(1_000_000))
            with pytest.raises(OutageError, match="the MLflow server must"):
                stage.registry.publish(stage.model, stage.key(1), run.info.run_id, tmp_path / "model")
            assert stage.registry.find_challenger(stage.model, stage.key(1)) is None
            assert stage.entries(Action.PROMOTE) == []
        finally:
            subprocess.run(["umount", "-l", str(artifacts)], check=True)
    assert stage.crown(1).generation == 1
    check(stage)
