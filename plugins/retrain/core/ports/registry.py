"""The registry of runs, model versions and aliases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from retrain.core.policy.decision import Challenger
    from retrain.core.training.search import Trial

__all__ = ["DatasetRef", "ModelRegistry"]


@dataclass(frozen=True)
class DatasetRef:
    """The reference to a snapshot that a run records.

    Attributes:
        name: The pipeline's name.
        digest: The snapshot's digest.
        source: Where the rows came from.
        rows: Number of rows.
    """

    name: str
    digest: str
    source: str
    rows: int


class ModelRegistry(Protocol):
    """Stores runs, model versions and aliases; each key has one run and one canonical version.

    Every method raises `OutageError` if the registry does not answer, and `RegistryError` if it refuses the call for good.
    """

    def find_challenger(self, model: str, key: str) -> Challenger | None:
        """Return the canonical version of a key, the lowest number with a finished artifact; None if there is none."""

    def open_run(self, model: str, key: str, *, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Return the id of the run of a key; the first call creates it, later calls find it and ignore the other arguments.

        Args:
            model: The registered model's name.
            key: The key of the retrain.
            name: The display name of a new run.
            params: Recorded as texts.
            tags: Recorded as they are, beside the key.
        """

    def run_tags(self, run_id: str) -> dict[str, str]:
        """Return the tags of a run, at least those of `open_run`.

        Raises:
            NotFoundError: The registry has no such run.
        """

    def run_params(self, run_id: str) -> dict[str, str]:
        """Return the parameters of a run as texts.

        Raises:
            NotFoundError: The registry has no such run.
        """

    def log_dataset(self, run_id: str, dataset: DatasetRef) -> None:
        """Record the dataset of a run; a second call changes nothing."""

    def log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Add parameters to a run after its creation; repeating the same values changes nothing."""

    def log_trials(self, run_id: str, metric: str, trials: Sequence[Trial]) -> None:
        """Record the trials of a search below a run; a repeated call records no trial twice.

        Args:
            run_id: The run of the retrain.
            metric: The metric that the values of the trials are of.
            trials: The closed trials.
        """

    def publish(self, model: str, key: str, run_id: str, folder: Path) -> Challenger:
        """Upload a model folder and register it under the key; if the key has a finished version, return that one.

        A call that was killed leaves no finished version, and a repeated call completes the work.
        """

    def log_evaluation(self, run_id: str, metrics: Mapping[str, float], files: Sequence[Path]) -> None:
        """Add metrics and files (plots, reports) to a run; a repeated call changes nothing."""

    def log_files(self, run_id: str, files: Sequence[Path], folder: str) -> None:
        """Store files in a folder of a run; a file with the same name is replaced."""

    def find_version(self, model: str, version: int) -> Challenger | None:
        """Return a version with its key and manifest digest; None if it does not exist or was not made by a retrain.

        Raises:
            IntegrityError: It carries a key, but not what a retrain records beside it.
        """

    def fetch(self, model: str, version: int, manifest_digest: str, folder: Path) -> Path:
        """Copy the artifact of a version below `folder`, verify the copy, and return the model's folder.

        Args:
            model: The registered model's name.
            version: The version number.
            manifest_digest: The digest recorded at training.
            folder: An existing empty folder.

        Raises:
            NotFoundError: The version or its artifact does not exist.
            IntegrityError: The artifact does not have that digest, or was never finished.
        """

    def alias_version(self, model: str, alias: str) -> int | None:
        """Return the version that an alias names; None if the alias or the model does not exist."""

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version and read it back.

        Raises:
            OutageError: Another writer moved the alias at the same time.
        """

    def describe_version(self, model: str, version: int, text: str) -> None:
        """Replace the description of a version by a Markdown text.

        Raises:
            NotFoundError: The version does not exist.
        """

    def run_url(self, run_id: str) -> str:
        """Return the URL of a run's page."""

    def file_url(self, run_id: str, path: str) -> str:
        """Return the URL of the page that shows a file of a run; `path` is relative to the run."""

    def version_url(self, model: str, version: int) -> str:
        """Return the URL of a version's page."""
