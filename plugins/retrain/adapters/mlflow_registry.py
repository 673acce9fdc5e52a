"""Runs, versions and aliases on an MLflow server, over HTTP and by id: no global active run, no database URI."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from mlflow.artifacts import download_artifacts
from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    LifecycleStage,
    LoggedModelStatus,
    Metric,
    Param,
)
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from retrain.adapters.mlflow_logins import remember_login
from retrain.adapters.mlflow_pages import run_page_url, strip_login, version_page_url
from retrain.core.digest import digest_json
from retrain.core.failpoints import failpoint
from retrain.core.policy.decision import Challenger
from retrain.core.ports import DatasetRef
from retrain.core.training.artifact import build_manifest, verify_artifact
from retrain.core.training.search import Trial, TrialState
from retrain.errors import IntegrityError, NotFoundError, OutageError, RegistryError

__all__ = ["MlflowRegistry"]

KEY_TAG: Final = "retrain.key"
MANIFEST_TAG: Final = "retrain.manifest"
DUPLICATE_TAG: Final = "retrain.duplicate_of"
PARENT_TAG: Final = "mlflow.parentRunId"
TRIAL_TAG: Final = "retrain.trial"
_ARTIFACT: Final = "model"
_FOREIGN_404: Final = "ENDPOINT_NOT_FOUND"
"""What MLflow's client makes of a 404 that is not MLflow's: an ingress whose backend is gone, or another server."""
_CLIENT_SETTINGS: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""With a dead server a call takes 7 s with these settings and 247 s with MLflow's defaults; existing variables win."""


class MlflowRegistry:
    """The `ModelRegistry` on an MLflow server.

    Args:
        uri: The server's URL, such as ``http://mlflow:5000``; a login in it is sent to this server alone.
        public_url: The URL for browsers, if it differs.

    Attributes:
        client: The MLflow client, for what the port does not offer.

    Raises:
        RegistryError: The URL is not http:// or https://.
    """

    def __init__(self, uri: str, *, public_url: str | None = None) -> None:
        if not uri.startswith(("http://", "https://")):
            raise RegistryError(
                "the MLflow URL must be the http:// or https:// URL of a server",
                got=uri.partition(":")[0] or "nothing",
                fix="Start `mlflow server` and set its URL in the connection.",
            )
        for name, value in _CLIENT_SETTINGS.items():
            os.environ.setdefault(name, value)
        parts = urlsplit(uri)
        uri = strip_login(uri)  # MLflow's errors and links contain the URL
        if parts.username:
            remember_login(uri, unquote(parts.username), unquote(parts.password or ""))
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._public_url = strip_login(public_url or uri).rstrip("/")

    def find_challenger(self, model: str, key: str) -> Challenger | None:
        """Return the canonical version of a key: the lowest number with a finished artifact."""
        versions = self._find_versions(model, key)
        return _to_challenger(versions[0], key) if versions else None

    def open_run(self, model: str, key: str, *, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Return the run of a key; if a lost HTTP response left two, the earliest."""
        with _translate_errors():
            experiment = self._find_or_create_experiment(model)
            query = f"tags.`{KEY_TAG}` = '{key}'"
            runs = self.client.search_runs([experiment], query, max_results=1, order_by=["attributes.start_time ASC"])
            if runs:
                return str(runs[0].info.run_id)
            run = self.client.create_run(experiment, run_name=name, tags={**tags, KEY_TAG: key})
            self.client.log_batch(run.info.run_id, params=_to_params(params))
            return str(run.info.run_id)

    def run_tags(self, run_id: str) -> dict[str, str]:
        """Return the tags of a run."""
        with _translate_errors():
            return dict(self.client.get_run(run_id).data.tags)

    def run_params(self, run_id: str) -> dict[str, str]:
        """Return the parameters of a run."""
        with _translate_errors():
            return dict(self.client.get_run(run_id).data.params)

    def log_dataset(self, run_id: str, dataset: DatasetRef) -> None:
        """Record the dataset of a run, unless it has one."""
        with _translate_errors():
            if self.client.get_run(run_id).inputs.dataset_inputs:
                return
            entry = Dataset(
                dataset.name,
                dataset.digest[:36],
                "retrain",
                dataset.source,
                profile=json.dumps({"num_rows": dataset.rows}),
            )
            tag = InputTag("mlflow.data.context", "training")
            self.client.log_inputs(run_id, [DatasetInput(entry, [tag])])

    def log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Add parameters to a run; MLflow refuses later changes to them."""
        with _translate_errors():
            self.client.log_batch(run_id, params=_to_params(params))

    def log_trials(self, run_id: str, metric: str, trials: Sequence[Trial]) -> None:
        """Record each trial as a run nested in the run, unless it has one."""
        with _translate_errors():
            if trials:
                experiment = str(self.client.get_run(run_id).info.experiment_id)
                for trial in trials:
                    self._log_trial(experiment, run_id, metric, trial)

    def publish(self, model: str, key: str, run_id: str, folder: Path) -> Challenger:
        """Upload the folder as a logged model and register it; both are created with the key as a tag."""
        if published := self._find_canonical(model, key):
            return published
        manifest = build_manifest(folder)
        tags = {KEY_TAG: key, MANIFEST_TAG: digest_json(manifest)}
        with _translate_errors():
            experiment = self.client.get_run(run_id).info.experiment_id
            logged = self.client.create_logged_model(experiment, name=model, source_run_id=run_id, tags=tags)
            self.client.log_model_artifacts(logged.model_id, str(folder))
            self.client.log_dict(run_id, {"files": manifest}, "manifest.json")
            failpoint("model_uploaded")
            self.client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
            self._ensure_registered(model)
            source = f"models:/{logged.model_id}"
            self.client.create_model_version(
                model, source, run_id, tags, model_id=logged.model_id, await_creation_for=0
            )
        failpoint("version_registered")
        challenger = self._find_canonical(model, key)
        if challenger is None:
            raise OutageError(
                "a version must be found after its registration",
                got="none",
                fix="Try again: it is found by its key.",
            )
        return challenger

    def log_evaluation(self, run_id: str, metrics: Mapping[str, float], files: Sequence[Path]) -> None:
        """Add metrics and files to a run and finish it."""
        now = int(time.time() * 1000)
        with _translate_errors():
            known = self.client.get_run(run_id).data.metrics
            new = [Metric(name, value, now, 0) for name, value in metrics.items() if known.get(name) != value]
            self.client.log_batch(run_id, metrics=new)
            for file in files:
                self.client.log_artifact(run_id, str(file), "evaluation")
            self.client.set_terminated(run_id)

    def log_files(self, run_id: str, files: Sequence[Path], folder: str) -> None:
        """Upload files into a folder of a run's artifacts."""
        with _translate_errors():
            for file in files:
                self.client.log_artifact(run_id, str(file), folder)

    def find_version(self, model: str, version: int) -> Challenger | None:
        """Return a version with its key and manifest digest; None if it does not exist or was not made by a retrain."""
        try:
            with _translate_errors():
                model_version = self.client.get_model_version(model, str(version))
        except NotFoundError:
            return None
        if KEY_TAG not in model_version.tags or MANIFEST_TAG not in model_version.tags:
            return None
        return _to_challenger(model_version, model_version.tags[KEY_TAG])

    def fetch(self, model: str, version: int, manifest_digest: str, folder: Path) -> Path:
        """Download the artifact of a version and verify the copy before anything loads it."""
        with _translate_errors():
            model_version = self.client.get_model_version(model, str(version))
            _check_finished(model, version, model_version.status, failed="FAILED_REGISTRATION")
            logged = self.client.get_logged_model(_find_model_id(model_version))
            _check_finished(model, version, str(logged.status), failed=str(LoggedModelStatus.FAILED))
            with tempfile.TemporaryDirectory() as download:
                target = folder / _ARTIFACT
                copied = self._download(logged.model_id, logged.artifact_location, Path(download))
                shutil.copytree(copied, target, ignore=shutil.ignore_patterns("__pycache__"))
        verify_artifact(target, manifest_digest)
        return target

    def alias_version(self, model: str, alias: str) -> int | None:
        """Return the version that an alias names; it reads all aliases, because MLflow answers a missing one with error 400."""
        try:
            with _translate_errors():
                aliases = self.client.get_registered_model(model).aliases
        except NotFoundError:
            return None
        return int(aliases[alias]) if alias in aliases else None

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version, and read it back."""
        try:
            self._put_alias(model, alias, version)
        except RegistryError:
            # If two clients create an alias at the same time, MLflow answers one of them with error 400.
            self._put_alias(model, alias, version)
        actual = self.alias_version(model, alias)
        if actual != version:
            raise OutageError(
                f"the alias {alias} of {model} must name version {version}",
                got=f"version {actual}",
                fix="Try again, or run `retrain reconcile`: both set the alias again.",
            )

    def ping(self) -> str:
        """Check the server with a cheap call and return a status line for people."""
        with _translate_errors():
            self.client.search_experiments(max_results=1)
        return f"MLflow at {self._public_url} answers"

    def describe_version(self, model: str, version: int, text: str) -> None:
        """Replace the description of a version, which MLflow shows as Markdown."""
        with _translate_errors():
            self.client.update_model_version(model, str(version), text)

    def run_url(self, run_id: str) -> str:
        """Return the URL of a run's page."""
        with _translate_errors():
            experiment = self.client.get_run(run_id).info.experiment_id
        return run_page_url(self._public_url, experiment, run_id)

    def file_url(self, run_id: str, path: str) -> str:
        """Return the URL of the page that shows a file of a run."""
        return f"{self.run_url(run_id)}/artifacts/{quote(path)}"

    def version_url(self, model: str, version: int) -> str:
        """Return the URL of a version's page."""
        return version_page_url(self._public_url, model, version)

    def _log_trial(self, experiment: str, parent: str, metric: str, trial: Trial) -> None:
        identity = {PARENT_TAG: parent, TRIAL_TAG: str(trial.number)}
        query = " and ".join(f"tags.`{name}` = '{value}'" for name, value in identity.items())
        runs = self.client.search_runs([experiment], query, max_results=1, order_by=["attributes.start_time ASC"])
        if runs and runs[0].info.status != "RUNNING":
            return
        now = int(time.time() * 1000)
        if runs:
            run_id = str(runs[0].info.run_id)
        else:
            tags = {**identity, "retrain.state": trial.state.value, "retrain.error": trial.error}
            start_time, name = now - int(trial.seconds * 1000), f"trial {trial.number}"
            run_id = str(
                self.client.create_run(experiment, start_time=start_time, run_name=name, tags=tags).info.run_id
            )
        metrics = [Metric(f"fold.{metric}", value, now, fold) for fold, value in enumerate(trial.values)]
        if trial.values:
            metrics.append(Metric(metric, trial.value, now, 0))
        self.client.log_batch(run_id, metrics=metrics, params=_to_params(trial.params))
        self.client.set_terminated(run_id, "FAILED" if trial.state is TrialState.FAILED else "FINISHED", now)

    def _download(self, model_id: str, location: str, folder: Path) -> Path:
        uri = self.client.tracking_uri
        try:
            return Path(download_artifacts(artifact_uri=location, dst_path=str(folder), tracking_uri=uri))
        except MlflowException:
            # MLflow reports a missing artifact as an internal error; if the server does not answer, this call fails as well.
            if self.client.list_logged_model_artifacts(model_id):
                raise
        raise NotFoundError(
            f"the artifact of model {model_id} must be in MLflow's store", got="no files", fix="Restore it or retrain."
        )

    def _find_canonical(self, model: str, key: str) -> Challenger | None:
        """Return the canonical version of a key and tag its duplicates, which a lost HTTP response or a race created."""
        versions = self._find_versions(model, key)
        for version in versions[1:]:
            if DUPLICATE_TAG not in version.tags:
                # If two clients create a tag at the same time, MLflow answers one of them with error 400.
                with suppress(RegistryError), _translate_errors():
                    self.client.set_model_version_tag(model, version.version, DUPLICATE_TAG, versions[0].version)
        return _to_challenger(versions[0], key) if versions else None

    def _find_versions(self, model: str, key: str) -> list[ModelVersion]:
        """Return the finished versions of a key, the lowest number first."""
        with _translate_errors():
            versions = self.client.search_model_versions(f"name = '{model}' and tags.`{KEY_TAG}` = '{key}'")
        return sorted((item for item in versions if item.status == "READY"), key=lambda item: int(item.version))

    def _find_or_create_experiment(self, model: str) -> str:
        experiment = self.client.get_experiment_by_name(model)
        if experiment is not None:
            _check_active(experiment)
            return str(experiment.experiment_id)
        try:
            return str(self.client.create_experiment(model))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return str(self.client.get_experiment_by_name(model).experiment_id)

    def _put_alias(self, model: str, alias: str, version: int) -> None:
        with _translate_errors():
            self.client.set_registered_model_alias(model, alias, str(version))

    def _ensure_registered(self, model: str) -> None:
        try:
            self.client.create_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise


def _check_active(experiment: Experiment) -> None:
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise RegistryError(
            f"the MLflow experiment {experiment.name} must not be deleted: new runs go into it",
            got=f"experiment {experiment.experiment_id}, {experiment.lifecycle_stage}",
            fix=f"Run `mlflow experiments restore --experiment-id {experiment.experiment_id}` on MLflow's server, then try again.",
        )


def _to_params(params: Mapping[str, Any]) -> list[Param]:
    return [Param(name, str(value)[:6000]) for name, value in params.items()]


def _to_challenger(version: ModelVersion, key: str) -> Challenger:
    if MANIFEST_TAG not in version.tags:
        raise _make_unfinished(version.name, version.version, "no manifest")
    return Challenger(key, int(version.version), version.run_id, _find_model_id(version), version.tags[MANIFEST_TAG])


def _find_model_id(version: ModelVersion) -> str:
    """Return the id of the logged model of a version; over HTTP only the version's source contains it."""
    scheme, _, model_id = str(version.source).rpartition("models:/")
    if scheme or not model_id.startswith("m-"):
        raise _make_unfinished(version.name, version.version, "a source that is not a logged model")
    return model_id


def _check_finished(model: str, version: int, status: str, *, failed: str) -> None:
    """Check that a version or its logged model is finished.

    Raises:
        IntegrityError: Its upload or registration failed, for good.
        OutageError: It is pending, or the answer has no status: MLflow's client reads an empty answer as pending.
    """
    if status == failed:
        raise _make_unfinished(model, version, status)
    if status != "READY":
        raise OutageError(
            f"MLflow must answer that version {version} of {model} is ready",
            got=status or "no status",
            fix="Look at the MLflow server, or a proxy before it; then try again.",
        )


def _make_unfinished(model: str, version: int | str, got: str) -> IntegrityError:
    return IntegrityError(
        f"version {version} of {model} must be a finished model",
        got=got,
        fix="Do not promote it; retrain with a nonce.",
    )


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translate MLflow's errors: not found, no answer (worth a retry), or a refused call."""
    try:
        yield
    except MlflowException as error:
        status = error.get_http_status_code()
        if error.error_code == _FOREIGN_404:
            raise OutageError(
                "MLflow must answer, not something before it",
                got="error 404 without an answer of MLflow",
                fix="Check the address of MLflow, and the proxy or ingress before it; then try again.",
            ) from error
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise NotFoundError(
                "a run or version that the ledger names must exist in MLflow",
                got=_first_line(error),
                fix="Restore it or retrain.",
            ) from error
        if status >= 500 or status == 429:
            raise OutageError(
                "the MLflow server must answer", got=_first_line(error), fix="Check the server, then try again."
            ) from error
        raise RegistryError(
            "MLflow must accept the call", got=_first_line(error), fix="See the server's log."
        ) from error
    except OSError as error:
        raise OutageError(
            "the MLflow server must store and return artifacts", got=type(error).__name__, fix="Check the server."
        ) from error


def _first_line(error: MlflowException) -> str:
    """Return MLflow's code and message without the body of another server's answer."""
    message = str(error.message).partition(" Response body:")[0].removeprefix(f"{error.error_code}: ")
    return f"{error.error_code}: {message.splitlines()[0][:200]}"
