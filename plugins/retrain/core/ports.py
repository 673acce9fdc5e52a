"""The ports: what a retrain needs from the world, one Protocol a system.

Every implementation meets the contract suite of its port under ``tests/contracts``. A system that does not answer raises
`OutageError`; bytes that are not what was recorded raise `IntegrityError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame, Series

    from retrain.core.data.snapshot import Part, Snapshot
    from retrain.core.data.validation import ValidationReport
    from retrain.core.data.window import Window
    from retrain.core.evaluation.footprint import Footprint
    from retrain.core.evaluation.scorecard import Scorecard
    from retrain.core.evaluation.scores import Scores
    from retrain.core.ledger.entries import LedgerEntry, Move, Pointer
    from retrain.core.ledger.standing import Standing
    from retrain.core.policy.decision import Challenger, Decision
    from retrain.core.policy.error_control import PastTest
    from retrain.core.policy.evidence import Evidence
    from retrain.core.request import RetrainRequest
    from retrain.core.spec import PipelineSpec, SearchSpec
    from retrain.core.training.recipe import Recipe
    from retrain.core.training.search import Candidate, Goal, Trial, TrialState

__all__ = [
    "DatasetRef",
    "EvidenceStore",
    "FittedModel",
    "Ledger",
    "Meter",
    "ModelRegistry",
    "OpenRetrain",
    "Rehearsal",
    "Search",
    "SnapshotStore",
    "Trainer",
    "TrialStore",
    "Validator",
]


class SnapshotStore(Protocol):
    """Point-in-time data, stored once and never changed."""

    def take(self, spec: PipelineSpec, window: Window) -> Snapshot:
        """Read the window from the source, store its chunks and manifest, return the manifest.

        The same data gives the same bytes and so the same digest.

        Raises:
            DataError: The source cannot be read, lacks a column, or a calendar period between the first row and the
                window's end has no rows.
        """

    def load(self, digest: str) -> Snapshot:
        """Return a stored manifest, checked against its digest.

        Raises:
            NotFoundError: There is none.
        """

    def files(self, snapshot: Snapshot) -> list[Path]:
        """Return the chunks as local Parquet files, each checked against its sha256."""

    def frame(self, snapshot: Snapshot, part: Part, columns: Sequence[str]) -> DataFrame:
        """Return the rows of one part in a stable order, with just these columns."""


class EvidenceStore(Protocol):
    """Scorecards and per-row scores, stored once and never changed."""

    def put_scores(self, scores: Scores) -> str:
        """Store per-row scores; return the sha256 of the file."""

    def put_scorecard(self, scorecard: Scorecard) -> str:
        """Store a scorecard; return its digest."""

    def evidence(self, digest: str) -> Evidence:
        """Return a scorecard with its scores, both checked against their digests."""


class Validator(Protocol):
    """Expectations over the rows of a window."""

    def validate(
        self, files: Sequence[Path], suite: Mapping[str, Any], *, event_time: str, window: Window
    ) -> ValidationReport:
        """Evaluate a suite, in Great Expectations' own JSON, on the rows of the window.

        Raises:
            DataError: The suite is empty or not a suite, or the window holds no rows: never a vacuous pass.
        """


@dataclass(frozen=True)
class FittedModel:
    """A fitted estimator with what is needed to score it.

    Attributes:
        features: The feature columns, in order.
        classes: The classes by column of the probabilities; None for a regression.
        baseline: What a dummy fitted on the same training rows says on every row: the class shares, or the mean.
    """

    estimator: Any
    features: tuple[str, ...]
    classes: tuple[Any, ...] | None
    baseline: tuple[float, ...]


class Trainer(Protocol):
    """Makes, scores, saves and loads models of one library."""

    def code_digest(self, spec: PipelineSpec) -> str:
        """Return the digest of the training code: the estimator's module and what it imports from the project."""

    def lock_digest(self, spec: PipelineSpec) -> str:
        """Return the digest of the interpreter and the pinned packages that the model is made with."""

    def fit(self, spec: PipelineSpec, features: DataFrame, label: Series) -> FittedModel:
        """Build the estimator with the spec's params and seed, and fit it.

        Raises:
            TrainingError: The estimator cannot be imported, built or fitted.
            DataError: The label is missing, not finite, or has a single class.
        """

    def score(self, model: FittedModel, features: DataFrame) -> NDArray[np.float64]:
        """Return (n, classes) probabilities, or (n,) predictions.

        Raises:
            TrainingError: The model cannot score the rows, or gives a score that is not finite.
        """

    def save(self, model: FittedModel, spec: PipelineSpec, sample: DataFrame, folder: Path) -> None:
        """Write the model with its signature and requirements."""

    def made_with(self, spec: PipelineSpec) -> dict[str, str]:
        """Return the versions of the interpreter and the packages that a model of this spec is made with here, by name."""

    def recipe(self, folder: Path) -> Recipe:
        """Return what a stored model was made by; the caller has verified the folder's digest.

        Raises:
            IntegrityError: The folder does not say.
        """

    def refit(self, recipe: Recipe, rows: DataFrame, folder: Path, *, instead_of: PipelineSpec) -> None:
        """Train by a recipe, with its code and not that of today, in a process of its own, and save the model.

        Args:
            rows: Features and label.
            instead_of: The spec of today, whose project must be out of reach.

        Raises:
            TrainingError: It trains no more.
        """

    def difference(self, folder: Path, other: Path) -> str:
        """Return the first place where two models that `save` wrote differ; empty where every number is the same."""

    def load(self, folder: Path) -> FittedModel:
        """Read what `save` wrote; the caller has verified the folder's digest.

        Raises:
            IntegrityError: The model holds a type that the platform does not trust, or code to run on loading.
        """


class Rehearsal(Protocol):
    """Proof that a stored model still works, without trusting this process to it."""

    def __call__(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot | None) -> int:
        """Load a verified artifact in a process of its own and score rows of a snapshot's holdout; return how many.

        Raises:
            IntegrityError: It does not load, does not score, or gives a score that is not finite.
        """


class Meter(Protocol):
    """What a stored model costs, measured without the memory and the habits of this process."""

    def __call__(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot, batches: Sequence[int]) -> Footprint:
        """Load a verified artifact in a process of its own, time calls of so many rows each, weigh it.

        Raises:
            IntegrityError: It does not load, does not score, or takes too long to be measured.
        """


class Search(Protocol):
    """One search: exactly as many trials as were wanted, shared by all who work on it.

    A trial is deterministic, so that two who do the same one by accident find the same, and the first to close it counts.
    """

    def take(self) -> Candidate | None:
        """Return the next trial to do, for this worker alone; None where none is left to begin.

        Trials that this worker began in an earlier life come first, with the params and values they had. One that was begun
        three times and never closed is closed as failed, since it kills who does it.
        """

    def report(self, number: int, fold: int, value: float) -> bool:
        """Store the value of a fold, the first is 0; return whether the rest of the trial is not worth its time."""

    def close(self, number: int, state: TrialState, *, seconds: float, error: str = "") -> None:
        """End a trial; one that is closed stays as it is."""

    def trials(self) -> list[Trial]:
        """Return the closed trials by number."""


class TrialStore(Protocol):
    """Searches for the best params, stored so that one that was killed goes on where it was."""

    def open(
        self, key: str, search: SearchSpec, goal: Goal, *, start: Mapping[str, Any], seed: int, worker: int | None
    ) -> Search:
        """Return the search of a key, made on the first call and found on every later one.

        Args:
            start: Params that the first trial must have.
            worker: Who works on it, so that a retry takes up its own trials; None takes up everybody's.
        """


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


@dataclass(frozen=True)
class OpenRetrain:
    """An attempt that is not settled."""

    origin: str
    as_of: datetime
    opened_at: datetime


class Ledger(Protocol):
    """Retrains, decisions, pointers, and the append-only record of every move and refusal."""

    def open_retrain(self, request: RetrainRequest) -> None:
        """Note that an attempt began; saying it twice changes nothing."""

    def open_before(self, request: RetrainRequest) -> list[OpenRetrain]:
        """Return attempts on the same model and timeline with an earlier as-of that are not settled, oldest as-of first.

        Settled is an attempt with a decision, a PROMOTE once its promotion or refusal stands in the ledger.
        """

    def record(self, decision: Decision, scorecard: Scorecard | None = None) -> Decision:
        """Store a decision (and its scorecard) and close its attempt; return it as stored, with the database's time.

        A decision with an id that is stored already is not stored again: the first one is returned.

        Raises:
            ConflictError: Its allotment rests on a sequence of tests that has grown since: allot anew and judge again.
        """

    def tests(self, sequence: str) -> list[PastTest]:
        """Return the tests of a sequence of error control by place: of every decision that took one."""

    def decision(self, decision_id: str) -> Decision:
        """Return one decision.

        Raises:
            NotFoundError: There is none.
        """

    def decisions(self, model: str, timeline: str) -> list[Decision]:
        """Return all decisions in the order they were stored."""

    def pointer(self, model: str, timeline: str) -> Pointer | None:
        """Return who is champion now."""

    def append(self, move: Move) -> LedgerEntry:
        """Move the pointer (or record what moves nothing) and append the entry, in one transaction.

        The same idempotency key again returns the first entry and changes nothing.

        Raises:
            ConflictError: The rules of `entry_for` refuse the wish: the message says who won, or what bars it.
        """

    def standing(self, model: str, timeline: str) -> Standing:
        """Return champion, former champions, freeze and quarantine."""

    def entry(self, model: str, timeline: str, key: str) -> LedgerEntry | None:
        """Return the first promotion of a key on a timeline."""

    def entries(self, model: str | None = None, timeline: str | None = None) -> list[LedgerEntry]:
        """Return entries by sequence; of one model or timeline where named."""

    def champion_at(self, model: str, timeline: str, at: datetime) -> LedgerEntry | None:
        """Return the move that stood at an instant of record time: what was in production then.

        Of the moves recorded at or before `at`, the last by sequence; None where there was no champion yet.
        """

    def champion_as_of(self, model: str, timeline: str, as_of: datetime) -> LedgerEntry | None:
        """Return the champion for an instant of knowledge time, whenever it was recorded.

        Of the moves to a version whose as-of is not after `as_of`, the last by sequence, so that a rollback counts;
        None where there is none.
        """

    def now(self) -> datetime:
        """Return the database's time."""

    def timelines(self) -> list[tuple[str, str]]:
        """Return every (model, timeline) that has a decision, sorted."""

    def verify(self) -> int:
        """Check the hash chain, that each pointer is its last move, and each decision what it was; return how many entries.

        Raises:
            IntegrityError: The ledger was tampered with.
        """
