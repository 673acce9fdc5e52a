"""A retrain per tick of a pipeline's schedule, one after the other in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from retrain.cli import tables
from retrain.cli.local import LocalRetrain, request_locally, run_locally
from retrain.core.data.schedule import ticks_between
from retrain.core.policy.decision import Decision
from retrain.core.resources import Resources, Retrain
from retrain.core.spec import PipelineSpec
from retrain.errors import NotFoundError
from retrain.steps import find_decided

__all__ = ["list_ticks", "run_range"]

T = TypeVar("T")
_MINUTE: Final = timedelta(minutes=1)


def list_ticks(spec: PipelineSpec, since: datetime | None, until: datetime | None, now: datetime) -> list[datetime]:
    """Return the ticks of the spec's schedule from `since` to `until`, both included, as Airflow would backfill them.

    Raises:
        NotFoundError: The spec has no schedule, or it does not tick in the range.
    """
    if spec.schedule is None:
        raise NotFoundError(
            "a range of retrains needs the spec's schedule", got="none", fix="Add `schedule:`, or use --as-of."
        )
    first = max(since or spec.start_date, spec.start_date)
    last = min(until or now, spec.end_date or now, now)
    ticks = [tick for tick in ticks_between(spec.schedule, first - _MINUTE, last) if tick >= first]
    if not ticks:
        raise NotFoundError(
            f"the schedule {spec.schedule} of {spec.model} must tick in the range",
            got=f"no tick from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}",
            fix="Widen the range; it lies between start_date and end_date of the spec, and ends now.",
        )
    return ticks


def run_range(
    spec: PipelineSpec, ticks: Sequence[datetime], timeline: str, resources: Resources, *, nonce: str, console: Console
) -> list[Decision]:
    """Do a retrain per tick, print a line for each, and return their decisions; one that failed stops no other.

    A tick whose inputs were decided on this timeline before keeps that decision, so a second call goes on after the first.
    """
    decisions = []
    with _make_bar(console) as progress:
        bar = progress.add_task("", total=len(ticks))
        for tick in ticks:
            steps = _BarSteps(progress, bar, f"{tick:%Y-%m-%d %H:%M}")
            began = time.perf_counter()
            result, found = _run_tick(request_locally(spec, tick, timeline, resources, nonce), steps)
            seconds = None if found else time.perf_counter() - began
            progress.console.print(_describe(result, seconds), highlight=False, soft_wrap=True)
            progress.advance(bar)
            decisions.append(result.decision)
    return decisions


def _run_tick(retrain: Retrain, steps: _BarSteps) -> tuple[LocalRetrain, bool]:
    """Return what one tick came to, and whether it was found."""
    found = steps.run("looking", lambda: find_decided(retrain))
    return (LocalRetrain(found), True) if found else (run_locally(retrain, steps), False)


def _describe(result: LocalRetrain, seconds: float | None) -> str:
    decision = result.decision
    version = f"version {decision.challenger.version}" if decision.challenger else escape(decision.reason)
    end = "found" if seconds is None else f"{seconds:.1f} s"
    return f"{decision.as_of:%Y-%m-%d %H:%M}  {tables.style_choice(decision)}  {version}  {end}"


def _make_bar(console: Console) -> Progress:
    """Return a bar that is gone at its end; without a terminal it shows nothing, and the lines say how far it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


class _BarSteps:
    """Shows the step of a retrain beside the bar."""

    def __init__(self, progress: Progress, bar: TaskID, prefix: str) -> None:
        self._progress, self._bar, self._prefix = progress, bar, prefix
        self._name = ""

    def run(self, name: str, step: Callable[[], T]) -> T:
        self._name = name
        self._progress.update(self._bar, description=f"{self._prefix} {name}")
        return step()

    def report_progress(self, line: str) -> None:
        self._progress.update(self._bar, description=f"{self._prefix} {self._name}: {escape(line)}")
