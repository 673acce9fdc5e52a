"""Simulation of the gates: false promotions per year, tails of the intervals, power and speed.

Every draw is seeded, so all figures but the seconds are the same on every machine. Intervals, levels and decisions come from the
package; only the data is synthetic. A run takes some minutes on two cores; --quick only shows that it works.

usage: bench_gate.py [--quick] [--write docs/explanation/gate.md]
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from page import write_between_marks
from rich.console import Console
from rich.progress import Progress
from scipy.stats import binomtest, bootstrap, norm
from sklearn.metrics import roc_auc_score

from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.evaluation.scores import Scores
from retrain.core.policy.error_control import Allotment, ErrorControlSpec, PastTest, allot
from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import BeatsChampion, Gate, Outcome, PointEstimate
from retrain.core.stats.intervals import Gain, PairedScores, choose_method, estimate_paired_gain
from retrain.core.stats.intervals.base import make_t_interval
from retrain.core.stats.intervals.delong import compute_components, delong
from retrain.core.stats.intervals.dependence import join_dependent_clusters
from retrain.core.stats.intervals.jackknife import jackknife
from retrain.core.stats.metrics import METRICS

BUDGET, WEEKS, DAYS, PER_DAY = 0.05, 52, 28, 20
BASE_RATE = 0.3
DAY_SKILL = {"independent rows": 0.0, "rows that share a day's luck": 0.5}
"""The standard deviation of a model's skill from day to day; its mean is 1."""
OURS = "alpha spending, clustered by day"
console = Console(width=120)


@dataclass(frozen=True)
class Size:
    """Sizes of the simulations."""

    years: int = 1_000
    closed_forms: int = 10_000
    bootstraps: int = 1_000
    power_trials: tuple[tuple[int, int], ...] = ((1_000, 1_000), (10_000, 400), (100_000, 80))
    rows: int = 1_000_000
    resamples: int = 10_000


QUICK = Size(4, 40, 4, ((1_000, 20), (2_000, 10)), 20_000, 200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few draws of everything")
    parser.add_argument("--write", type=Path, help="the page whose marked parts and pictures are replaced")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else Size()
    tables = {}
    with Progress(console=Console(stderr=True, width=120), transient=True) as progress:
        years = false_promotions(size, partial(follow, progress, "false promotions"))
        tables["bench_gate_years"] = render_years(years, size)
        tables["bench_gate_tails"] = render_tails(tails(size, partial(follow, progress, "tails of the intervals")))
        power = measure_power(size, partial(follow, progress, "power"))
        tables["bench_gate_power"] = render_power(power)
        tables["bench_gate_speed"] = measure_speed(size)
    for name, table in tables.items():
        console.print(f"\n{name}\n{table}", markup=False, highlight=False, soft_wrap=True)
        if arguments.write:
            write_between_marks(arguments.write, name, table)
    if arguments.write:
        draw(years, power, arguments.write.parent / "images", size)


def follow(progress: Progress, title: str, found: Iterable[Any], total: int) -> Iterator[Any]:
    yield from progress.track(found, total=total, description=title)


# Data


def two_models(
    random: np.random.Generator, rows: int, day: np.ndarray, *, day_skill: float, extra: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels and the probabilities of challenger and champion: the same signal, each with independent noise.

    Args:
        random: The source of randomness.
        rows: Number of rows.
        day: (rows,) the day of each row.
        day_skill: Standard deviation of a model's skill from day to day.
        extra: Additional skill of the challenger.
    """
    y = (random.random(rows) < BASE_RATE).astype(float)
    signal, sides = random.normal(size=rows), []
    for skill in (1 + extra, 1.0):
        by_day = skill + day_skill * random.normal(size=int(day[-1]) + 1)
        score = by_day[day] * y + signal + 0.5 * random.normal(size=rows)
        positive = 1 / (1 + np.exp(-score))
        sides.append(np.column_stack([1 - positive, positive]))
    return y, sides[0], sides[1]


def compare(y: np.ndarray, first: np.ndarray, second: np.ndarray, clusters: np.ndarray) -> PairedScores:
    return PairedScores(METRICS["roc_auc"], y, first, second, clusters, greater_is_better=True)


def compute_gain(pairs: PairedScores) -> Gain:
    """Return the gain by the method that `auto` chooses, without the checks that synthetic data always passes."""
    joined = join_dependent_clusters(pairs).pairs
    return (jackknife if choose_method(joined) == "jackknife" else delong)(joined, level=0.025)


# False promotions a year


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


def false_promotions(size: Size, track: Callable[..., Iterator[Any]]) -> dict[tuple[str, str], int]:
    """Return the number of years with any promotion, by data and policy; no challenger is ever better."""
    count = dict.fromkeys(((data, policy) for data in DAY_SKILL for policy in policies()), 0)
    tasks = [(data, year) for data in DAY_SKILL for year in range(size.years)]
    with ProcessPoolExecutor(2) as pool:
        for (data, _), promoted in zip(
            tasks, track(pool.map(simulate_year, tasks, chunksize=5), len(tasks)), strict=True
        ):
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


def render_years(count: dict[tuple[str, str], int], size: Size) -> str:
    rows = [
        f"{size.years:,} years of {WEEKS} weekly retrains, none of which improves anything; {DAYS} days of {PER_DAY} rows each, "
        f"fresh for every retrain; share of years with any promotion, 95 % binomial interval:",
        "",
        f"| policy | {' | '.join(DAY_SKILL)} |",
        "|---|---:|---:|",
    ]
    for policy in policies():
        cells = [share(count[data, policy], size.years) for data in DAY_SKILL]
        rows.append(f"| {policy} | {' | '.join(cells)} |")
    return "\n".join(rows)


def share(hits: int, trials: int) -> str:
    interval = binomtest(hits, trials).proportion_ci()
    return f"{hits / trials:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


# Tails of the intervals

LEVELS = (0.025, 0.005, 0.001)


def tails(size: Size, track: Callable[..., Iterator[Any]]) -> dict[str, tuple[list[int], int]]:
    """Return, per method, how often a bound missed a gain of 0 at each level, and the number of intervals."""
    missed: dict[str, list[int]] = {}
    trials: dict[str, int] = {}
    tasks = [(seed, seed < size.bootstraps) for seed in range(size.closed_forms)]
    with ProcessPoolExecutor(2) as pool:
        for found in track(pool.map(simulate_tail, tasks, chunksize=10), len(tasks)):
            for method, hits in found.items():
                trials[method] = trials.get(method, 0) + 1
                missed[method] = [a + b for a, b in zip(missed.get(method, [0] * len(LEVELS)), hits, strict=True)]
    return {method: (missed[method], trials[method]) for method in missed}


def simulate_tail(task: tuple[int, bool]) -> dict[str, list[int]]:
    seed, with_bootstraps = task
    random = np.random.default_rng([2025, seed])
    day = np.repeat(np.arange(DAYS), PER_DAY)
    data = two_models(random, DAYS * PER_DAY, day, day_skill=DAY_SKILL["rows that share a day's luck"])
    pairs = compare(*data, day)
    found = {}
    for gain in (delong(pairs, level=LEVELS[0]), jackknife(pairs, level=LEVELS[0])):
        at = [
            make_t_interval(gain.value, gain.standard_error, gain.degrees_of_freedom, level, DAYS, gain.method)
            for level in LEVELS
        ]
        found[f"{gain.method}, Student's t"] = [int(one.low > 0) + int(one.high < 0) for one in at]
        if gain.method == "delong":
            found["delong, normal"] = [int(abs(gain.value) > norm.isf(level) * gain.standard_error) for level in LEVELS]
    for method in ("percentile", "bca") if with_bootstraps else ():
        at = [estimate_paired_gain(pairs, level=level, method=method, seed=seed) for level in LEVELS]
        found[method] = [int(one.low > 0) + int(one.high < 0) for one in at]
    return found


def render_tails(found: dict[str, tuple[list[int], int]]) -> str:
    rows = [
        f"{DAYS} clusters (days that share luck) of {PER_DAY} rows, no true gain; how often one bound misses, as times its level:",
        "",
        f"| interval | intervals | {' | '.join(f'level {level:g}' for level in LEVELS)} |",
        f"|---|---:|{'---:|' * len(LEVELS)}",
    ]
    for method, (missed, trials) in found.items():
        cells = [f"{hits / (2 * trials) / level:.2f}" for hits, level in zip(missed, LEVELS, strict=True)]
        rows.append(f"| {method} | {trials:,} | {' | '.join(cells)} |")
    return "\n".join(rows)


# Power

STEPS = (0.5, 0.75, 1.0, 1.25, 1.5)
POWER_LEVELS = {"level 0.025": 0.025, "a week's share of 0.05 a year": 0.05 / 53}


@dataclass(frozen=True)
class Power:
    """Share of true gains that were detected with one number of rows."""

    data: str
    rows: int
    gains: list[float]
    found: dict[str, list[float]]
    detectable: dict[str, float]

    def smallest(self, level: str) -> float:
        """Return the gain found 80 % of the time, by a probit line through the shares."""
        shares = np.clip(self.found[level], 0.005, 0.995)
        inner = (shares > 0.05) & (shares < 0.995)
        if np.count_nonzero(inner) < 2:
            return float("nan")
        slope, start = np.polyfit(np.array(self.gains)[inner], norm.ppf(shares[inner]), 1)
        return float((norm.ppf(0.8) - start) / slope)


def measure_power(size: Size, track: Callable[..., Iterator[Any]]) -> list[Power]:
    settings = [(data, rows, trials) for data in DAY_SKILL for rows, trials in size.power_trials]
    tasks = [
        (data, rows, step, trial)
        for data, rows, trials in settings
        for step in range(len(STEPS))
        for trial in range(trials)
    ]
    results: dict[tuple[str, int], list[tuple[int, float, float, int]]] = {}
    with ProcessPoolExecutor(2) as pool:
        found = track(pool.map(simulate_comparison, tasks, chunksize=5), len(tasks))
        for (data, rows, step, _), (value, error, degrees) in zip(tasks, found, strict=True):
            results.setdefault((data, rows), []).append((step, value, error, degrees))
    return [summarize(data, rows, results[data, rows]) for data, rows, _ in settings]


def simulate_comparison(task: tuple[str, int, int, int]) -> tuple[float, float, int]:
    """Return gain, standard error and degrees of freedom of one retrain whose true gain is that of a step."""
    data, rows, step, trial = task
    random = np.random.default_rng([2026, rows, step, trial, list(DAY_SKILL).index(data)])
    day = np.arange(rows) * DAYS // rows
    extra = STEPS[step] * expected_extra(data, rows)
    drawn = two_models(random, rows, day, day_skill=DAY_SKILL[data], extra=extra)
    # Independent rows are their own clusters; rows with shared daily noise are clustered by day.
    independent = DAY_SKILL[data] == 0
    pairs = compare(*drawn, np.arange(rows) if independent else day)
    gain = compute_gain(replace(pairs, ordered=not independent))
    return gain.value, gain.standard_error, gain.degrees_of_freedom


def expected_extra(data: str, rows: int) -> float:
    """Return about the skill that is found 80 % of the time: where to look, not what is reported."""
    return 0.15 * (1_000 / rows) ** 0.5 + (0.42 if DAY_SKILL[data] else 0.0)


def summarize(data: str, rows: int, results: list[tuple[int, float, float, int]]) -> Power:
    gains, found, detectable = [], {name: [] for name in POWER_LEVELS}, {}
    for step in range(len(STEPS)):
        in_step = [result[1:] for result in results if result[0] == step]
        gains.append(float(np.mean([value for value, _, _ in in_step])))
        for name, level in POWER_LEVELS.items():
            passed = [make_t_interval(*one, level, DAYS, "delong").low > 0 for one in in_step]
            found[name].append(float(np.mean(passed)))
    for name, level in POWER_LEVELS.items():
        detectable[name] = float(
            np.median([make_t_interval(*one[1:], level, DAYS, "delong").detectable_gain for one in results])
        )
    return Power(data, rows, gains, found, detectable)


def render_power(found: list[Power]) -> str:
    rows = [
        "Smallest gain in roc_auc that was found 80 % of the time, and in brackets what verdicts call detectable (their median):",
        "",
        f"| data | rows | {' | '.join(POWER_LEVELS)} |",
        f"|---|---:|{'---:|' * len(POWER_LEVELS)}",
    ]
    for one in found:
        cells = [f"{one.smallest(name):.4f} ({one.detectable[name]:.4f})" for name in POWER_LEVELS]
        rows.append(f"| {one.data} | {one.rows:,} | {' | '.join(cells)} |")
    return "\n".join(rows)


# Speed


def measure_speed(size: Size) -> str:
    random = np.random.default_rng(2027)
    day = np.arange(size.rows) * DAYS // size.rows
    y, challenger, champion = two_models(random, size.rows, day, day_skill=0.3)
    pairs = compare(y, challenger, champion, day)
    members = [np.flatnonzero(day == one) for one in range(DAYS)]

    def naive(drawn: np.ndarray) -> float:
        rows = np.concatenate([members[one] for one in drawn])
        return float(roc_auc_score(y[rows], challenger[rows, 1]) - roc_auc_score(y[rows], champion[rows, 1]))

    few = 5
    plain = seconds(
        lambda: bootstrap((np.arange(DAYS),), naive, n_resamples=few, vectorized=False, method="percentile")
    )
    scipy_seconds = plain / (few + 1) * size.resamples  # one more pass, over the rows themselves
    one_pass = seconds(lambda: roc_auc_score(y, challenger[:, 1]))
    ours = seconds(
        lambda: estimate_paired_gain(replace(pairs), level=0.025, method="percentile", resamples=size.resamples)
    )
    of_delong = seconds(lambda: estimate_paired_gain(replace(pairs), level=0.025, method="delong"))
    of_jackknife = seconds(lambda: estimate_paired_gain(replace(pairs), level=0.025, method="jackknife"))
    return "\n".join(
        [
            f"{platform.machine()}, one thread, {size.rows:,} rows in {DAYS} clusters, the gain in roc_auc of two models:",
            "",
            "| | seconds | times one pass |",
            "|---|---:|---:|",
            f"| one area of one model, `roc_auc_score` | {one_pass:.2f} | 1 |",
            f"| DeLong's interval | {of_delong:.2f} | {of_delong / one_pass:.1f} |",
            f"| the jackknife's | {of_jackknife:.2f} | {of_jackknife / one_pass:.1f} |",
            f"| {size.resamples:,} clustered resamples | {ours:.2f} | {ours / one_pass:.1f} |",
            f"| as many by `scipy.stats.bootstrap` on rows, from {few} | {scipy_seconds:,.0f} | {scipy_seconds / one_pass:,.0f} |",
            "",
            f"`scipy.stats.bootstrap` on rows took {plain:.1f} s for {few} resamples; extrapolated from them it takes "
            f"{scipy_seconds / ours:,.0f} times as long as ours.",
        ]
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


# Pictures


def draw(years: dict[tuple[str, str], int], power: list[Power], folder: Path, size: Size) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

    folder.mkdir(exist_ok=True)
    plt.rcParams.update(
        {"svg.hashsalt": "retrain", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    )
    figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
    names, height = list(policies()), 0.38
    for offset, (data, colour) in enumerate(zip(DAY_SKILL, ("#4477aa", "#ee6677"), strict=True)):
        shares = [years[data, name] / size.years for name in names]
        places = np.arange(len(names)) + (offset - 0.5) * height
        bars = axes.barh(places, shares, height, label=data, color=colour)
        axes.bar_label(bars, [f"{one:.1%}" for one in shares], padding=3)
    axes.axvline(BUDGET, color="black", linestyle="--", linewidth=1, label=f"budget, {BUDGET:.0%}")
    axes.set(
        yticks=range(len(names)), yticklabels=names, xlim=(0, 1.1), xlabel="share of years with any false promotion"
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.invert_yaxis()
    axes.legend(frameon=False, loc="upper right")
    save(figure, folder / "false-promotions.svg")

    figure, panels = plt.subplots(1, len(DAY_SKILL), figsize=(8, 3.2), layout="constrained", sharex=True, sharey=True)
    for panel, data in zip(panels, DAY_SKILL, strict=True):
        lines = [one for one in power if one.data == data]
        for one, colour in zip(lines, ("#4477aa", "#ee6677", "#228833"), strict=False):
            panel.plot(one.gains, one.found["level 0.025"], "o-", color=colour, label=f"{one.rows:,} rows")
        panel.axhline(0.8, color="black", linestyle="--", linewidth=1)
        panel.set(title=data, xlabel="true gain in roc_auc", xscale="log", ylim=(0, 1.02))
        panel.xaxis.set_major_locator(FixedLocator([0.002, 0.005, 0.01, 0.02, 0.05, 0.1]))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter("{x:g}")
    panels[0].set_ylabel("share of retrains promoted")
    panels[1].legend(frameon=False, loc="lower right")
    save(figure, folder / "power.svg")


def save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})
    path.write_text("".join(line.rstrip() + "\n" for line in path.read_text().splitlines()))


if __name__ == "__main__":
    main()
