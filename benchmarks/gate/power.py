"""How large a gain must be to be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from gate.data import DAY_SKILL, DAYS, Track, compare, compute_gain, map_tasks, two_models
from retrain.core.stats.intervals.base import make_t_interval

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


def measure_power(power_trials: Sequence[tuple[int, int]], track: Track) -> list[Power]:
    settings = [(data, rows, trials) for data in DAY_SKILL for rows, trials in power_trials]
    tasks = [
        (data, rows, step, trial)
        for data, rows, trials in settings
        for step in range(len(STEPS))
        for trial in range(trials)
    ]
    results: dict[tuple[str, int], list[tuple[int, float, float, int]]] = {}
    for (data, rows, step, _), found in zip(tasks, map_tasks(simulate_comparison, tasks, track, 5), strict=True):
        results.setdefault((data, rows), []).append((step, *found))
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
