"""What policies came to in each world, and the tables of it. Gains, losses and regrets are in errors of one comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gate.champions import POLICIES, Expected, Life
from gate.data import format_share
from gate.worlds import EQUAL, MOVING, WORLDS, WORSE, World

HARM, SMALL_HARM = 1.0, 0.25
"""The default of `harm` of the gate fresh, and a quarter of it, in errors of one comparison."""

Lives = dict[str, list[dict[str, Life]]]


@dataclass(frozen=True)
class Outcome:
    """A policy in all worlds of one kind.

    Attributes:
        promotions: A year.
        years: Number of simulated years.
        years_with_any: Of them, how many had a promotion.
        years_with_harm: How many had a promotion with a true loss over `HARM`.
        harmful: Promotions a year with a true loss over `HARM`.
        slightly_harmful: Promotions a year with a true loss over `SMALL_HARM`.
        regret: Mean over windows and worlds.
        regret_error: Its standard error over worlds.
    """

    promotions: float
    years: int
    years_with_any: int
    years_with_harm: int
    harmful: float
    slightly_harmful: float
    regret: float
    regret_error: float


Outcomes = dict[str, dict[str, Outcome]]


def summarize(lives: Lives) -> Outcomes:
    """Return the outcome by world and policy."""
    return {
        name: {policy: _summarize(WORLDS[name], [each[policy] for each in of_world]) for policy in POLICIES}
        for name, of_world in lives.items()
    }


def _summarize(world: World, lives: Sequence[Life]) -> Outcome:
    regrets = [float(np.mean(life.regrets)) for life in lives]
    losses = [-gain for life in lives for _, gain in life.promoted]
    total_years = len(lives) * world.years
    return Outcome(
        len(losses) / total_years,
        len(lives) * max(1, round(world.years)),
        _count_years(world, lives, lambda _: True),
        _count_years(world, lives, lambda gain: gain < -HARM),
        sum(loss > HARM for loss in losses) / total_years,
        sum(loss > SMALL_HARM for loss in losses) / total_years,
        float(np.mean(regrets)),
        float(np.std(regrets, ddof=1) / np.sqrt(len(lives))) if len(lives) > 1 else 0.0,
    )


def _count_years(world: World, lives: Sequence[Life], counts: Callable[[float], bool]) -> int:
    """Return the number of years with a promotion whose true gain counts."""
    a_year = world.windows // max(1, round(world.years))
    return sum(len({(window - 1) // a_year for window, gain in life.promoted if counts(gain)}) for life in lives)


def render_regret(outcomes: Outcomes, worlds: int) -> str:
    rows = [
        f"Mean regret: by how much the best version so far beats the champion in the window after each decision, in errors of one "
        f"comparison, ± its standard error over {worlds} simulated pipelines of 3 years each:",
        "",
        f"| world | {' | '.join(POLICIES)} |",
        f"|---|{'---:|' * len(POLICIES)}",
    ]
    for world in (*MOVING, WORSE):
        found = outcomes[world.name].values()
        rows.append(f"| {world.name} | {' | '.join(f'{one.regret:.2f} ± {one.regret_error:.2f}' for one in found)} |")
    means = [mean_regret(outcomes, policy) for policy in POLICIES]
    rows.append(f"| mean of the first {len(MOVING)} | {' | '.join(f'{mean:.2f}' for mean in means)} |")
    return "\n".join(rows)


def mean_regret(outcomes: Outcomes, policy: str) -> float:
    """Return the mean regret over the worlds in which versions become better or worse than each other."""
    return float(np.mean([outcomes[world.name][policy].regret for world in MOVING]))


def render_equal(outcomes: Outcomes) -> str:
    shown = [policy for policy in POLICIES if policy not in ("always", "never")]
    rows = [
        "All versions are equal, so every promotion is churn: promotions a year, and the share of years with any (95 % binomial "
        "interval):",
        "",
        f"| world | {' | '.join(shown)} |",
        f"|---|{'---:|' * len(shown)}",
    ]
    for world in EQUAL:
        found = [outcomes[world.name][policy] for policy in shown]
        cells = [f"{one.promotions:.2f}; {format_share(one.years_with_any, one.years)}" for one in found]
        rows.append(f"| {world.name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def render_harm(outcomes: Outcomes) -> str:
    rows = [
        f"Promotions a year, and in brackets those with a true loss over {SMALL_HARM:g} and over {HARM:g} times one comparison's "
        "error:",
        "",
        f"| world | {' | '.join(POLICIES)} |",
        f"|---|{'---:|' * len(POLICIES)}",
    ]
    for world in (*MOVING, WORSE):
        found = outcomes[world.name].values()
        cells = [f"{one.promotions:.1f} ({one.slightly_harmful:.2f}, {one.harmful:.2f})" for one in found]
        rows.append(f"| {world.name} | {' | '.join(cells)} |")
    return "\n".join(rows)


@dataclass(frozen=True)
class Calibration:
    """The gains that a policy's verdicts reported against the true ones, over all worlds.

    Attributes:
        slope: By how much the true gain rises if the reported gain rises by 1: below 1 great gains are flattered.
        covered: The share of true gains inside the 95 % interval; None without intervals.
    """

    count: int
    reported: float
    truth: float
    slope: float
    covered: float | None


def calibrate(lives: Lives, policy: str, counts: Callable[[Expected], bool], worlds: Iterable[World]) -> Calibration:
    """Return the calibration of a policy over the challengers that count, in some worlds."""
    expected = [one for world in worlds for each in lives[world.name] for one in each[policy].expected]
    found = [one for one in expected if counts(one)]
    reported, truth = np.array([one.gain for one in found]), np.array([one.truth for one in found])
    inside = [one.interval[0] <= one.truth <= one.interval[1] for one in found if one.interval]
    slope = float(np.polyfit(reported, truth, 1)[0]) if len(found) > 2 else np.nan
    mean = (float(np.mean(reported)), float(np.mean(truth))) if found else (np.nan, np.nan)
    return Calibration(len(found), *mean, slope, float(np.mean(inside)) if inside else None)


def render_calibration(lives: Lives) -> str:
    rows = [
        "Gains that verdicts reported and true gains in the next window, in errors; and how often the 95 % "
        "interval held the true gain:",
        "",
        "| policy | challengers | number | reported | true | true per reported (slope) | inside the interval |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    every, changing = list(WORLDS.values()), [*MOVING, WORSE]
    kinds: dict[str, tuple[Callable[[Expected], bool], list[World]]] = {
        "all": (lambda _: True, every),
        "promoted": (lambda one: one.promoted, every),
        "promoted, versions differ": (lambda one: one.promoted, changing),
        "promoted, all versions equal": (lambda one: one.promoted, EQUAL),
    }
    for policy in ("point estimate", "significance", "fresh"):
        for kind, (counts, worlds) in kinds.items():
            found = calibrate(lives, policy, counts, worlds)
            inside = "" if found.covered is None else f"{found.covered:.1%}"
            slope = "" if worlds is EQUAL else f"{found.slope:.2f}"
            means = f"{found.reported:+.3f} | {found.truth:+.3f} | {slope}"
            rows.append(f"| {policy} | {kind} | {found.count:,} | {means} | {inside} |")
    return "\n".join(rows)
