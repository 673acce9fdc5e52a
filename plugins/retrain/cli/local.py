"""One retrain in this process, for people who develop a pipeline."""

from __future__ import annotations

import getpass
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from rich.console import Console

from retrain.core.ledger.origin import Origin
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.request import RetrainRequest
from retrain.core.resources import Resources, Retrain
from retrain.core.spec import PipelineSpec
from retrain.errors import RetrainError
from retrain.steps import (
    decide_retrain,
    evaluate_challenger,
    promote_challenger,
    record_failure,
    report_decision,
    take_snapshot,
    train_challenger,
    validate_snapshot,
)

__all__ = ["run_locally"]

T = TypeVar("T")


def run_locally(
    spec: PipelineSpec, as_of: datetime, timeline: str, resources: Resources, *, nonce: str, console: Console
) -> Decision:
    """Do all steps, print each with its seconds, and return the decision; a failed step is a decision too."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    user = getpass.getuser()
    request = RetrainRequest(spec.model, timeline, as_of, origin=Origin.of_command(user), actor=user, nonce=nonce)
    retrain, steps = Retrain(spec, request, resources), _Steps(console)
    challenger: Challenger | None = None
    try:
        snapshot = steps.run("snapshot", lambda: take_snapshot(retrain))
        steps.run("validate", lambda: validate_snapshot(retrain, snapshot))
        challenger = steps.run(
            "train", lambda: train_challenger(retrain, snapshot, report_progress=steps.report_progress)
        )
        scorecard = steps.run("evaluate", lambda: evaluate_challenger(retrain, snapshot, challenger))
        decision = steps.run("gate", lambda: decide_retrain(retrain, snapshot, challenger, scorecard))
        steps.run("report", lambda: _report(retrain, decision, decision.challenger or challenger, console))
        if decision.choice is Choice.PROMOTE:
            steps.run("promote", lambda: promote_challenger(retrain, decision))
        console.print(
            f"Run and pictures: {resources.registry.run_url(challenger.run_id)}", highlight=False, soft_wrap=True
        )
    except RetrainError as error:
        decision = record_failure(retrain, steps.current, str(error))
        if challenger:
            _report(retrain, decision, challenger, console)
        return decision
    return decision


def _report(retrain: Retrain, decision: Decision, challenger: Challenger, console: Console) -> None:
    address = report_decision(retrain.spec, decision, challenger, retrain.resources)
    if address:
        console.print(f"Scorecard: {address}", highlight=False, soft_wrap=True)


class _Steps:
    """Runs steps one by one and shows each with its seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.current = ""

    def run(self, name: str, step: Callable[[], T]) -> T:
        self.current = name
        began = time.perf_counter()
        with self._console.status(name) as self._status:
            result = step()
        self._console.print(f"{name:<9} {time.perf_counter() - began:5.1f} s", highlight=False)
        return result

    def report_progress(self, line: str) -> None:
        """Show a line of a long step beside its spinner, and keep it above."""
        self._console.print(f"  {line}", markup=False, highlight=False)
        self._status.update(f"{self.current}: {line}")
