"""How often the bounds of an interval miss."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from gate.data import DAY_SKILL, DAYS, PER_DAY, Track, compare, map_tasks, two_models
from retrain.core.stats.intervals import estimate_paired_gain
from retrain.core.stats.intervals.base import make_t_interval
from retrain.core.stats.intervals.delong import delong
from retrain.core.stats.intervals.jackknife import jackknife

LEVELS = (0.025, 0.005, 0.001)


def tails(closed_forms: int, bootstraps: int, track: Track) -> dict[str, tuple[list[int], int]]:
    """Return, per method, how often a bound missed a gain of 0 at each level, and the number of intervals."""
    missed: dict[str, list[int]] = {}
    trials: dict[str, int] = {}
    tasks = [(seed, seed < bootstraps) for seed in range(closed_forms)]
    for found in map_tasks(simulate_tail, tasks, track, 10):
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
