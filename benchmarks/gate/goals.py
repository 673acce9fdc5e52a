"""The goals of the gates that rate versions, and whether the simulation meets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from gate.champions import Life
from gate.data import BUDGET
from gate.outcomes import HARM, Lives, Outcomes, calibrate
from gate.worlds import EQUAL, MOVING, WORLDS, WORSE, World

REGRET_RATIO, IDLE_RATIO = 1.15, 1 / 6
TOLERANCE, COVERAGE = 0.1, 0.95


@dataclass(frozen=True)
class Check:
    """One number against its goal.

    Attributes:
        where: The world; empty for all together.
        excess: By how many standard errors the number misses its goal; 0 if it meets it.
    """

    where: str
    measured: str
    excess: float


def render_goals(outcomes: Outcomes, lives: Lives) -> str:
    rows = ["| goal | measured | |", "|---|---|---|"]
    compared = [*MOVING, WORSE]
    rows.append(
        render_goal(
            f"`fresh`: regret at most {REGRET_RATIO:g} times the point estimate's, in each world in which versions differ",
            [compare(lives, world, compute_regret, "fresh", "point estimate", REGRET_RATIO) for world in compared],
        )
    )
    rows.append(
        render_goal(
            "`fresh`: at most a sixth of the point estimate's promotions, in each world of equal versions",
            [compare(lives, world, count_promotions, "fresh", "point estimate", IDLE_RATIO) for world in EQUAL],
        )
    )
    rows.append(
        render_goal(
            f"`fresh`: a promotion that truly loses more than {HARM:g} error in at most {BUDGET:.0%} of years, in each "
            "world in which versions differ",
            [
                check_share(outcomes[world.name]["fresh"].years_with_harm, outcomes[world.name]["fresh"].years, world)
                for world in compared
            ],
        )
    )
    rows.append(
        render_goal(
            f"`strict`: any promotion in at most {BUDGET:.0%} of years, in each world of equal versions",
            [
                check_share(outcomes[world.name]["strict"].years_with_any, outcomes[world.name]["strict"].years, world)
                for world in EQUAL
            ],
        )
    )
    rows.append(
        render_goal(
            "`strict`: less regret than alpha spending, in each world in which some version becomes better",
            [compare(lives, world, compute_regret, "strict", "alpha spending", 1.0) for world in MOVING],
        )
    )
    less = [compare(lives, world, compute_regret, "strict", "significance", 1.0) for world in MOVING]
    rows.append(
        render_goal("`strict`: less regret than significance, in most of these worlds", less, enough=len(less) // 2 + 1)
    )
    rows += _render_calibration_goals(lives)
    return "\n".join(rows)


def _render_calibration_goals(lives: Lives) -> list[str]:
    everyone = calibrate(lives, "fresh", lambda _: True, WORLDS.values())
    promoted = calibrate(lives, "fresh", lambda one: one.promoted, WORLDS.values())
    ratio = promoted.reported / promoted.truth
    inside = promoted.covered or 0.0
    return [
        render_goal(
            f"`fresh`: expected gains of promoted challengers within {TOLERANCE:.0%} of true ones, on average over all worlds",
            [Check("", f"{ratio:.2f} times", 0.0 if abs(ratio - 1) <= TOLERANCE else np.inf)],
        ),
        render_goal(
            f"`fresh`: over all challengers a greater expected gain is as much greater in truth, within {TOLERANCE:.0%}",
            [Check("", f"{everyone.slope:.2f} times", 0.0 if abs(everyone.slope - 1) <= TOLERANCE else np.inf)],
        ),
        render_goal(
            f"`fresh`: {COVERAGE:.0%} of true gains of promoted challengers are inside their interval",
            [Check("", f"{inside:.1%}", 0.0 if inside >= COVERAGE else np.inf)],
        ),
    ]


def compute_regret(life: Life) -> float:
    return float(np.mean(life.regrets))


def count_promotions(life: Life) -> float:
    return float(len(life.promoted))


def compare(lives: Lives, world: World, number: Callable[[Life], float], policy: str, other: str, most: float) -> Check:
    """Return whether a policy's mean number is at most a multiple of another's, by pairs of the same pipelines."""
    own = np.array([number(each[policy]) for each in lives[world.name]])
    others = np.array([number(each[other]) for each in lives[world.name]])
    excess = own - most * others
    error = excess.std(ddof=1) / np.sqrt(len(excess)) if len(excess) > 1 else 0.0
    ratio = f"{own.mean() / others.mean():.2f} times" if others.mean() else f"{own.mean():.2f} against 0"
    over = 0.0 if excess.mean() <= 0 else float(excess.mean() / error) if error else np.inf
    return Check(world.name, ratio, over)


def check_share(hits: int, years: int, world: World) -> Check:
    """Return whether a share of years is within the budget."""
    interval = binomtest(hits, years).proportion_ci()
    over = 0.0 if hits <= BUDGET * years else 1.0 if interval.low <= BUDGET else np.inf
    return Check(world.name, f"{hits / years:.1%}", over)


def render_goal(goal: str, checks: Sequence[Check], enough: int | None = None) -> str:
    """Return the row of a goal that all checks must meet, or enough of them."""
    missed = [check for check in checks if check.excess]
    met = len(checks) - len(missed)
    if met >= (enough or len(checks)):
        verdict = "met"
    elif all(check.excess <= 2 for check in missed):
        verdict = "**not met**, by no more than chance may do"
    else:
        verdict = "**not met**"
    measured = missed[0].measured if len(checks) == 1 and missed else checks[0].measured
    if len(checks) > 1:
        named = ", ".join(f"{check.measured} where {check.where}" for check in missed)
        measured = f"{met} of {len(checks)}" + (f"; missed: {named}" if missed else "")
    return f"| {goal} | {measured} | {verdict} |"
