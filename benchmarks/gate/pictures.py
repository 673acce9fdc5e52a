"""The pictures of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gate.data import BUDGET, DAY_SKILL
from gate.outcomes import Outcomes
from gate.power import Power
from gate.worlds import EQUAL, MOVING
from gate.years import policies

COLOURS = {
    "always": "#bbbbbb",
    "never": "#222222",
    "point estimate": "#ccbb44",
    "significance": "#66ccee",
    "alpha spending": "#4477aa",
    "strict": "#228833",
    "fresh": "#ee6677",
}


def start_picture(*arguments: int, **options: Any) -> tuple[Any, Any]:
    """Return a figure and its axes; pictures of the same numbers are the same file."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {"svg.hashsalt": "retrain", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    )
    return plt.subplots(*arguments, layout="constrained", **options)


def draw_trade_off(outcomes: Outcomes, folder: Path) -> None:
    """Draw what a policy loses if versions age against how often it promotes if all are equal."""
    from matplotlib.ticker import FixedLocator, NullLocator

    figure, axes = start_picture(figsize=(8, 3.6))
    still = EQUAL[0].name
    for policy, colour in COLOURS.items():
        idle = outcomes[still][policy].promotions
        regret = float(np.mean([outcomes[world.name][policy].regret for world in MOVING]))
        axes.plot(idle, regret, "o", color=colour, markersize=9)
        below = policy == "strict"  # it stands close to the left of significance
        axes.annotate(policy, (idle, regret), xytext=(6, -14 if below else 5), textcoords="offset points")
    axes.set(
        xscale="symlog",
        yscale="log",
        xlim=(-0.1, 20),
        xlabel="promotions a year if all versions are equal",
        ylabel="regret otherwise, in errors",
    )
    for axis, ticks in ((axes.xaxis, [0, 0.5, 1, 3, 6, 12]), (axes.yaxis, [0.1, 0.2, 0.5, 1, 2, 5])):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter("{x:g}")
    save(figure, folder / "trade-off.svg")


def draw_regret(outcomes: Outcomes, folder: Path) -> None:
    """Draw the regret of each policy in each world in which versions differ; never is far to the right of all."""
    figure, axes = start_picture(figsize=(8, 4))
    for policy, colour in COLOURS.items():
        if policy == "never":
            continue
        found = [outcomes[world.name][policy] for world in MOVING]
        errors = [2 * one.regret_error for one in found]
        axes.errorbar(
            [one.regret for one in found], range(len(MOVING)), xerr=errors, fmt="o", color=colour, label=policy
        )
    axes.set(
        yticks=range(len(MOVING)),
        yticklabels=[world.name for world in MOVING],
        xlabel="mean regret in errors of one comparison, ± 2 standard errors",
    )
    axes.invert_yaxis()
    figure.legend(frameon=False, loc="outside upper center", ncols=6, handletextpad=0.2)
    save(figure, folder / "regret.svg")


def draw_years(count: dict[tuple[str, str], int], years: int, folder: Path) -> None:
    from matplotlib.ticker import PercentFormatter

    figure, axes = start_picture(figsize=(8, 3.4))
    names, height = list(policies()), 0.38
    for offset, (data, colour) in enumerate(zip(DAY_SKILL, ("#4477aa", "#ee6677"), strict=True)):
        shares = [count[data, name] / years for name in names]
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


def draw_power(power: list[Power], folder: Path) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    figure, panels = start_picture(1, len(DAY_SKILL), figsize=(8, 3.2), sharex=True, sharey=True)
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
