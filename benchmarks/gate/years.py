"""False promotions a year of gates that judge each window on its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from gate.data import BUDGET, DAY_SKILL, DAYS, PER_DAY, Track, compute_gain, format_share, map_tasks, two_models
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.evaluation.scores import Scores
from retrain.core.policy.error_control import Allotment, ErrorControlSpec, PastTest, allot
from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import BeatsChampion, Gate, Outcome, PointEstimate
from retrain.core.stats.intervals import Gain
from retrain.core.stats.intervals.base import make_t_interval
from retrain.core.stats.intervals.delong import compute_components

WEEKS = 52
OURS = "alpha spending, clustered by day"


def policies() -> dict[str, tuple[Gate, ErrorControlSpec]]:
    clustered = BeatsChampion(check="beats_champion", metric="roc_auc", cluster_by="day")
    alone = clustered.model_copy(update={"cluster_by": None})
    none, spending = ErrorControlSpec(), ErrorControlSpec(method="alpha_spending", budget=BUDGET)
    return {
        OURS: (clustered, spending),
        "LORD++, clustered by day": (clustered, ErrorControlSpec(method="lord", budget=BUDGET)),
        "alpha spending, rows on their own": (alone, spending),
        "fixed level 0.025, clustered by day": (clustered, none),
        "point estimate": (PointEstimate(check="point_estimate", metric="roc_auc"), none),
    }


def false_promotions(years: int, track: Track) -> dict[tuple[str, str], int]:
    """Return the number of years with any promotion, by data and policy; no challenger is ever better."""
    count = dict.fromkeys(((data, policy) for data in DAY_SKILL for policy in policies()), 0)
    tasks = [(data, year) for data in DAY_SKILL for year in range(years)]
    for (data, _), promoted in zip(tasks, map_tasks(simulate_year, tasks, track, 5), strict=True):
        for policy in promoted:
            count[data, policy] += 1
    return count


def simulate_year(task: tuple[str, int]) -> list[str]:
    """Return the policies that promoted at least once in a year of weekly retrains."""
    data, year = task
    random = np.random.default_rng([2024, year, list(DAY_SKILL).index(data)])
    ticks = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=week) for week in range(WEEKS)]
    past: dict[str, list[PastTest]] = {name: [] for name in policies()}
    for number, as_of in enumerate(ticks):
        evidence = make_null_evidence(random, DAY_SKILL[data])
        for name, (gate, control) in policies().items():
            allotment = allot_level(control, number, past[name])
            verdict = gate.judge(replace(evidence, allotment=allotment))
            level = allotment.level if allotment else 0.0
            past[name].append(PastTest(str(number), number + 1, as_of, level, verdict.outcome is Outcome.PASS))
    return [name for name, tests in past.items() if any(test.promoted for test in tests)]


_SPENT: dict[int, Allotment] = {}


def allot_level(control: ErrorControlSpec, week: int, past: list[PastTest]) -> Allotment | None:
    """Return the allotment of a week; that of alpha spending is the same in every year and computed once."""
    as_of = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=week)
    allotment = _SPENT.get(week) if control.method == "alpha_spending" else None
    if allotment is None:
        allotment = allot(control, "@weekly", test=str(week), sequence="s", as_of=as_of, past=past)
    if control.method == "alpha_spending" and allotment is not None:
        _SPENT[week] = allotment
    return allotment


@dataclass(frozen=True)
class Shared(Evidence):
    """Evidence whose gain is computed once per clustering and shared by all policies and levels."""

    gains: dict[str | None, Gain] = field(default_factory=dict)

    def paired_gain(self, metric: str, cluster_by: str | None, level: float, **_: Any) -> Gain:
        if cluster_by not in self.gains:
            clusters = self.scores.clusters(cluster_by)
            self.gains[cluster_by] = compute_gain(self._pairs(metric, cluster_by, clusters, slice(None)))
        gain = self.gains[cluster_by]
        return make_t_interval(
            gain.value, gain.standard_error, gain.degrees_of_freedom, level, gain.clusters, gain.method
        )


def make_null_evidence(random: np.random.Generator, day_skill: float) -> Shared:
    """Return the evidence of a retrain without a true gain."""
    day = np.repeat(np.arange(DAYS), PER_DAY)
    y, challenger, champion = two_models(random, DAYS * PER_DAY, day, day_skill=day_skill)
    times = np.datetime64("2024-01-01", "us") + day * np.timedelta64(1, "D")
    positive = y == 1
    challenger_metrics, opponent_metrics = (
        {"roc_auc": float(compute_components(positive, side[:, 1])[positive].mean())} for side in (challenger, champion)
    )
    card = Scorecard(
        "0" * 64, "null", "simulation", len(y), "champion", "", None, challenger_metrics, opponent_metrics, ""
    )
    return Shared(card, Scores(y, challenger, champion, times))


def render_years(count: dict[tuple[str, str], int], years: int) -> str:
    rows = [
        f"{years:,} years of {WEEKS} weekly retrains, none of which improves anything; {DAYS} days of {PER_DAY} rows each, "
        f"fresh for every retrain; share of years with any promotion, 95 % binomial interval:",
        "",
        f"| policy | {' | '.join(DAY_SKILL)} |",
        "|---|---:|---:|",
    ]
    for policy in policies():
        cells = [format_share(count[data, policy], years) for data in DAY_SKILL]
        rows.append(f"| {policy} | {' | '.join(cells)} |")
    return "\n".join(rows)
