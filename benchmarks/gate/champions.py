"""Each policy keeps a champion through a simulated world, by the package's own gates.

A window has one row per day, whose error is the day's loss. So `mae` is a version's mean loss over the days, and intervals and
ratings see what they would see of any metric: one value per version and day.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from gate.data import BUDGET, Track, map_tasks
from gate.worlds import WORLDS, World
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.evaluation.scores import Scores
from retrain.core.ledger.entries import Pointer
from retrain.core.policy.error_control import Allotment, ErrorControlSpec, allot
from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import BeatsChampion, Fresh, Gate, Outcome, PointEstimate, Strict, Verdict
from retrain.core.ratings import MOST_VERSIONS, Measurement, Rating, VersionScore

METRIC = "mae"
LEVEL = 100.0
"""The mean loss of a day: large, so that no loss is negative."""
START = datetime(2024, 1, 1, tzinfo=UTC)
_TESTED = BeatsChampion(check="beats_champion", metric=METRIC, cluster_by="day")
GATES: dict[str, Gate] = {
    "point estimate": PointEstimate(check="point_estimate", metric=METRIC, min_rows=1),
    "significance": _TESTED,
    "alpha spending": _TESTED,
    "strict": Strict(check="strict", metric=METRIC),
    "fresh": Fresh(check="fresh", metric=METRIC),
}
SPENDING, RATED = ("alpha spending", "strict"), ("strict", "fresh")
POLICIES = ("always", "never", *GATES)


@cache
def allot_level(schedule: str) -> Allotment | None:
    """Return what error control grants each retrain of a schedule: an equal share of the budget of a year."""
    control = ErrorControlSpec(method="alpha_spending", budget=BUDGET)
    return allot(control, schedule, test="1", sequence="s", as_of=START, past=[])


@dataclass(frozen=True)
class Expected:
    """The gain that a verdict reported, and what is true in the next window, in errors of one comparison."""

    gain: float
    interval: tuple[float, float] | None
    truth: float
    promoted: bool


@dataclass
class Life:
    """A policy in one world; gains, losses and regrets are in errors of one comparison.

    Attributes:
        champion: The version.
        promoted: (window, true gain) of each promotion.
        regrets: What the best version was better by in the next window, after each decision.
        expected: Of each challenger.
    """

    champion: int = 0
    promoted: list[tuple[int, float]] = field(default_factory=list)
    regrets: list[float] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)

    def decide(
        self, challenger: int, following: np.ndarray, verdict: Verdict | None, error: float, *, promotes: bool
    ) -> None:
        """Promote the challenger or not, and note what that is worth.

        Args:
            following: (versions,) the true qualities in the next window.
            verdict: On the challenger; None from a policy without a gate.
            error: Of one comparison, in the units of the verdict.
        """
        truth = float(following[challenger] - following[self.champion])
        if verdict is not None and verdict.value is not None:
            interval = (verdict.interval[0] / error, verdict.interval[1] / error) if verdict.interval else None
            self.expected.append(Expected(verdict.value / error, interval, truth, promotes))
        if promotes:
            self.promoted.append((challenger, truth))
            self.champion = challenger
        self.regrets.append(float(following[: challenger + 1].max() - following[self.champion]))


@dataclass(frozen=True)
class Window:
    """One window of a world: the qualities in it and in the next, and (days, versions) losses."""

    world: World
    number: int
    losses: np.ndarray

    @property
    def as_of(self) -> datetime:
        return self.made(self.number)

    def made(self, version: int) -> datetime:
        """Return the as-of of the retrain that made a version."""
        return START + version * self.world.period

    def measure(self, champion: int) -> Measurement:
        """Return the measurement that a retrain would store: of the last versions, and of the champion."""
        versions = sorted({*range(max(0, self.number - MOST_VERSIONS), self.number + 1), champion})
        means = self.losses.mean(axis=0)
        without = (self.losses.sum(axis=0) - self.losses) / (len(self.losses) - 1)
        scores = [
            VersionScore(one, self.made(one), float(means[one]), tuple(without[:, one].tolist())) for one in versions
        ]
        days = len(self.losses)
        span = self.as_of - timedelta(days=days), self.as_of
        return Measurement(METRIC, "day", self.as_of, self.number, *span, days, True, tuple(scores))

    def make_evidence(self, champion: int, measurement: Measurement | None, rating: Rating | None) -> Evidence:
        first = np.datetime64(self.as_of.replace(tzinfo=None), "us")
        times = first + (np.arange(len(self.losses)) - len(self.losses)) * np.timedelta64(1, "D")
        challenger, opponent = self.losses[:, self.number], self.losses[:, champion]
        pointer = Pointer("simulated", "simulation", champion, "", 1, self.made(champion), "")
        card = Scorecard(
            "0" * 64,
            "simulated",
            "simulation",
            len(self.losses),
            "champion",
            "",
            pointer,
            {METRIC: float(challenger.mean())},
            {METRIC: float(opponent.mean())},
            "",
            measurements=() if measurement is None else (measurement,),
        )
        return Rated(card, Scores(np.zeros(len(self.losses)), challenger, opponent, times), rating=rating)


@dataclass(frozen=True)
class Rated(Evidence):
    """Evidence with a rating that took the earlier windows already: it takes one window at a time."""

    rating: Rating | None = None

    def rate_versions(self, metric: str, cluster_by: str | None) -> Rating:  # noqa: ARG002
        assert self.rating is not None
        return self.rating


def live_all(worlds: int, track: Track) -> dict[str, list[dict[str, Life]]]:
    """Return the lives of all policies, by world; the same draws for all policies."""
    tasks = [(name, number) for number in range(worlds) for name in WORLDS]
    found: dict[str, list[dict[str, Life]]] = {name: [] for name in WORLDS}
    for (name, _), lives in zip(tasks, map_tasks(live, tasks, track, 1), strict=True):
        found[name].append(lives)
    return found


def live(task: tuple[str, int]) -> dict[str, Life]:
    """Return the life of each policy in one world."""
    name, number = task
    world = WORLDS[name]
    random = np.random.default_rng([2028, number, list(WORLDS).index(name)])
    qualities = world.draw_qualities(random)
    lives = {policy: Life() for policy in POLICIES}
    ratings = dict.fromkeys(RATED, Rating(greater_is_better=False, period=world.period))
    for window_number in range(world.windows + 1):
        values = qualities[: window_number + 1, window_number] + world.draw_luck(random, window_number + 1)
        window = Window(world, window_number, LEVEL - values)
        measurements = {policy: window.measure(lives[policy].champion) for policy in RATED}
        ratings = observe(ratings, measurements)
        if not window_number:
            continue
        for policy, life in lives.items():
            verdict = None
            if policy in GATES:
                evidence = window.make_evidence(life.champion, measurements.get(policy), ratings.get(policy))
                if policy in SPENDING:
                    evidence = replace(evidence, allotment=allot_level(world.schedule))
                verdict = GATES[policy].judge(evidence)
            promotes = policy == "always" if verdict is None else verdict.outcome is Outcome.PASS
            life.decide(
                window_number, qualities[:, window_number + 1] / world.error, verdict, world.error, promotes=promotes
            )
    return lives


def observe(ratings: dict[str, Rating], measurements: dict[str, Measurement]) -> dict[str, Rating]:
    """Return the ratings with one more window; policies whose windows measured the same versions so far share one."""
    shared: dict[tuple[int, tuple[int, ...]], Rating] = {}
    observed = {}
    for policy, rating in ratings.items():
        key = id(rating), tuple(score.version for score in measurements[policy].scores)
        if key not in shared:
            shared[key] = copy.deepcopy(rating)
            shared[key].observe(measurements[policy])
        observed[policy] = shared[key]
    return observed
