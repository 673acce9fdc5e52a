"""Builders that the tests share: specs, data around a date, scores, evidence, and a world to retrain in."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.data.validation import ExpectationResult, ValidationReport
from retrain.core.ledger.entries import Action, LedgerEntry, Pointer
from retrain.core.ledger.origin import Origin
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Challenger, Decision
from retrain.core.request import RetrainRequest
from retrain.core.resources import Retrain
from retrain.core.spec import PipelineSpec

if TYPE_CHECKING:
    from retrain.core.evaluation.scores import Opponent, Scores
    from retrain.core.report import RetrainReport

ROOT = Path(__file__).parents[1]
MODEL = "churn"
KEY = "0123456789abcdef" * 4
AS_OF = datetime(2024, 7, 1, tzinfo=UTC)
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)

_DOCUMENT: dict[str, Any] = {
    "model": MODEL,
    "schedule": "@monthly",
    "start_date": "2024-02-01",
    "data": {
        "source": "source/*.parquet",
        "event_time": "at",
        "label": "label",
        "label_delay": "1d",
        "window": {"train": "90d", "holdout": "28d"},
        "min_rows": 50,
    },
    "validation": {"suite": "suite.json"},
    "train": {"estimator": "tests.estimators:build_classifier", "seed": 7},
    "evaluation": {
        "task": "classification",
        "primary": "roc_auc",
        "metrics": ["roc_auc", "log_loss"],
    },
    "gate": [
        {"check": "threshold", "metric": "roc_auc", "min": 0.6},
        {"check": "beats_champion", "metric": "roc_auc", "cluster_by": "day", "resamples": 200},
    ],
}
REGRESSION: dict[str, Any] = {
    "train__estimator": "tests.estimators:build_regressor",
    "evaluation": {"task": "regression", "primary": "mae", "metrics": ["mae", "rmse", "r2"], "slices": ["place"]},
    "gate": [{"check": "beats_champion", "metric": "mae", "cluster_by": "day", "resamples": 200}],
}
"""Changes that make a spec of a regression."""

NOT_WORSE = {"gate": [{"check": "beats_champion", "metric": "roc_auc", "margin": -1, "resamples": 200}]}
"""Changes that let any challenger win that meets an opponent."""


def spec_document(**changes: Any) -> dict[str, Any]:
    """Return a good spec as a plain document; ``data__label="late"`` changes one key, None takes it out."""
    document = copy.deepcopy(_DOCUMENT)
    for path, value in changes.items():
        *sections, key = path.split("__")
        section = document
        for name in sections:
            section = section.setdefault(name, {})
        if value is None:
            section.pop(key, None)
        else:
            section[key] = copy.deepcopy(value)
    return document


def make_spec(root: Path = ROOT, **changes: Any) -> PipelineSpec:
    """Return a good spec with changes, its relative paths starting from `root`."""
    return PipelineSpec.model_validate(spec_document(**changes)).rooted_at(root)


def make_origin(run_id: str, *, dag_id: str = MODEL) -> Origin:
    """Return the origin of a DAG run."""
    return Origin.of_dag_run(dag_id, run_id)


def make_request(**changes: Any) -> RetrainRequest:
    """Return a request for `MODEL` on production at `AS_OF`."""
    return replace(RetrainRequest(MODEL, "production", AS_OF, make_origin("run")), **changes)


LATER = make_request(as_of=AS_OF + timedelta(days=14), origin=make_origin("later"))
LATEST = make_request(as_of=AS_OF + timedelta(days=18), origin=make_origin("latest"))


def make_pointer(**changes: Any) -> Pointer:
    """Return a champion of the month before `AS_OF`."""
    return replace(
        Pointer(MODEL, "production", 3, "d" * 64, 3, AS_OF - timedelta(days=30), "k" * 64),
        **changes,
    )


def make_rows(days: int = 200, *, rows_per_day: int = 6, task: str = "binary", seed: int = 7) -> dict[str, Any]:
    """Return columns of rows from `FIRST_DAY` on: a label that `signal` tells much of, and a place to slice by."""
    random = np.random.default_rng(seed)
    count = days * rows_per_day
    minutes = np.arange(count) * (24 * 60 // rows_per_day)
    signal, noise = random.normal(size=count), random.normal(size=count)
    strength = 2 * signal + noise
    labels = {
        "binary": (strength > 0).astype(np.int8),
        "multiclass": np.array(["low", "mid", "high"], dtype=object)[np.digitize(strength, [-1.5, 1.5])],
        "regression": strength,
    }
    return {
        "at": np.datetime64(FIRST_DAY.replace(tzinfo=None), "us") + minutes * np.timedelta64(1, "m"),
        "signal": signal,
        "other": random.normal(size=count),
        "place": np.array(["north", "south", "west"], dtype=object)[random.integers(0, 3, count)],
        "label": labels[task],
    }


def write_rows(folder: Path, columns: dict[str, Any], name: str = "rows.parquet") -> Path:
    """Write columns as one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    table = {key: pa.array(values, from_pandas=True) for key, values in columns.items()}
    pq.write_table(pa.table(table), folder / name)
    return folder / name


def write_months(folder: Path, columns: dict[str, Any]) -> None:
    """Write columns as one Parquet file a month of ``at``."""
    months = columns["at"].astype("datetime64[M]")
    for month in np.unique(months):
        write_rows(folder, {key: values[months == month] for key, values in columns.items()}, f"{month}.parquet")


class NoPictures:
    """The `Reports` of most tests, which do not look at pictures."""

    def draw_scores(self, scores: Scores, opponent: Opponent | None, title: str, folder: Path) -> list[Path]:  # noqa: ARG002
        return []

    def write_scorecard(self, report: RetrainReport, folder: Path) -> Sequence[Path]:
        from retrain.reports.html_scorecard import draw_scorecard

        return draw_scorecard(report, folder)


class EverythingMet:
    """The `Validator` of most tests, which are not about the data's quality; the real one has a contract suite."""

    def validate(self, *_: object, **__: object) -> ValidationReport:
        return ValidationReport("churn", (ExpectationResult("expect_table_columns_to_match_set", "", True),))


@dataclass
class World:
    """Real data, a real trainer, and stores in a folder: the `Resources` of a test, with its pipeline."""

    root: Path
    spec: PipelineSpec
    snapshots: Any
    trainer: Any
    train_by_recipe: Any
    registry: Any
    evidence: Any
    ledger: Any
    meter: Any
    reports: Any
    progress: list[str] = field(default_factory=list)
    trials_url: Any = None
    validator: Any = None

    @classmethod
    def make(cls, root: Path, *, task: str = "binary", rows: dict[str, Any] | None = None, **changes: Any) -> World:
        """Return a world over a source of one file a month; the rest are changes of the spec."""
        write_months(root / "source", make_rows(task=task) if rows is None else rows)
        defaults = {"data__features": ["signal", "other"]} | (REGRESSION if task == "regression" else {})
        return cls.over(root, make_spec(root, **(defaults | changes)))

    def copy(self, root: Path) -> World:
        """Return the same world in another folder, with all that was stored and decided."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        again = self.over(root, self.spec.rooted_at(root))
        again.ledger = self.ledger.copy()
        return again

    @classmethod
    def over(cls, root: Path, spec: PipelineSpec) -> World:
        """Return a world over a folder that has its data."""
        from retrain.adapters.content_store import ContentStore
        from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
        from retrain.adapters.extensions import Trainers
        from retrain.adapters.folder_registry import FolderRegistry
        from retrain.adapters.isolated.recipe_training import ChildProcessRecipeTraining
        from retrain.adapters.isolated.scoring_meter import ChildProcessMeter
        from retrain.adapters.memory_ledger import MemoryLedger
        from retrain.adapters.parquet_evidence import ParquetEvidence

        store = ContentStore(str(root / "store"))
        snapshots = DuckDBSnapshots(store)
        return cls(
            root,
            spec,
            snapshots,
            Trainers(),
            ChildProcessRecipeTraining(()),
            FolderRegistry(root / "registry"),
            ParquetEvidence(store),
            MemoryLedger(),
            ChildProcessMeter(snapshots, ()),
            NoPictures(),
        )

    def respec(self, **changes: Any) -> None:
        """Give the pipeline another spec over the same data, stores and ledger."""
        features = {"data__features": ["signal", "other"]}
        self.spec = make_spec(self.root, **(features | changes))

    def of(self, request: RetrainRequest | None = None) -> Retrain:
        """Return a retrain in this world."""
        return Retrain(self.spec, request or make_request(), self)

    def load_trainer(self, spec: PipelineSpec) -> Any:  # noqa: ARG002 - the port's
        return self.trainer

    def freeze_code(self, spec: PipelineSpec) -> Any:
        from retrain.adapters.user_code.project_code import freeze_code

        return freeze_code(spec)

    def load_validator(self, spec: PipelineSpec) -> Any:
        from retrain.adapters.extensions import load_validator

        return self.validator or load_validator(spec)

    def load_gates(self, spec: PipelineSpec) -> Any:
        from retrain.adapters.user_code.project_gates import load_gates

        return load_gates(spec.root)

    def snapshot(self, request: RetrainRequest | None = None) -> Snapshot:
        from retrain.steps import take_snapshot

        return take_snapshot(self.of(request))

    def train(self, request: RetrainRequest | None = None, snapshot: Snapshot | None = None) -> Challenger:
        from retrain.steps import train_challenger

        return train_challenger(
            self.of(request), snapshot or self.snapshot(request), report_progress=self.progress.append
        )

    def validate(self, request: RetrainRequest, snapshot: Snapshot) -> ValidationReport:
        """Validate a snapshot, by a validator that finds everything met unless the world has another."""
        from retrain.steps import validate_snapshot

        if not (self.root / "suite.json").exists():
            (self.root / "suite.json").write_text('{"name": "churn", "expectations": []}')
        return validate_snapshot(replace(self, validator=self.validator or EverythingMet()).of(request), snapshot)

    def open_trials(self) -> Any:
        from retrain.adapters.optuna_trials import OptunaTrials

        return OptunaTrials(self.trials_url or f"sqlite:///{self.root}/trials.db")

    def evaluate(self, request: RetrainRequest, snapshot: Snapshot, challenger: Challenger) -> str:
        from retrain.steps import evaluate_challenger

        return evaluate_challenger(self.of(request), snapshot, challenger)

    def decide(self, request: RetrainRequest | None = None) -> Decision:
        """Go all the way to the decision."""
        from retrain.steps import decide_retrain

        request = request or make_request()
        snapshot = self.snapshot(request)
        self.validate(request, snapshot)
        challenger = self.train(request, snapshot)
        scorecard = self.evaluate(request, snapshot, challenger)
        return decide_retrain(self.of(request), snapshot, challenger, scorecard)

    def report(self, decision: Decision, made: Challenger | None = None) -> Any:
        """Return the report of a decision."""
        from retrain.steps import collect_report

        made = made or decision.challenger
        assert made is not None
        return collect_report(self.spec, decision, made, self)

    def promote(self, request: RetrainRequest, decision: Decision) -> LedgerEntry:
        from retrain.steps import promote_challenger

        return promote_challenger(self.of(request), decision)

    def approve(self, request: RetrainRequest, decision: Decision, approver: str, name: str = "") -> LedgerEntry:
        from retrain.steps import approve_promotion

        return approve_promotion(self.of(request), decision, approver=approver, name=name, shown=decision.digest)

    def retrain(self, request: RetrainRequest | None = None) -> LedgerEntry:
        """Go all the way to a new champion."""
        request = request or make_request()
        return self.promote(request, self.decide(request))

    def entries(self) -> list[LedgerEntry]:
        """Return the ledger's entries but those that record a decision."""
        return [entry for entry in self.ledger.entries() if entry.action is not Action.DECIDE]

    def verify(self) -> int:
        """Verify the ledger, and return the number of its entries but those that record a decision."""
        self.ledger.verify()
        return len(self.entries())

    def plan(self, to: int | None = None, timeline: str = PRODUCTION) -> Any:
        from retrain.steps import plan_rollback

        return plan_rollback(self._operation(timeline), to=to, ledger=self.ledger)

    def roll_back(self, to: int | None = None, *, plan: Any = None, timeline: str = PRODUCTION) -> LedgerEntry:
        from retrain.steps import roll_back

        return roll_back(plan or self.plan(to, timeline), self._operation(timeline), self)

    def force(self, version: int, *, days: int = 7, timeline: str = PRODUCTION) -> LedgerEntry:
        from retrain.steps import force_champion

        lifetime = timedelta(days=days)
        return force_champion(version, self._operation(timeline), self, lifetime=lifetime)

    def freeze(self, *, lift: bool = False) -> LedgerEntry:
        from retrain.steps import freeze_model, unfreeze_model

        change = unfreeze_model if lift else freeze_model
        return change(self.spec.model, PRODUCTION, actor="someone", reason="because", ledger=self.ledger)

    def reconcile(self) -> list[Any]:
        from retrain.steps import reconcile_all

        return reconcile_all([self.spec], self, actor="reconciler")

    def alias(self) -> int | None:
        version: int | None = self.registry.alias_version(self.spec.model, self.spec.promotion.alias)
        return version

    def _operation(self, timeline: str) -> Any:
        from retrain.steps import Operation

        return Operation(self.spec, timeline, actor="someone", reason="because")

    def smoke_test(self, spec: PipelineSpec, folder: Path, snapshot: Snapshot | None) -> int:  # noqa: ARG002 - the port's
        """Load and score in this process."""
        model = self.trainer.load(folder)
        if snapshot is None:
            return 0
        return len(self.trainer.score(model, self.snapshots.frame(snapshot, Part.HOLDOUT, list(model.features))))

    def serving_test(self, folder: Path, rows: Any, scores: Any, *, project: Path) -> None:
        """Trust the model: a unit test starts no child process."""

    def artifact(self, version: int) -> Path:
        """Return the folder of a version's artifact."""
        return self.root / "registry" / "models" / self.spec.model / str(version) / "model"
