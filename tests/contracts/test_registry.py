"""The contract of `ModelRegistry`, on a folder and on a real MLflow server."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from mlflow.entities import LoggedModel
from mlflow.entities.model_registry import ModelVersion
from mlflow.protos.model_registry_pb2 import ModelVersion as ProtoModelVersion
from mlflow.protos.service_pb2 import LoggedModel as ProtoLoggedModel
from mlflow.tracking import MlflowClient
from tests.require import require

from retrain.adapters.folder_registry import FolderRegistry
from retrain.adapters.mlflow_registry import KEY_TAG, MANIFEST_TAG, MlflowRegistry
from retrain.core.ports import DatasetRef, ModelRegistry
from retrain.core.training.artifact import digest_manifest
from retrain.core.training.search import Trial, TrialState
from retrain.errors import IntegrityError, NotFoundError, OutageError, RegistryError

KEY, OTHER_KEY = "a" * 64, "b" * 64


@pytest.fixture(params=["folder", pytest.param("mlflow", marks=pytest.mark.live)])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> ModelRegistry:
    if request.param == "folder":
        return FolderRegistry(tmp_path / "registry")
    return MlflowRegistry(request.getfixturevalue("mlflow_url"))


@pytest.fixture
def model(request: pytest.FixtureRequest) -> str:
    """A model name of the test's own, so that tests can share a server."""
    return str(request.node.originalname[5:50]) + "-" + str(os.getpid()) + str(abs(hash(request.node.name)) % 1000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "made"
    (path / "deep").mkdir(parents=True)
    (path / "MLmodel").write_text("flavors: {}\n")
    (path / "deep" / "weights.bin").write_bytes(bytes(range(256)))
    return path


def open_run(registry: ModelRegistry, model: str, key: str = KEY) -> str:
    return registry.open_run(model, key, name="a run", params={"depth": 3}, tags={"retrain.timeline": "production"})


def test_an_empty_registry_finds_nothing(registry: ModelRegistry, model: str) -> None:
    assert registry.find_challenger(model, KEY) is None
    assert registry.alias_version(model, "champion") is None


def test_a_key_has_one_run(registry: ModelRegistry, model: str) -> None:
    assert open_run(registry, model) == open_run(registry, model)
    assert open_run(registry, model) != open_run(registry, model, OTHER_KEY)


def test_a_run_keeps_what_it_was_opened_with(registry: ModelRegistry, model: str) -> None:
    run_id = open_run(registry, model)
    assert registry.run_params(run_id) == {"depth": "3"}
    assert registry.run_tags(run_id)["retrain.timeline"] == "production"
    with pytest.raises(NotFoundError, match="must exist"):
        registry.run_params("0" * 32)


def test_a_key_has_one_version_however_often_it_is_published(registry: ModelRegistry, model: str, folder: Path) -> None:
    run_id = open_run(registry, model)
    first = registry.publish(model, KEY, run_id, folder)
    assert registry.publish(model, KEY, run_id, folder) == first == registry.find_challenger(model, KEY)
    assert (first.version, first.key, first.run_id) == (1, KEY, run_id)
    assert first.manifest_digest == digest_manifest(folder)
    second = registry.publish(model, OTHER_KEY, open_run(registry, model, OTHER_KEY), folder)
    assert second.version == 2


def test_what_is_fetched_is_what_was_made(registry: ModelRegistry, model: str, folder: Path, tmp_path: Path) -> None:
    made = registry.publish(model, KEY, open_run(registry, model), folder)
    copy = registry.fetch(model, made.version, made.manifest_digest, _empty(tmp_path / "copy"))
    assert digest_manifest(copy) == made.manifest_digest
    (copy / "MLmodel").write_text("changed")
    again = registry.fetch(model, made.version, made.manifest_digest, _empty(tmp_path / "again"))
    assert (again / "MLmodel").read_text() == "flavors: {}\n"


def test_another_digest_is_refused(registry: ModelRegistry, model: str, folder: Path, tmp_path: Path) -> None:
    made = registry.publish(model, KEY, open_run(registry, model), folder)
    with pytest.raises(IntegrityError, match="manifest digest"):
        registry.fetch(model, made.version, "0" * 64, _empty(tmp_path / "copy"))


def test_a_version_that_is_not_there_is_not_found(
    registry: ModelRegistry, model: str, folder: Path, tmp_path: Path
) -> None:
    registry.publish(model, KEY, open_run(registry, model), folder)
    with pytest.raises(NotFoundError, match="must exist"):
        registry.fetch(model, 99, "0" * 64, _empty(tmp_path / "copy"))


def test_an_alias_names_the_version_it_was_set_to(registry: ModelRegistry, model: str, folder: Path) -> None:
    for key in (KEY, OTHER_KEY):
        made = registry.publish(model, key, open_run(registry, model, key), folder)
        registry.set_alias(model, "champion", made.version)
        assert registry.alias_version(model, "champion") == made.version
    assert registry.alias_version(model, "other") is None


def test_data_metrics_and_files_that_are_logged_twice_are_there_once(
    registry: ModelRegistry, model: str, folder: Path
) -> None:
    run_id = open_run(registry, model)
    for _ in range(2):
        registry.log_dataset(run_id, DatasetRef("rows", "c" * 64, "snapshot", 10))
        registry.log_evaluation(run_id, {"challenger.roc_auc": 0.7}, [folder / "MLmodel"])
    assert logged_in(registry, run_id) == ([("rows", "c" * 36, 10)], {"challenger.roc_auc": [0.7]}, ["MLmodel"])


def logged_in(
    registry: ModelRegistry, run_id: str
) -> tuple[list[tuple[str, str, int]], dict[str, list[float]], list[str]]:
    """Return the datasets (name, start of the digest, rows), every value of each metric, and the files of a run."""
    if isinstance(registry, MlflowRegistry):
        run, client = registry.client.get_run(run_id), registry.client
        datasets = [item.dataset for item in run.inputs.dataset_inputs]
        metrics = {name: [item.value for item in client.get_metric_history(run_id, name)] for name in run.data.metrics}
        files = [Path(item.path).name for item in client.list_artifacts(run_id, "evaluation")]
        described = [(item.name, item.digest, json.loads(item.profile)["num_rows"]) for item in datasets]
        return described, metrics, files
    run_folder = path_of(registry.run_url(run_id))
    dataset = json.loads((run_folder / "dataset.json").read_text())
    values = json.loads((run_folder / "metrics.json").read_text())
    files = [path.name for path in run_folder.iterdir() if path.suffix != ".json"]
    return (
        [(dataset["name"], dataset["digest"][:36], dataset["rows"])],
        {name: [values[name]] for name in values},
        files,
    )


def test_the_parameters_of_a_run_are_texts(registry: ModelRegistry, model: str) -> None:
    run_id = open_run(registry, model)
    registry.log_params(run_id, {"C": 0.5, "kind": "plain"})
    assert registry.run_params(run_id) == {"depth": "3", "C": "0.5", "kind": "plain"}
    with pytest.raises(NotFoundError, match="must exist"):
        registry.run_params("0" * 32)


def test_a_file_logged_again_replaces_the_one_before(registry: ModelRegistry, model: str, tmp_path: Path) -> None:
    run_id, page = open_run(registry, model), tmp_path / "page.html"
    for text in ("first", "second"):
        page.write_text(text)
        registry.log_files(run_id, [page], "decision/production")
    registry.log_files(run_id, [page], "decision/elsewhere")
    files = files_of(registry, run_id)
    assert files == {"decision/production/page.html": "second", "decision/elsewhere/page.html": "second"}
    assert registry.file_url(run_id, "decision/production/page.html").endswith("/decision/production/page.html")


def files_of(registry: ModelRegistry, run_id: str) -> dict[str, str]:
    """Return the text of every file below the folder `decision` of a run."""
    if isinstance(registry, FolderRegistry):
        run = path_of(registry.run_url(run_id))
        return {str(path.relative_to(run)): path.read_text() for path in run.glob("decision/*/*")}
    assert isinstance(registry, MlflowRegistry)
    client = registry.client
    folders = [item.path for item in client.list_artifacts(run_id, "decision")]
    paths = [item.path for folder in folders for item in client.list_artifacts(run_id, folder)]
    return {path: Path(client.download_artifacts(run_id, path)).read_text() for path in paths}


def path_of(url: str) -> Path:
    return Path(url.removeprefix("file://"))


def description_of(registry: ModelRegistry, model: str, version: int) -> str:
    if isinstance(registry, MlflowRegistry):
        return str(registry.client.get_model_version(model, str(version)).description)
    return (path_of(registry.version_url(model, version)) / "description.md").read_text()


def test_a_second_description_replaces_the_first(registry: ModelRegistry, model: str, folder: Path) -> None:
    made = registry.publish(model, KEY, open_run(registry, model), folder)
    for text in ("first", "second", "second"):
        registry.describe_version(model, made.version, text)
    assert description_of(registry, model, made.version) == "second"
    assert registry.find_version(model, made.version) == made
    with pytest.raises(NotFoundError, match="must exist"):
        registry.describe_version(model, 99, "nothing")


def test_pages_have_addresses(registry: ModelRegistry, model: str) -> None:
    run_id = open_run(registry, model)
    assert run_id in registry.run_url(run_id)
    assert registry.version_url(model, 3).endswith("/3")


def test_a_version_is_found_by_its_number_as_it_was_made(registry: ModelRegistry, model: str, folder: Path) -> None:
    assert registry.find_version(model, 1) is None
    first = registry.publish(model, KEY, open_run(registry, model), folder)
    (folder / "MLmodel").write_text("another")
    second = registry.publish(model, OTHER_KEY, open_run(registry, model, OTHER_KEY), folder)
    assert [registry.find_version(model, number) for number in (1, 2, 3)] == [first, second, None]


def test_a_version_that_was_deleted_is_not_found(registry: ModelRegistry, model: str, folder: Path) -> None:
    made = registry.publish(model, KEY, open_run(registry, model), folder)
    if isinstance(registry, MlflowRegistry):
        registry.client.delete_model_version(model, "1")
    else:
        shutil.rmtree(path_of(registry.version_url(model, 1)))
    assert registry.find_version(model, 1) is None
    with pytest.raises(NotFoundError, match="must exist"):
        registry.fetch(model, 1, made.manifest_digest, folder / "copy")


@pytest.mark.live
@pytest.mark.parametrize("tags", [{}, {KEY_TAG: KEY}, {MANIFEST_TAG: "0" * 64}])
def test_a_version_that_no_retrain_made_is_not_found(
    mlflow_url: str, model: str, folder: Path, tags: dict[str, str]
) -> None:
    registry, client = MlflowRegistry(mlflow_url), MlflowClient(mlflow_url, mlflow_url)
    made = registry.publish(model, KEY, open_run(registry, model), folder)
    client.create_model_version(model, f"models:/{made.model_id}", made.run_id, tags, model_id=made.model_id)
    client.create_model_version(model, "s3://elsewhere/model", tags=tags)
    assert [registry.find_version(model, number) for number in (1, 2, 3)] == [made, None, None]


@pytest.mark.live
def test_a_foreign_version_with_borrowed_tags_is_refused(mlflow_url: str, model: str) -> None:
    registry, client = MlflowRegistry(mlflow_url), MlflowClient(mlflow_url, mlflow_url)
    client.create_registered_model(model)
    client.create_model_version(model, "s3://elsewhere/model", tags={KEY_TAG: KEY, MANIFEST_TAG: "0" * 64})
    with pytest.raises(IntegrityError, match="a source that is not a logged model"):
        registry.find_version(model, 1)


@pytest.mark.live
def test_of_two_versions_with_one_key_the_lower_number_is_canonical(mlflow_url: str, model: str, folder: Path) -> None:
    registry, client = MlflowRegistry(mlflow_url), MlflowClient(mlflow_url, mlflow_url)
    made = registry.publish(model, KEY, open_run(registry, model), folder)
    tags = {KEY_TAG: KEY, MANIFEST_TAG: made.manifest_digest}
    client.create_model_version(
        model, f"models:/{made.model_id}", made.run_id, tags, model_id=made.model_id
    )  # as a lost response makes one
    assert registry.find_challenger(model, KEY) == made


@pytest.mark.live
def test_an_unfinished_model_is_refused(mlflow_url: str, model: str, folder: Path, tmp_path: Path) -> None:
    registry, client = MlflowRegistry(mlflow_url), MlflowClient(mlflow_url, mlflow_url)
    run_id = open_run(registry, model)
    failed = client.create_logged_model(client.get_run(run_id).info.experiment_id, name=model, source_run_id=run_id)
    client.finalize_logged_model(failed.model_id, "FAILED")
    client.create_registered_model(model)
    client.create_model_version(model, f"models:/{failed.model_id}", run_id, model_id=failed.model_id)
    with pytest.raises(IntegrityError, match="must be a finished model"):
        registry.fetch(model, 1, digest_manifest(folder), _empty(tmp_path / "copy"))


@pytest.mark.live
@pytest.mark.parametrize("call", ["get_model_version", "get_logged_model"])
def test_an_empty_answer_is_an_outage_and_not_a_broken_version(
    mlflow_url: str, model: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    registry = MlflowRegistry(mlflow_url)
    made = registry.publish(model, KEY, open_run(registry, model), folder)
    # What MLflow's client makes of a body that is empty.
    unset = {
        "get_model_version": ModelVersion.from_proto(ProtoModelVersion()),
        "get_logged_model": LoggedModel.from_proto(ProtoLoggedModel()),
    }
    monkeypatch.setattr(registry.client, call, lambda *_: unset[call])
    with pytest.raises(OutageError, match=r"MLflow must answer that version 1 of .* is ready"):
        registry.fetch(model, made.version, made.manifest_digest, _empty(tmp_path / "copy"))


@pytest.mark.live
def test_many_writers_of_one_key_agree_on_one_canonical_version(mlflow_url: str, model: str, folder: Path) -> None:
    run_id = open_run(MlflowRegistry(mlflow_url), model)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: MlflowRegistry(mlflow_url).publish(model, KEY, run_id, folder), range(4)))
    assert require(MlflowRegistry(mlflow_url).find_challenger(model, KEY)).version == min(
        item.version for item in found
    )


def test_a_dead_server_is_an_outage_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(OutageError, match=r"the MLflow server must answer.*Check the server"):
        MlflowRegistry("http://127.0.0.1:9").find_challenger(model, KEY)


@pytest.mark.parametrize("address", ["", "sqlite:///mlflow.db", "postgresql://user:secret@host/db"])
def test_an_address_that_is_not_a_server_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(RegistryError, match="must be the http") as caught:
        MlflowRegistry(address)
    assert "secret" not in str(caught.value)


def _empty(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


def test_a_login_in_the_address_is_in_no_error_and_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.adapters.mlflow_logins._logins", {})
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    registry = MlflowRegistry("http://ann:hunter%402@127.0.0.1:9", public_url="https://ann:hunter%402@mlflow.example/")
    assert registry.version_url("m", 1) == "https://mlflow.example/#/models/m/versions/1"
    with pytest.raises(OutageError) as raised:
        registry.ping()
    assert "127.0.0.1:9" in str(raised.value)
    assert "hunter" not in str(raised.value)
    assert "hunter" not in str(os.environ)


def test_a_login_goes_to_its_own_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.adapters.mlflow_logins._logins", {})
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with running(_Ingress) as one, running(_Ingress) as other:
        with_login = MlflowRegistry(f"http://ann:hunter%402@127.0.0.1:{one.server_port}")
        without = MlflowRegistry(f"http://127.0.0.1:{other.server_port}")
        for registry in (with_login, without, with_login):
            with pytest.raises(OutageError):
                registry.ping()
    basic = f"Basic {base64.b64encode(b'ann:hunter@2').decode()}"
    assert (one.logins, other.logins) == ([basic, basic], [None])


TRIALS = [
    Trial(0, {"C": 1.0, "kind": "plain"}, TrialState.COMPLETE, (0.6, 0.7, 0.8), 2.5),
    Trial(1, {"C": 9.0, "kind": "fancy"}, TrialState.PRUNED, (0.4,), 1.0),
    Trial(2, {"C": 0.0, "kind": "plain"}, TrialState.FAILED, (), 0.1, "ValueError"),
]


def test_params_can_be_added_and_logged_twice(registry: ModelRegistry, model: str) -> None:
    run_id = open_run(registry, model)
    for _ in range(2):
        registry.log_params(run_id, {"C": 0.25, "kind": "plain"})
    assert open_run(registry, model) == run_id


def test_trials_can_be_logged_twice_and_are_not_a_challenger(registry: ModelRegistry, model: str) -> None:
    run_id = open_run(registry, model)
    for trials in ([], TRIALS[:1], TRIALS, TRIALS):
        registry.log_trials(run_id, "roc_auc", trials)
    assert open_run(registry, model) == run_id
    assert registry.find_challenger(model, KEY) is None


@pytest.mark.live
def test_each_trial_is_one_run_nested_in_the_retrains(
    mlflow_url: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, client = MlflowRegistry(mlflow_url), MlflowClient(mlflow_url, mlflow_url)
    run_id = open_run(registry, model)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(registry.client, "log_batch", die)
        with pytest.raises(KeyboardInterrupt):
            registry.log_trials(run_id, "roc_auc", TRIALS)
    for _ in range(2):
        registry.log_trials(run_id, "roc_auc", TRIALS)
    experiment = client.get_run(run_id).info.experiment_id
    nested = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
    found = {int(run.data.tags["retrain.trial"]): run for run in nested}
    assert len(nested) == len(found) == len(TRIALS)
    assert [found[number].info.status for number in range(3)] == ["FINISHED", "FINISHED", "FAILED"]
    assert found[0].data.params == {"C": "1.0", "kind": "plain"}
    assert found[0].data.metrics["roc_auc"] == pytest.approx(0.7)
    folds = client.get_metric_history(found[0].info.run_id, "fold.roc_auc")
    assert [(metric.step, metric.value) for metric in folds] == [(0, 0.6), (1, 0.7), (2, 0.8)]
    assert [found[number].data.tags["retrain.state"] for number in range(3)] == ["complete", "pruned", "failed"]
    assert found[2].data.tags["retrain.error"] == "ValueError"


# A folder whose process was killed


def test_a_version_that_was_cut_short_while_copied_is_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, artifact = FolderRegistry(tmp_path / "registry"), tmp_path / "artifact"
    artifact.mkdir()
    (artifact / "MLmodel").write_text("a model")
    run = registry.open_run("churn", "k", name="churn", params={}, tags={})
    monkeypatch.setenv("RETRAIN_FAILPOINT", "model_uploaded:raise")
    with pytest.raises(OutageError):
        registry.publish("churn", "k", run, artifact)
    monkeypatch.delenv("RETRAIN_FAILPOINT")
    assert registry.find_challenger("churn", "k") is None
    assert registry.find_version("churn", 1) is None
    assert registry.publish("churn", "k", run, artifact).version == 1


def test_a_file_that_a_full_disk_left_empty_is_named(tmp_path: Path) -> None:
    registry = FolderRegistry(tmp_path)
    run = registry.open_run("churn", "k", name="churn", params={}, tags={})
    path = tmp_path / "runs" / run / "run.json"
    path.write_text("")
    with pytest.raises(
        IntegrityError, match=rf"run\.json must be JSON; got 0 bytes that are not. Delete the folder .*{run}"
    ):
        registry.open_run("churn", "other", name="churn", params={}, tags={})


def test_a_write_that_is_cut_off_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = FolderRegistry(tmp_path)
    run = registry.open_run("churn", "k", name="churn", params={"a": 1}, tags={})

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", cut)
    with pytest.raises(KeyboardInterrupt):
        registry.log_params(run, {"b": 2})
    monkeypatch.undo()
    assert registry.run_params(run) == {"a": "1"}
    registry.log_params(run, {"c": 3})
    assert registry.run_params(run) == {"a": "1", "c": "3"}


def test_writers_of_a_folder_take_different_numbers_and_lose_no_edit(folder: Path, tmp_path: Path) -> None:
    base = tmp_path / "registry"
    run = open_run(FolderRegistry(base), "churn")

    def write(number: int) -> int:
        registry = FolderRegistry(base)
        registry.log_params(run, {f"p{number}": number})
        registry.set_alias("churn", f"alias-{number}", number)
        return registry.publish(
            "churn", f"{number}" * 64, open_run(registry, "churn", f"{number}" * 64), folder
        ).version

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(write, range(8))) == list(range(1, 9))
    registry = FolderRegistry(base)
    assert {f"p{number}" for number in range(8)} <= set(registry.run_params(run))
    assert [registry.alias_version("churn", f"alias-{number}") for number in range(8)] == list(range(8))


@pytest.mark.live
def test_a_deleted_experiment_names_how_to_restore_it(mlflow_url: str, model: str) -> None:
    registry = MlflowRegistry(mlflow_url)
    experiment = registry.client.get_run(open_run(registry, model)).info.experiment_id
    registry.client.delete_experiment(experiment)
    with pytest.raises(RegistryError, match=f"mlflow experiments restore --experiment-id {experiment}"):
        open_run(registry, model, OTHER_KEY)
    registry.client.restore_experiment(experiment)
    open_run(registry, model, OTHER_KEY)


class _Server(ThreadingHTTPServer):
    """A server that remembers the login of each request."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.logins: list[str | None] = []


@contextmanager
def running(handler: type[BaseHTTPRequestHandler]) -> Iterator[_Server]:
    with _Server(handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class _Ingress(BaseHTTPRequestHandler):
    """Another server that answers for a backend that is gone."""

    body = b"<html>default backend - 404</html>"

    server: _Server

    def do_GET(self) -> None:
        self.server.logins.append(self.headers["Authorization"])
        self.send_response(404)
        self.end_headers()
        self.wfile.write(self.body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("body", [b"<html>default backend - 404</html>", b"", b'{"detail": "Not Found"}'])
def test_a_404_that_is_not_of_mlflow_is_an_outage(
    monkeypatch: pytest.MonkeyPatch, model: str, tmp_path: Path, body: bytes
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(_Ingress, "body", body)
    with running(_Ingress) as server:
        registry = MlflowRegistry(f"http://127.0.0.1:{server.server_port}")
        for call in (
            lambda: registry.find_version(model, 1),
            lambda: registry.alias_version(model, "champion"),
            lambda: registry.fetch(model, 1, "0" * 64, tmp_path),
        ):
            with pytest.raises(OutageError) as caught:
                call()
            assert "html" not in str(caught.value)
