"""Simulation of the gates: the champions that policies keep, false promotions per year, tails of the intervals, power and speed.

Every draw is seeded, so all figures but the seconds are the same on every machine. Ratings, intervals, levels and decisions come
from the package; only the data is synthetic, but for the flights. --quick only shows that it works, and leaves the flights out.

usage: bench_gate.py [--quick] [--worlds N] [--only PART] [--write docs/explanation/gate.md]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from gate.champions import live_all
from gate.data import Track
from gate.flights import render_flights, walk_flights
from gate.goals import render_goals
from gate.outcomes import render_calibration, render_equal, render_harm, render_regret, summarize
from gate.pictures import draw_power, draw_regret, draw_trade_off, draw_years
from gate.power import measure_power, render_power
from gate.speed import measure_rating_speed, measure_speed
from gate.tails import render_tails, tails
from gate.years import false_promotions, render_years
from page import write_between_marks
from rich.console import Console
from rich.progress import Progress

console = Console(width=120)


@dataclass(frozen=True)
class Size:
    """Sizes of the simulations."""

    worlds: int = 40
    years: int = 1_000
    closed_forms: int = 10_000
    bootstraps: int = 1_000
    power_trials: tuple[tuple[int, int], ...] = ((1_000, 1_000), (10_000, 400), (100_000, 80))
    rows: int = 1_000_000
    rated_rows: int = 100_000
    resamples: int = 10_000


QUICK = Size(1, 4, 40, 4, ((1_000, 20), (2_000, 10)), 20_000, 2_000, 200)
Results = dict[str, str]
"""A table of each mark of the page."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few draws of everything but the flights")
    parser.add_argument("--worlds", type=int, help=f"worlds of each kind, {Size.worlds} by default")
    parser.add_argument("--only", action="append", choices=PARTS, help="do this part alone; may be repeated")
    parser.add_argument("--write", type=Path, help="the page whose marked parts and pictures are replaced")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else Size()
    if arguments.worlds:
        size = replace(size, worlds=arguments.worlds)
    names = arguments.only or [name for name in PARTS if not (arguments.quick and name == "flights")]
    pictures = arguments.write.parent.parent / "images" if arguments.write else None
    if pictures:
        pictures.mkdir(exist_ok=True)
    with Progress(console=Console(stderr=True, width=120), transient=True) as progress:
        for name in names:
            for mark, table in PARTS[name](size, partial(follow, progress, name), pictures).items():
                console.print(f"\n{mark}\n{table}", markup=False, highlight=False, soft_wrap=True)
                if arguments.write:
                    write_between_marks(arguments.write, mark, table)


def follow(progress: Progress, title: str, found: Iterable[Any], total: int) -> Iterator[Any]:
    yield from progress.track(found, total=total, description=title)


def do_champions(size: Size, track: Track, pictures: Path | None) -> Results:
    lives = live_all(size.worlds, track)
    outcomes = summarize(lives)
    if pictures:
        draw_trade_off(outcomes, pictures)
        draw_regret(outcomes, pictures)
    return {
        "bench_gate_goals": render_goals(outcomes, lives),
        "bench_gate_regret": render_regret(outcomes, size.worlds),
        "bench_gate_equal": render_equal(outcomes),
        "bench_gate_harm": render_harm(outcomes),
        "bench_gate_calibration": render_calibration(lives),
    }


def do_years(size: Size, track: Track, pictures: Path | None) -> Results:
    years = false_promotions(size.years, track)
    if pictures:
        draw_years(years, size.years, pictures)
    return {"bench_gate_years": render_years(years, size.years)}


def do_tails(size: Size, track: Track, _: Path | None) -> Results:
    return {"bench_gate_tails": render_tails(tails(size.closed_forms, size.bootstraps, track))}


def do_power(size: Size, track: Track, pictures: Path | None) -> Results:
    power = measure_power(size.power_trials, track)
    if pictures:
        draw_power(power, pictures)
    return {"bench_gate_power": render_power(power)}


def do_flights(_: Size, __: Track, ___: Path | None) -> Results:
    return {"bench_gate_flights": render_flights(walk_flights())}


def do_speed(size: Size, _: Track, __: Path | None) -> Results:
    return {
        "bench_gate_rating_speed": measure_rating_speed(size.rated_rows),
        "bench_gate_speed": measure_speed(size.rows, size.resamples),
    }


PARTS = {
    "champions": do_champions,
    "years": do_years,
    "tails": do_tails,
    "power": do_power,
    "flights": do_flights,
    "speed": do_speed,
}


if __name__ == "__main__":
    main()
