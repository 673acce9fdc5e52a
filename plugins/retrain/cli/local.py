"""One retrain in this process, for people who develop a pipeline."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from rich.console import Console

from retrain.cli.shared import get_user
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

__all__ = ["LocalRetrain", "PrintedSteps", "StepRunner", "request_locally", "run_locally"]

T = TypeVar("T")


class StepRunner(Protocol):
    """Runs the steps of a retrain and shows where it is."""

    def run(self, name: str, step: Callable[[], T]) -> T:
        """Run one step and return its result."""

    def report_progress(self, line: str) -> None:
        """Show a line of a long step."""


@dataclass(frozen=True)
class LocalRetrain:
    """What a retrain in this process came to.

    Attributes:
        page: The address of the decision's page; empty if there is none.
        run: The address of the challenger's run; empty without a challenger.
        crash: The error of a step that is not one of this package's; the decision names its class alone.
    """

    decision: Decision
    page: str = ""
    run: str = ""
    crash: Exception | None = None


def request_locally(spec: PipelineSpec, as_of: datetime, timeline: str, resources: Resources, nonce: str) -> Retrain:
    """Return the retrain that this user requests by a command."""
    user = get_user()
    request = RetrainRequest(spec.model, timeline, as_of, origin=Origin.of_command(user), actor=user, nonce=nonce)
    return Retrain(spec, request, resources)


def run_locally(retrain: Retrain, steps: StepRunner) -> LocalRetrain:
    """Do all steps; a failed step is a decision too."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    followed, resources = _FollowedSteps(steps), retrain.resources
    challenger: Challenger | None = None
    page, crash = "", None
    try:
        snapshot = followed.run("snapshot", lambda: take_snapshot(retrain))
        followed.run("validate", lambda: validate_snapshot(retrain, snapshot))
        challenger = followed.run(
            "train", lambda: train_challenger(retrain, snapshot, report_progress=steps.report_progress)
        )
        scorecard = followed.run("evaluate", lambda: evaluate_challenger(retrain, snapshot, challenger))
        decision = followed.run("gate", lambda: decide_retrain(retrain, snapshot, challenger, scorecard))
        page = followed.run("report", lambda: _report(retrain, decision, decision.challenger or challenger))
        if decision.choice is Choice.PROMOTE:
            followed.run("promote", lambda: promote_challenger(retrain, decision))
    except RetrainError as error:
        decision = record_failure(retrain, followed.current, str(error))
    except Exception as error:  # noqa: BLE001 - the caller shows it; its text may hold row values, so the ledger gets its class
        crash, decision = error, record_failure(retrain, followed.current, type(error).__name__)
    if challenger and decision.failed_step:
        page = _report(retrain, decision, challenger)
    return LocalRetrain(decision, page, resources.registry.run_url(challenger.run_id) if challenger else "", crash)


def _report(retrain: Retrain, decision: Decision, challenger: Challenger) -> str:
    return report_decision(retrain.spec, decision, challenger, retrain.resources)


class _FollowedSteps:
    """Runs steps by another runner and remembers which one runs."""

    def __init__(self, steps: StepRunner) -> None:
        self._steps = steps
        self.current = ""

    def run(self, name: str, step: Callable[[], T]) -> T:
        self.current = name
        return self._steps.run(name, step)


class PrintedSteps:
    """Prints each step with its seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._name = ""

    def run(self, name: str, step: Callable[[], T]) -> T:
        """Run one step beside a spinner and print its seconds."""
        self._name = name
        began = time.perf_counter()
        with self._console.status(name) as self._status:
            result = step()
        self._console.print(f"{name:<9} {time.perf_counter() - began:5.1f} s", highlight=False)
        return result

    def report_progress(self, line: str) -> None:
        """Show a line of a long step beside its spinner, and keep it above."""
        self._console.print(f"  {line}", markup=False, highlight=False)
        self._status.update(f"{self._name}: {line}")
