"""One retrain in this process: the loop in which people develop a pipeline."""

from __future__ import annotations

import getpass
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from retrain.adapters.content_store import ContentStore
from retrain.adapters.duckdb_snapshots import DuckDBSnapshots
from retrain.adapters.extensions import load_trainer, load_validator
from retrain.adapters.folder_registry import FolderRegistry
from retrain.adapters.isolated.scoring_meter import ChildProcessMeter
from retrain.adapters.mlflow_registry import MlflowRegistry
from retrain.adapters.parquet_evidence import ParquetEvidence
from retrain.adapters.sql_ledger import SqlLedger
from retrain.adapters.user_code.project_gates import gates_below
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.ports import ModelRegistry, TrialStore
from retrain.core.request import RetrainRequest
from retrain.core.spec import PipelineSpec
from retrain.errors import RetrainError
from retrain.reports.html_scorecard import draw_scorecard
from retrain.reports.plots import draw_scores
from retrain.steps import (
    decide_retrain,
    evaluate_challenger,
    promote_challenger,
    record_failure,
    report_retrain,
    take_snapshot,
    train_challenger,
    validate_snapshot,
)

__all__ = ["run_locally"]

T = TypeVar("T")


def run_locally(
    spec: PipelineSpec,
    as_of: datetime,
    timeline: str,
    *,
    nonce: str,
    home: Path,
    tracking_uri: str | None,
    trusted_types: Sequence[str],
    console: Console,
) -> Decision:
    """Do all steps, print each with its seconds, and return the decision; a failing step is a decision too."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitignore").write_text("*\n", encoding="utf-8")
    store = ContentStore((home / "store").absolute().as_uri())
    snapshots, evidence = DuckDBSnapshots(store), ParquetEvidence(store)
    trainer = load_trainer(spec, trusted_types)
    registry: ModelRegistry = MlflowRegistry(tracking_uri) if tracking_uri else FolderRegistry(home / "registry")
    ledger = SqlLedger.open(f"sqlite:///{(home / 'ledger.db').absolute()}")
    user = getpass.getuser()
    request = RetrainRequest(spec.model, timeline, as_of, origin=f"local/{user}", actor=user, nonce=nonce)
    steps = _Steps(console)

    def report(decision: Decision, made: Challenger) -> None:
        address = report_retrain(
            spec, decision, made, snapshots=snapshots, registry=registry, evidence=evidence, render=draw_scorecard
        )
        if address:
            console.print(f"Scorecard: {address}", highlight=False, soft_wrap=True)

    challenger: Challenger | None = None
    try:
        snapshot = steps.do("snapshot", lambda: take_snapshot(spec, request, snapshots=snapshots, ledger=ledger))
        steps.do(
            "validate", lambda: validate_snapshot(spec, snapshot, snapshots=snapshots, validator=load_validator(spec))
        )
        challenger = steps.do(
            "train",
            lambda: train_challenger(
                spec,
                request,
                snapshot,
                snapshots=snapshots,
                trainer=trainer,
                registry=registry,
                open_trials=lambda: _open_trials(home),
                tell=steps.tell,
            ),
        )
        scorecard = steps.do(
            "evaluate",
            lambda: evaluate_challenger(
                spec,
                request,
                snapshot,
                challenger,
                snapshots=snapshots,
                trainer=trainer,
                registry=registry,
                evidence=evidence,
                ledger=ledger,
                draw=draw_scores,
                meter=ChildProcessMeter(snapshots, trusted_types),
            ),
        )
        decision = steps.do(
            "gate",
            lambda: decide_retrain(
                spec,
                request,
                snapshot,
                challenger,
                scorecard,
                evidence=evidence,
                ledger=ledger,
                load_gate=gates_below(spec.root),
            ),
        )
        steps.do("report", lambda: report(decision, decision.challenger or challenger))
        if decision.choice is Choice.PROMOTE:
            steps.do("promote", lambda: promote_challenger(spec, request, decision, registry=registry, ledger=ledger))
        console.print(f"Run and pictures: {registry.run_url(challenger.run_id)}", highlight=False, soft_wrap=True)
    except RetrainError as error:
        decision = record_failure(spec, request, steps.current, str(error), ledger=ledger)
        if challenger:
            report(decision, challenger)
        return decision
    return decision


def _open_trials(home: Path) -> TrialStore:
    from retrain.adapters.optuna_trials import OptunaTrials

    return OptunaTrials(f"sqlite:///{(home / 'trials.db').absolute()}")


class _Steps:
    """Does steps one by one and shows each with its seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.current = ""

    def do(self, name: str, step: Callable[[], T]) -> T:
        self.current = name
        began = time.perf_counter()
        with self._console.status(name) as self._status:
            result = step()
        self._console.print(f"{name:<9} {time.perf_counter() - began:5.1f} s", highlight=False)
        return result

    def tell(self, line: str) -> None:
        """Show a line of a long step beside its spinner, and keep it above."""
        self._console.print(f"  {line}", markup=False, highlight=False)
        self._status.update(f"{self.current}: {line}")
