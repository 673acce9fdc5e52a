"""The policies on real flights, walked forward month by month: each keeps its own champion, judged on the month that follows."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console

from gate.data import BUDGET
from retrain.adapters.sql_ledger import SqlLedger
from retrain.cli.ranges import list_ticks, run_range
from retrain.cli.resources import CliResources
from retrain.core.policy.backtest import Backtest
from retrain.core.policy.error_control import ErrorControlSpec
from retrain.core.policy.gates import BeatsChampion, Fresh, PointEstimate, Strict
from retrain.core.spec import load_spec
from retrain.steps import Policy, backtest_policies

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "include" / "pipelines" / "flight_delay.yaml"
TIMELINE = "bench"


def make_policies(metric: str) -> list[Policy]:
    spending = ErrorControlSpec(method="alpha_spending", budget=BUDGET)
    tested = BeatsChampion(check="beats_champion", metric=metric, cluster_by="day")
    return [
        Policy("always", [PointEstimate(check="point_estimate", metric=metric, margin=-1.0)]),
        Policy("point estimate", [PointEstimate(check="point_estimate", metric=metric)]),
        Policy("significance", [tested]),
        Policy("alpha spending", [tested], spending),
        Policy("strict", [Strict(check="strict", metric=metric)], spending),
        Policy("fresh", [Fresh(check="fresh", metric=metric)]),
    ]


def walk_flights() -> list[Backtest]:
    """Return each policy's walk over the year of the sample data."""
    spec = load_spec(SPEC).rooted_at(ROOT)
    with tempfile.TemporaryDirectory(prefix="bench-gate-") as folder:
        home = Path(folder)
        ledger = SqlLedger.open(f"sqlite:///{home / 'ledger.db'}")
        resources = CliResources(ledger, store=str(home / "store"), tracking_uri=None, home=home, trusted_types=())
        months = list_ticks(spec, None, None, datetime.now(UTC))
        run_range(spec, months, TIMELINE, resources, nonce="", console=Console(stderr=True))
        decisions = ledger.decisions(spec.model, TIMELINE)
        return backtest_policies(spec, decisions, make_policies(spec.evaluation.primary), resources)


def render_flights(walks: list[Backtest]) -> str:
    best = next(walk for walk in walks if walk.policy == "point estimate")
    windows = sum(np.isfinite(step.next_value) for step in best.steps)
    rows = [
        f"Flights of 2013, monthly; the champion's {best.metric} in the month after each decision, mean of {windows} months; "
        "difference to the point estimate, with its standard error:",
        "",
        f"| policy | promotions | {best.metric} | difference | worse than the champion before |",
        "|---|---:|---:|---:|---:|",
    ]
    reference = np.array([step.next_value for step in best.steps])
    for walk in walks:
        difference = np.array([step.next_value for step in walk.steps]) - reference
        difference = difference[np.isfinite(difference)]
        error = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else np.nan
        rows.append(
            f"| {walk.policy} | {walk.promotions} | {walk.mean_next:.4f} | {difference.mean():+.4f} ± {error:.4f} | "
            f"{walk.bad_promotions} |"
        )
    never = np.array([step.never_next for step in best.steps])
    rows.append(f"| never | 1 | {np.nanmean(never):.4f} | {np.nanmean(never - reference):+.4f} | 0 |")
    return "\n".join(rows)
