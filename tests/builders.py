"""Builders that the tests share: specs, data around a date, scores, evidence, and a world to retrain in."""

from __future__ import annotations

import copy
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from retrain.core.decision import Challenger, Decision
from retrain.core.evidence import Evidence
from retrain.core.footprint import Footprint, Latency
from retrain.core.ledger import LedgerEntry, Pointer
from retrain.core.names import PRODUCTION
from retrain.core.profiles import ColumnProfile, Profile
from retrain.core.request import RetrainRequest
from retrain.core.scorecard import Scorecard, score_slices, value_of
from retrain.core.scores import Opponent, Scores
from retrain.core.snapshot import Part, Snapshot
from retrain.core.spec import PipelineSpec

ROOT = Path(__file__).parents[1]
MODEL = "churn"
KEY = "0123456789abcdef" * 4
AS_OF = datetime(2024, 7, 1, tzinfo=UTC)
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
METRICS = {"classification": ("roc_auc", "log_loss", "brier", "accuracy"), "regression": ("mae", "rmse", "r2")}

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
            section[key] = value
    return document


def make_spec(root: Path = ROOT, **changes: Any) -> PipelineSpec:
    """Return a good spec with changes, its relative paths starting from `root`."""
    return PipelineSpec.model_validate(spec_document(**changes)).rooted_at(root)


def make_request(**changes: Any) -> RetrainRequest:
    """Return a request for `MODEL` on production at `AS_OF`."""
    return replace(RetrainRequest(MODEL, "production", AS_OF, "dag:churn/run"), **changes)


LATER = make_request(as_of=AS_OF + timedelta(days=14), origin="dag:churn/later")
LATEST = make_request(as_of=AS_OF + timedelta(days=18), origin="dag:churn/latest")


def make_pointer(**changes: Any) -> Pointer:
    """Return a champion of the month before `AS_OF`."""
    return replace(
        Pointer(MODEL, "production", 3, "d" * 64, 3, AS_OF - timedelta(days=30), "k" * 64),
        **changes,
    )


def make_scores(
    rows: int = 400,
    *,
    task: str = "classification",
    classes: int = 2,
    challenger: float = 0.8,
    opponent: float | None = 0.3,
    seed: int = 7,
) -> Scores:
    """Return scores on `rows` rows, 20 a day; `challenger` and `opponent` say how much they know, from 0 to 1."""
    random = np.random.default_rng(seed)
    time = np.datetime64("2024-06-01", "us") + np.arange(rows) // 20 * np.timedelta64(1, "D")
    columns = {"place": np.array(["north", "south"], dtype=object)[np.arange(rows) % 2]}
    if task == "regression":
        y = random.normal(size=rows)

        def say(skill: float) -> Any:
            return skill * y + (1 - skill) * random.normal(size=rows)
    else:
        y = (np.arange(rows) % classes).astype(float)
        random.shuffle(y)

        def say(skill: float) -> Any:
            strength = random.gamma(1.0, size=(rows, classes)) + 3 * skill * (y[:, None] == np.arange(classes))
            return strength / strength.sum(axis=1, keepdims=True)

    return Scores(y, say(challenger), None if opponent is None else say(opponent), time, columns)


def make_column(name: str, **changes: Any) -> ColumnProfile:
    """Return a column that neither drifted nor leaks."""
    column = ColumnProfile(
        name,
        distance=0.03,
        luck=0.05,
        missing_train=0.01,
        missing_holdout=0.02,
        unseen=0.0,
        strength=0.7,
        late=0,
    )
    return replace(column, **changes)


def make_profile(*features: ColumnProfile, **changes: Any) -> Profile:
    """Return the profile of a quiet window."""
    label = make_column("label", strength=math.nan)
    profile = Profile(features or (make_column("signal"), make_column("other", strength=0.5)), label, 900, 400, 900, 0)
    return replace(profile, **changes)


def make_footprint(**changes: Any) -> Footprint:
    """Return the footprint of a small model."""
    latencies = (Latency(1, 300, 0.002, 0.004), Latency(1000, 300, 0.005, 0.009))
    return replace(Footprint(latencies, size=2_000_000, memory=30_000_000.0), **changes)


def make_evidence(
    scores: Scores,
    *,
    metrics: Sequence[str] | None = None,
    slices: Sequence[str] = ("place",),
    opponent: Opponent = "champion",
    **changes: Any,
) -> Evidence:
    """Return the evidence that `scores` make."""
    task = "regression" if scores.challenger.ndim == 1 else "classification"
    names = METRICS[task] if metrics is None else metrics
    card = Scorecard(
        key=KEY,
        model=MODEL,
        timeline="production",
        rows=len(scores.y),
        opponent=None if scores.opponent is None else opponent,
        why_no_opponent="the champion is lost" if scores.opponent is None else "",
        champion=make_pointer(),
        challenger_metrics=value_of(names, scores.y, scores.challenger),
        opponent_metrics=value_of(names, scores.y, scores.opponent),
        scores="5" * 64,
        slices=tuple(score_slices(names, slices, scores)),
        profile=make_profile(train_rows=len(scores.y), holdout_rows=len(scores.y)),
        footprint=make_footprint(),
    )
    return Evidence(replace(card, **changes), scores)


def make_rows(days: int = 200, *, a_day: int = 6, task: str = "binary", seed: int = 7) -> dict[str, Any]:
    """Return columns of rows from `FIRST_DAY` on: a label that `signal` tells much of, and a place to slice by."""
    random = np.random.default_rng(seed)
    count = days * a_day
    minutes = np.arange(count) * (24 * 60 // a_day)
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


@dataclass
class World:
    """Real data, a real trainer, and stores in a folder: all that a retrain needs."""

    root: Path
    spec: PipelineSpec
    snapshots: Any
    trainer: Any
    registry: Any
    evidence: Any
    ledger: Any
    meter: Any
    draw: Callable[..., list[Path]]

    @classmethod
    def make(cls, root: Path, *, task: str = "binary", rows: dict[str, Any] | None = None, **changes: Any) -> World:
        """Return a world over a source of one file a month; the rest are changes of the spec."""
        write_months(root / "source", make_rows(task=task) if rows is None else rows)
        defaults = {"data__features": ["signal", "other"]} | (REGRESSION if task == "regression" else {})
        return cls._over(root, make_spec(root, **(defaults | changes)))

    def copy(self, root: Path) -> World:
        """Return the same world in another folder, with all that was stored and decided."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        again = self._over(root, self.spec.rooted_at(root))
        for name in ("_retrains", "_decisions", "_scorecards", "_entries"):
            setattr(again.ledger, name, copy.copy(getattr(self.ledger, name)))
        return again

    @classmethod
    def _over(cls, root: Path, spec: PipelineSpec) -> World:
        from retrain.adapters.content_store import ContentStore
        from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
        from retrain.adapters.folder_registry import FolderRegistry
        from retrain.adapters.memory_ledger import MemoryLedger
        from retrain.adapters.parquet_evidence import ParquetEvidence
        from retrain.adapters.scoring_meter import ChildProcessMeter
        from retrain.adapters.sklearn_trainer import SklearnTrainer

        store = ContentStore(str(root / "store"))
        snapshots = DuckDBSnapshots(store)
        return cls(
            root,
            spec,
            snapshots,
            SklearnTrainer(),
            FolderRegistry(root / "registry"),
            ParquetEvidence(store),
            MemoryLedger(),
            ChildProcessMeter(snapshots, ()),
            lambda *_: [],
        )

    def respec(self, **changes: Any) -> None:
        """Give the pipeline another spec over the same data, stores and ledger."""
        features = {"data__features": ["signal", "other"]}
        self.spec = make_spec(self.root, **(features | changes))

    def snapshot(self, request: RetrainRequest | None = None) -> Snapshot:
        from retrain.steps import take_snapshot

        return take_snapshot(self.spec, request or make_request(), snapshots=self.snapshots, ledger=self.ledger)

    def train(self, request: RetrainRequest | None = None, snapshot: Snapshot | None = None) -> Challenger:
        from retrain.steps import train_challenger

        return train_challenger(
            self.spec,
            request or make_request(),
            snapshot or self.snapshot(request),
            snapshots=self.snapshots,
            trainer=self.trainer,
            registry=self.registry,
        )

    def evaluate(self, request: RetrainRequest, snapshot: Snapshot, challenger: Challenger) -> str:
        from retrain.steps import evaluate_challenger

        return evaluate_challenger(
            self.spec,
            request,
            snapshot,
            challenger,
            snapshots=self.snapshots,
            trainer=self.trainer,
            registry=self.registry,
            evidence=self.evidence,
            ledger=self.ledger,
            draw=self.draw,
            meter=self.meter,
        )

    def decide(self, request: RetrainRequest | None = None) -> Decision:
        """Go all the way to the decision."""
        from retrain.steps import decide_retrain

        request = request or make_request()
        snapshot = self.snapshot(request)
        challenger = self.train(request, snapshot)
        scorecard = self.evaluate(request, snapshot, challenger)
        return decide_retrain(
            self.spec, request, snapshot, challenger, scorecard, evidence=self.evidence, ledger=self.ledger
        )

    def promote(self, request: RetrainRequest, decision: Decision, approval: Any = None) -> LedgerEntry:
        from retrain.steps import promote_challenger

        return promote_challenger(
            self.spec, request, decision, registry=self.registry, ledger=self.ledger, approval=approval
        )

    def retrain(self, request: RetrainRequest | None = None) -> LedgerEntry:
        """Go all the way to a new champion."""
        request = request or make_request()
        return self.promote(request, self.decide(request))

    def plan(self, to: int | None = None, timeline: str = PRODUCTION) -> Any:
        from retrain.steps import plan_rollback

        return plan_rollback(self._operation(timeline), to=to, ledger=self.ledger)

    def roll_back(self, to: int | None = None, *, plan: Any = None, timeline: str = PRODUCTION) -> LedgerEntry:
        from retrain.steps import roll_back

        return roll_back(plan or self.plan(to, timeline), self._operation(timeline), **self._rehearsed())

    def force(self, version: int, *, days: int = 7, timeline: str = PRODUCTION) -> LedgerEntry:
        from retrain.steps import force_champion

        lifetime = timedelta(days=days)
        return force_champion(version, self._operation(timeline), lifetime=lifetime, **self._rehearsed())

    def freeze(self, *, lift: bool = False) -> LedgerEntry:
        from retrain.steps import freeze_model, unfreeze_model

        change = unfreeze_model if lift else freeze_model
        return change(self.spec.model, PRODUCTION, actor="someone", reason="because", ledger=self.ledger)

    def reconcile(self) -> list[Any]:
        from retrain.steps import reconcile_all

        return reconcile_all([self.spec], actor="reconciler", registry=self.registry, ledger=self.ledger)

    def alias(self) -> int | None:
        return self.registry.alias_version(self.spec.model, self.spec.promotion.alias)

    def _operation(self, timeline: str) -> Any:
        from retrain.steps import Operation

        return Operation(self.spec, timeline, actor="someone", reason="because")

    def _rehearsed(self) -> dict[str, Any]:
        stores = {"registry": self.registry, "ledger": self.ledger, "snapshots": self.snapshots}
        return stores | {"rehearse": self.rehearse}

    def rehearse(self, _: PipelineSpec, folder: Path, snapshot: Snapshot | None) -> int:
        """Load and score in this process."""
        model = self.trainer.load(folder)
        if snapshot is None:
            return 0
        return len(self.trainer.score(model, self.snapshots.frame(snapshot, Part.HOLDOUT, list(model.features))))

    def artifact(self, version: int) -> Path:
        """Return the folder of a version's artifact."""
        return self.root / "registry" / "models" / self.spec.model / str(version) / "model"
