"""Worlds in which versions are made: how good each truly is over time, and the luck of the days on which it is measured.

A quality is in units of a day's luck; `error` is the standard error of one comparison of two versions in one window. Per window and
version a day's value is quality + luck: normal with the variance 1, a first-order autoregressive process over the days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

BREAK = 20.0
"""In errors: how much all versions lose at once in the world with a sudden shift."""
BAD_SHARE, BAD_LOSS = 0.1, 5.0
MONTH = timedelta(days=365) / 12

Qualities = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]
"""From a source of randomness, (versions, 1) numbers of versions and (1, windows) of windows: the qualities in errors."""


@dataclass(frozen=True)
class World:
    """A pipeline's life.

    Attributes:
        qualities: The true quality of each version in each window, in errors of one comparison.
        null: Whether all versions are equal.
        better: Whether any version can be better than the first one.
        autocorrelation: Of a version's luck on neighbouring days.
        windows: How many retrains follow the first.
        days: Fresh days of a window.
        schedule: Of the retrains.
        period: Between two retrains.
    """

    name: str
    qualities: Qualities
    null: bool = False
    better: bool = True
    autocorrelation: float = 0.0
    windows: int = 36
    days: int = 28
    schedule: str = "@monthly"
    period: timedelta = MONTH

    @property
    def years(self) -> float:
        return self.windows * self.period / timedelta(days=365)

    @property
    def error(self) -> float:
        """The standard error of one comparison, in units of a day's luck."""
        lags = np.arange(1, self.days)
        inflation = 1 + 2 * np.sum((1 - lags / self.days) * self.autocorrelation**lags)
        return float(np.sqrt(2 / self.days * inflation))

    def draw_qualities(self, random: np.random.Generator) -> np.ndarray:
        """Return (versions, windows + 1): the last window only tells what the last decision was worth."""
        version, window = np.arange(self.windows + 1)[:, None], np.arange(self.windows + 2)[None, :]
        return self.error * np.broadcast_to(self.qualities(random, version, window), (version.size, window.size))

    def draw_luck(self, random: np.random.Generator, versions: int) -> np.ndarray:
        """Return (days, versions) luck of one window."""
        rho = self.autocorrelation
        luck = random.normal(size=(self.days, versions))
        for day in range(1, self.days):
            luck[day] = rho * luck[day - 1] + np.sqrt(1 - rho**2) * luck[day]
        return luck


def all_equal(_: np.random.Generator, version: np.ndarray, window: np.ndarray) -> np.ndarray:
    return 0.0 * (version + window)


def make_ageing(loss: float) -> Qualities:
    return lambda _, version, window: -loss * (window - version)


def make_noisy(loss: float, deviation: float) -> Qualities:
    return lambda random, version, window: deviation * random.normal(size=version.shape) - loss * (window - version)


def break_once(_: np.random.Generator, version: np.ndarray, window: np.ndarray) -> np.ndarray:
    middle = window.size // 2
    return -BREAK * ((version < middle) & (window >= middle)) - 0.1 * (window - version)


def follow_seasons(_: np.random.Generator, version: np.ndarray, window: np.ndarray) -> np.ndarray:
    months_apart = np.abs((window - version + 6) % 12 - 6)
    return -0.5 * months_apart


def make_bad_batches(random: np.random.Generator, version: np.ndarray, window: np.ndarray) -> np.ndarray:
    return -BAD_LOSS * (random.random(version.shape) < BAD_SHARE) - 0.3 * (window - version)


def make_worse(random: np.random.Generator, version: np.ndarray, window: np.ndarray) -> np.ndarray:
    return -np.abs(random.normal(size=version.shape)) * (version > 0) + 0.0 * window


WORLDS = {
    world.name: world
    for world in (
        *(
            World(f"equal, autocorrelation {rho:g}", all_equal, null=True, better=False, autocorrelation=rho)
            for rho in (0.0, 0.3, 0.6, 0.8)
        ),
        World(
            "equal, weekly, 7 fresh days",
            all_equal,
            null=True,
            better=False,
            windows=47,  # with the first 48, the most that a rating rests on
            days=7,
            schedule="@weekly",
            period=timedelta(weeks=1),
        ),
        World("ages by 0.1 a month", make_ageing(0.1)),
        World("ages by 0.3 a month", make_ageing(0.3)),
        World("ages by 1 a month", make_ageing(1.0)),
        World("versions differ by 1", make_noisy(0.0, 1.0)),
        World("differ by 0.5, age by 0.3", make_noisy(0.3, 0.5)),
        World(f"sudden loss of {BREAK:g}, ages by 0.1", break_once),
        World("season", follow_seasons),
        World("1 in 10 is bad, ages by 0.3", make_bad_batches),
        World("newcomers are worse", make_worse, better=False),
    )
}
"""What is lost with age, and by how much versions differ, in errors of one comparison."""
EQUAL = [world for world in WORLDS.values() if world.null]
MOVING = [world for world in WORLDS.values() if world.better]
WORSE = next(world for world in WORLDS.values() if not world.better and not world.null)
