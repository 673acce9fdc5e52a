"""Replay gate policies over the challengers that a timeline's retrains left behind."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from retrain.core.evaluation.measuring import VersionScores, measure_scores
from retrain.core.evaluation.resource_usage import ResourceUsage
from retrain.core.evaluation.scorecard import Scorecard, score_slices, value_of
from retrain.core.evaluation.scores import Opponent, Scores
from retrain.core.ledger.entries import Pointer
from retrain.core.policy.backtest import Backtest, Verdicts, walk
from retrain.core.policy.decision import Challenger, Choice, Decision, decide
from retrain.core.policy.error_control import Allotment, ErrorControlSpec, PastTest, allot
from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Gate
from retrain.core.ports import EvidenceStore, FittedModel
from retrain.core.ratings import MOST_VERSIONS, Measurement
from retrain.core.resources import Resources
from retrain.core.spec import PipelineSpec
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.errors import NotFoundError
from retrain.steps.decide import judge_all
from retrain.steps.measure import choose_fresh_rows, find_fresh_start, list_rated_by
from retrain.steps.refit import fetch_version
from retrain.steps.scoring import ScoredModel, align_scores, load_holdout
from retrain.steps.window_profile import profile_snapshot

if TYPE_CHECKING:
    from retrain.core.stats.metrics.base import Floats

__all__ = ["Policy", "backtest_policies"]

FEWEST: Final = 3
_NO_CONTROL: Final = ErrorControlSpec()


@dataclass(frozen=True)
class Policy:
    """What decides on past retrains.

    Attributes:
        every: It looks at every n-th retrain only, as a slower schedule would, and has as many tests to share its budget among.
    """

    name: str
    gates: Sequence[Gate]
    error_control: ErrorControlSpec = _NO_CONTROL
    every: int = 1


def backtest_policies(
    spec: PipelineSpec,
    decisions: Sequence[Decision],
    policies: Sequence[Policy],
    resources: Resources,
    *,
    report_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Backtest]:
    """Let each policy decide on past retrains, against the champions that it makes itself.

    A champion is measured on the rows of the next holdout that are in no earlier one, so that no decision rests on them. Every
    version is scored on the holdout of its own retrain and of all later ones, once; `report_progress` gets how many retrains
    are done, and how many there are. Of a refitted version the judged model is scored. Error control works as it would have: over
    the policy's own decisions, so that LORD++ sees a fleet of this one model. Profiles are made again from the stored snapshots;
    resource usage is what the retrains measured, because this machine may be another one.

    Raises:
        NotFoundError: There are fewer than three retrains that made a version, or a version is gone.
        IntegrityError: A version or a snapshot was altered.
    """
    made = sorted({d.as_of: d for d in decisions if d.challenger}.values(), key=lambda decision: decision.as_of)
    if len(made) < FEWEST:
        raise NotFoundError(
            f"a backtest needs at least {FEWEST} retrains that made a version",
            got=str(len(made)),
            fix="Backfill some history first.",
        )
    # Scores carry the columns that the gates of these policies read.
    spec = spec.model_copy(update={"gate": tuple(gate for policy in policies for gate in policy.gates)})
    past = _Past(spec, [(decision, decision.challenger) for decision in made if decision.challenger], resources)
    past.score_all(report_progress)
    retrains = [(decision.as_of, challenger.version) for decision, challenger in past.made]
    primary = spec.evaluation.primary
    return [
        walk(
            policy.name,
            retrains,
            past.deciding(policy),
            past.value,
            metric=primary,
            greater_is_better=GREATER_IS_BETTER[primary],
            every=policy.every,
        )
        for policy in policies
    ]


class _Past:
    """The versions and holdouts of past retrains, and every version's scores on every later holdout."""

    def __init__(
        self,
        spec: PipelineSpec,
        made: Sequence[tuple[Decision, Challenger]],
        resources: Resources,
    ) -> None:
        self._spec, self.made = spec, made
        self._load_gate = resources.load_gates(spec)
        self._trainer, self._registry = resources.load_trainer(spec), resources.registry
        snapshots, evidence = resources.snapshots, resources.evidence
        self._scores: dict[tuple[int, int], Floats] = {}
        self._models = [self._load(challenger) for _, challenger in made]
        self._snapshot = cache(lambda i: snapshots.load(made[i][0].snapshot))
        self._rows = cache(lambda i: load_holdout(spec, self._snapshot(i), snapshots))
        self._profile = cache(lambda i: profile_snapshot(spec, self._snapshot(i), snapshots))
        self._resource_usage = cache(lambda i: _load_resource_usage(made[i][0], evidence))
        self._measure = cache(self._measure_uncached)
        self.value = cache(self._value)

    def score_all(self, report_progress: Callable[[int, int], None]) -> None:
        """Score every version on its own holdout and all later ones."""
        for i in range(len(self.made)):
            rows = self._rows(i)
            for j in range(i + 1):
                self._scores[j, i] = self._trainer.score(self._models[j], rows)
            report_progress(i + 1, len(self.made))

    def deciding(self, policy: Policy) -> Verdicts:
        """Return what a policy says of challenger i against the champion of retrain j; it remembers its tests."""
        tests: list[PastTest] = []
        past: list[Measurement] = []
        rated_by = list_rated_by(policy.gates)

        def verdict(i: int, j: int | None) -> tuple[Choice, str]:
            evidence, as_of = self._measured(policy.gates, i, self._evidence(i, j)), self.made[i][0].as_of
            if rated_by:
                measurements = self._measure_versions(i, j, rated_by, past)
                evidence = Evidence(
                    replace(evidence.scorecard, measurements=measurements), evidence.scores, past=tuple(past)
                )
                past.extend(measurements)

            def allot_level() -> Allotment | None:
                if j is None:
                    return None
                return allot(
                    policy.error_control,
                    self._spec.schedule,
                    test=str(i),
                    sequence=policy.name,
                    as_of=as_of,
                    past=tests,
                    every=policy.every,
                )

            verdicts, given = judge_all(policy.gates, evidence, self._load_gate, allot_level)
            ruling = decide(verdicts, as_of, evidence.scorecard.champion)
            if given is not None and given.place is not None:
                tests.append(PastTest(given.test, given.place, as_of, given.level, ruling.choice is Choice.PROMOTE))
            return ruling.choice, ruling.reason

        return verdict

    def _measure_versions(
        self, i: int, j: int | None, rated_by: Sequence[tuple[str, str | None]], past: Sequence[Measurement]
    ) -> tuple[Measurement, ...]:
        """Return what retrain i would have measured of the versions before it, against the champion of retrain j."""
        versions = tuple(sorted({*range(max(0, i - MOST_VERSIONS), i), *([] if j is None else [j])}))
        holdout_start = self._snapshot(i).window.holdout_start
        return tuple(
            self._measure(i, j, versions, find_fresh_start(past, holdout_start, (metric, by)), metric, by)
            for metric, by in rated_by
        )

    def _measure_uncached(
        self,
        i: int,
        j: int | None,
        versions: tuple[int, ...],
        start: datetime,
        metric: str,
        cluster_by: str | None,
    ) -> Measurement:
        decision, challenger = self.made[i]
        own = self._aligned(i, None)
        fresh = choose_fresh_rows(own.event_time, start, challenger.key)
        sides = [VersionScores(challenger.version, decision.as_of, replace(own, opponent=own.challenger).on(fresh))]
        for version in versions:
            made, earlier = self.made[version]
            if made.holdout is not None and made.holdout[0] <= start:
                sides.append(VersionScores(earlier.version, made.as_of, self._aligned(i, version).on(fresh)))
        span = start, self._snapshot(i).window.end
        champion = None if j is None else self.made[j][1].version
        return measure_scores(metric, cluster_by, decision.as_of, span, sides, {}, champion=champion)

    def _value(self, j: int, i: int) -> float:
        """Return the primary metric of version j on the fresh rows of holdout i; NaN if it has none.

        Rows of an earlier holdout helped to choose the champions, so on them a champion looks better than it is.
        """
        scores, primary = self._aligned(i, j), self._spec.evaluation.primary
        ends = [self._snapshot(k).window.end.replace(tzinfo=None) for k in range(i)]
        fresh = scores.on(scores.event_time >= np.datetime64(max(ends)))
        if not len(fresh.y):
            return math.nan
        return value_of([primary], fresh.y, fresh.opponent).get(primary, math.nan)

    def _evidence(self, i: int, j: int | None) -> Evidence:
        scores, metrics = self._aligned(i, j), self._spec.evaluation.metrics
        opponent: Opponent = "baseline" if j is None else "champion"
        scorecard = Scorecard(
            key=self.made[i][1].key,
            model=self._spec.model,
            timeline="backtest",
            rows=len(scores.y),
            opponent=opponent,
            why_no_opponent="",
            champion=None if j is None else self._pointer(j),
            challenger_metrics=value_of(metrics, scores.y, scores.challenger),
            opponent_metrics=value_of(metrics, scores.y, scores.opponent),
            scores="",
            slices=tuple(score_slices(metrics, self._spec.evaluation.slices, scores)),
        )
        return Evidence(scorecard, scores)

    def _measured(self, gates: Sequence[Gate], i: int, evidence: Evidence) -> Evidence:
        """Return the evidence with what gates read beside scores."""
        card = evidence.scorecard
        if any(gate.profiled for gate in gates):
            card = replace(card, profile=self._profile(i))
        if any(gate.batches for gate in gates):
            usage, problem = self._resource_usage(i)
            card = replace(card, resource_usage=usage, resource_usage_problem=problem)
        return replace(evidence, scorecard=card)

    def _aligned(self, i: int, j: int | None) -> Scores:
        model, rows = self._models[i], self._rows(i)
        champion = None if j is None else ScoredModel(self._models[j], self._scores[j, i])
        opponent = champion or ScoredModel.baseline_of(model, len(rows))
        return align_scores(self._spec, rows, ScoredModel(model, self._scores[i, i]), opponent)

    def _pointer(self, j: int) -> Pointer:
        (decision, challenger), model = self.made[j], self._spec.model
        digest, key = challenger.manifest_digest, challenger.key
        return Pointer(model, "backtest", challenger.version, digest, j + 1, decision.as_of, key)

    def _load(self, challenger: Challenger) -> FittedModel:
        model, version, digest = self._spec.model, challenger.version, challenger.manifest_digest
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            return self._trainer.load(fetch_version(self._registry, model, version, digest, Path(scratch)).judged)


def _load_resource_usage(decision: Decision, evidence: EvidenceStore) -> tuple[ResourceUsage | None, str]:
    """Return what the retrain measured of its challenger, or why there is nothing."""
    try:
        card = evidence.evidence(decision.scorecard).scorecard
    except NotFoundError:
        return None, "the scorecard of this retrain is gone"
    return card.resource_usage, card.resource_usage_problem
