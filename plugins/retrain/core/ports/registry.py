"""Runs, model versions and aliases."""

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
    """How a snapshot is written down in a run."""

    name: str
    digest: str
    source: str
    rows: int


class ModelRegistry(Protocol):
    """Runs, model versions and aliases; one run and one canonical version a key."""

    def find_challenger(self, model: str, key: str) -> Challenger | None:
        """Return the canonical version made under a key: the lowest number with a finished artifact."""

    def open_run(self, model: str, key: str, *, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Return the id of the run of a key, made on the first call and found on every later one."""

    def run_tags(self, run_id: str) -> dict[str, str]:
        """Return what `open_run` tagged a run with.

        Raises:
            NotFoundError: There is no such run.
        """

    def run_params(self, run_id: str) -> dict[str, str]:
        """Return the parameters of a run as texts.

        Raises:
            NotFoundError: There is no such run.
        """

    def log_dataset(self, run_id: str, dataset: DatasetRef) -> None:
        """Write down the data of a run, once."""

    def log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Add params to a run that were not known when it was opened; saying it twice changes nothing."""

    def log_trials(self, run_id: str, metric: str, trials: Sequence[Trial]) -> None:
        """Write the trials of a search down, each as a run nested in the retrain's; saying it twice makes no second run."""

    def publish(self, model: str, key: str, run_id: str, folder: Path) -> Challenger:
        """Upload a model folder and register it under the key; publishing a key again returns what is there."""

    def log_evaluation(self, run_id: str, metrics: Mapping[str, float], files: Sequence[Path]) -> None:
        """Add metrics and files (plots, reports) to a run; saying it twice changes nothing."""

    def log_files(self, run_id: str, files: Sequence[Path], folder: str) -> None:
        """Put files into a folder of a run; a file of the same name is replaced."""

    def find_version(self, model: str, version: int) -> Challenger | None:
        """Return a version with the key and manifest that it was made under; None where it is gone or not ours.

        Raises:
            IntegrityError: It says that it is ours, and cannot be.
        """

    def fetch(self, model: str, version: int, manifest_digest: str, folder: Path) -> Path:
        """Copy the artifact of a version into `folder` and verify it; return the model's folder.

        Raises:
            NotFoundError: The version or its artifact is gone.
            IntegrityError: The artifact is not what was made, or was never finished.
        """

    def alias_version(self, model: str, alias: str) -> int | None:
        """Return the version that an alias names."""

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version, and read it back."""

    def describe_version(self, model: str, version: int, text: str) -> None:
        """Give a version its description, in Markdown, in place of the one it had."""

    def run_url(self, run_id: str) -> str:
        """Return the address of a run's page."""

    def file_url(self, run_id: str, path: str) -> str:
        """Return the address of the page that shows a file of a run, by its path there."""

    def version_url(self, model: str, version: int) -> str:
        """Return the address of a version's page."""
