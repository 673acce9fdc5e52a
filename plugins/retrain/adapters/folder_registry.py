"""A model registry in a local folder, for developing a pipeline without a server."""

from __future__ import annotations

import fcntl
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from retrain.adapters.whole_file import make_private_folder, write_whole
from retrain.core.failpoints import failpoint
from retrain.core.policy.decision import Challenger
from retrain.core.ports import DatasetRef
from retrain.core.training.artifact import digest_manifest, verify_artifact
from retrain.core.training.search import Trial
from retrain.errors import IntegrityError, NotFoundError, OutageError

__all__ = ["FolderRegistry"]


class FolderRegistry:
    """The `ModelRegistry` over a folder, for the processes of one machine.

    ``runs/<id>/`` holds run.json and the files of the run; ``models/<model>/<version>/`` holds version.json and the artifact.

    Args:
        base: The folder; it is created on the first write.
    """

    def __init__(self, base: Path) -> None:
        self._base = base

    def find_challenger(self, model: str, key: str) -> Challenger | None:
        """Return the lowest version of a key."""
        versions = [version for version in self._read_versions(model) if version["key"] == key]
        first = min(versions, key=lambda version: int(version["version"]), default=None)
        return Challenger(**first) if first else None

    def open_run(self, model: str, key: str, *, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Return the run of a key; the first call creates it."""
        with self._writing():
            for path in sorted(self._base.glob("runs/*/run.json")):
                run = _read(path)
                if run["key"] == key and run["model"] == model:
                    return str(run["id"])
            run_id = uuid.uuid4().hex
            content = {
                "id": run_id,
                "model": model,
                "key": key,
                "name": name,
                "params": dict(params),
                "tags": dict(tags),
            }
            _write(self._base / "runs" / run_id / "run.json", content)
            return run_id

    def run_tags(self, run_id: str) -> dict[str, str]:
        """Return the tags of a run."""
        return dict(_read(self._find_run(run_id) / "run.json")["tags"])

    def run_params(self, run_id: str) -> dict[str, str]:
        """Return the parameters of a run as texts."""
        return {name: str(value) for name, value in _read(self._find_run(run_id) / "run.json")["params"].items()}

    def log_dataset(self, run_id: str, dataset: DatasetRef) -> None:
        """Record the dataset of a run."""
        with self._writing():
            _write(self._find_run(run_id) / "dataset.json", dataset.__dict__)

    def log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Add params to a run."""
        with self._writing():
            path = self._find_run(run_id) / "run.json"
            run = _read(path)
            _write(path, run | {"params": run["params"] | dict(params)})

    def log_trials(self, run_id: str, metric: str, trials: Sequence[Trial]) -> None:
        """Write one file per trial below the run."""
        with self._writing():
            for trial in trials:
                content = {"run": run_id, "metric": metric, "value": trial.value, **asdict(trial)}
                _write(self._find_run(run_id) / "trials" / f"{trial.number}.json", content)

    def publish(self, model: str, key: str, run_id: str, folder: Path) -> Challenger:
        """Copy the model folder under the next version number, unless the key has a version."""
        with self._writing():
            if published := self.find_challenger(model, key):
                return published
            version = max((int(item["version"]) for item in self._read_versions(model)), default=0) + 1
            challenger = Challenger(key, version, run_id, f"m-{uuid.uuid4().hex}", digest_manifest(folder))
            target = self._base / "models" / model / str(version)
            part = target.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)  # left by a killed attempt
            shutil.copytree(folder, part / "model")
            _write(part / "version.json", challenger.__dict__)
            failpoint("model_uploaded")
            part.replace(target)
            failpoint("version_registered")
            return challenger

    def log_evaluation(self, run_id: str, metrics: Mapping[str, float], files: Sequence[Path]) -> None:
        """Add metrics and files to a run."""
        with self._writing():
            run = self._find_run(run_id)
            _write(run / "metrics.json", dict(metrics))
            for file in files:
                shutil.copy(file, run / file.name)

    def log_files(self, run_id: str, files: Sequence[Path], folder: str) -> None:
        """Copy files into a folder of a run."""
        with self._writing():
            target = self._find_run(run_id) / folder
            target.mkdir(parents=True, exist_ok=True)
            for file in files:
                shutil.copy(file, target / file.name)

    def find_version(self, model: str, version: int) -> Challenger | None:
        """Return a version; None if it does not exist."""
        facts = next((item for item in self._read_versions(model) if int(item["version"]) == version), None)
        return Challenger(**facts) if facts else None

    def fetch(self, model: str, version: int, manifest_digest: str, folder: Path) -> Path:
        """Copy the artifact of a version and verify the copy."""
        source = self._base / "models" / model / str(version) / "model"
        if not source.is_dir():
            raise NotFoundError(f"version {version} of {model} must exist", got="no such version", fix="Retrain it.")
        target = folder / "model"
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        verify_artifact(target, manifest_digest)
        return target

    def alias_version(self, model: str, alias: str) -> int | None:
        """Return the version that an alias names."""
        path = self._base / "models" / model / "aliases.json"
        return _read(path).get(alias) if path.exists() else None

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version."""
        with self._writing():
            path = self._base / "models" / model / "aliases.json"
            aliases = _read(path) if path.exists() else {}
            _write(path, aliases | {alias: version})

    def describe_version(self, model: str, version: int, text: str) -> None:
        """Replace the description of a version."""
        with self._writing():
            folder = self._base / "models" / model / str(version)
            if not folder.is_dir():
                raise NotFoundError(
                    f"version {version} of {model} must exist", got="no such version", fix="Retrain it."
                )
            (folder / "description.md").write_text(text, encoding="utf-8")

    def run_url(self, run_id: str) -> str:
        """Return the URL of a run's folder."""
        return self._find_run(run_id).absolute().as_uri()

    def file_url(self, run_id: str, path: str) -> str:
        """Return the URL of a file of a run."""
        return (self._find_run(run_id) / path).absolute().as_uri()

    def version_url(self, model: str, version: int) -> str:
        """Return the URL of a version's folder."""
        return (self._base / "models" / model / str(version)).absolute().as_uri()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep other processes from writing meanwhile, so that none of them takes the same version number or loses an edit.

        Raises:
            OutageError: The folder is read-only or full.
        """
        try:
            if not self._base.is_dir():
                make_private_folder(self._base)
            with (self._base / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise OutageError(
                f"the models' folder {self._base} must be writable",
                got=f"{type(error).__name__} ({error.strerror or 'while copying files'})",
                fix="Check its permissions and the free space of its disk, then try again.",
            ) from error

    def _find_run(self, run_id: str) -> Path:
        path = self._base / "runs" / run_id
        if not path.is_dir():
            raise NotFoundError(f"run {run_id} must exist", got="no such run", fix="Train again.")
        return path

    def _read_versions(self, model: str) -> list[dict[str, Any]]:
        paths = self._base.glob(f"models/{model}/*/version.json")
        return [
            _read(path) for path in paths if path.parent.name.isdecimal()
        ]  # another name is a copy that was cut short


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise IntegrityError(
            f"{path} must be JSON",
            got=f"{path.stat().st_size} bytes that are not",
            fix=f"Delete the folder {path.parent}.",
        ) from error
    return content


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_whole(path, json.dumps(content, indent=1, default=str))
