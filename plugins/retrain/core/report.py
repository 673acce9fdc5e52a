"""The content of a report on a retrain: the decision, its reasons and its evidence, without row values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from retrain.core.codec import finite_or_none
from retrain.core.data.snapshot import Snapshot, SnapshotDiff
from retrain.core.evaluation.prediction_change import PredictionChange
from retrain.core.evaluation.scorecard import Scorecard, SliceScore
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.gates import Outcome, Slices, Verdict
from retrain.core.ratings import RatingSummary
from retrain.core.spec import PipelineSpec
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.core.stats.reliability import Reliability

__all__ = ["Change", "RetrainReport", "SliceLine", "VersionInputs"]


@dataclass(frozen=True)
class VersionInputs:
    """What a version was made from.

    Attributes:
        params: The parameters of its run: estimator, seed, and those of the spec.
        tags: The tags of its run, among them the digests of code, lock and spec.
        snapshot: Its data; None where that is not known any more.
    """

    version: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    snapshot: Snapshot | None


@dataclass(frozen=True)
class Change:
    """One property of champion and challenger; empty on a side that lacks it."""

    name: str
    before: str
    now: str


@dataclass(frozen=True)
class SliceLine:
    """The primary metric of one slice.

    Attributes:
        gain: How much better the challenger is, also if less of the metric is better; NaN if undefined for one of the models.
        small: Whether it has fewer rows than the `min_rows` of a gate on slices.
    """

    score: SliceScore
    challenger: float
    opponent: float
    gain: float
    small: bool


@dataclass(frozen=True)
class RetrainReport:
    """A decision with its evidence.

    Attributes:
        made: The version that was decided on; known even if a failed step left the decision without a challenger.
        inputs: What it was made from.
        champion: What the champion was made from; None without a champion, or if the registry no longer has it.
        scorecard: None if the retrain failed before its evaluation.
        reliability: By side: challenger, and champion or baseline.
        change: How the predictions differ from the champion's; None without one.
        rating: All versions as rated after this retrain; None if no gate has them rated, or without a rated champion.
        links: Addresses of pages by what they show.
    """

    spec: PipelineSpec
    decision: Decision
    made: Challenger
    inputs: VersionInputs
    champion: VersionInputs | None = None
    scorecard: Scorecard | None = None
    reliability: Mapping[str, Reliability] = field(default_factory=dict)
    change: PredictionChange | None = None
    rating: RatingSummary | None = None
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """What was decided and why, in one sentence of numbers alone."""
        decision = self.decision
        if decision.choice is Choice.PROMOTE:
            place = (
                f" in place of version {decision.champion_version}" if decision.champion_version else ", the first one"
            )
            verb = "becomes champion"
            if self.spec.promotion.approval == "required" and decision.timeline == PRODUCTION:
                verb = "may become champion, once a person approves,"
            gates = "the one gate passes" if len(decision.verdicts) == 1 else f"all {len(decision.verdicts)} gates pass"
            return f"Version {self.made.version} {verb}{place}: {gates}."
        stays = "There is still no champion"
        if decision.champion_version:
            stays = f"Version {decision.champion_version} stays champion"
        return f"{stays}: {self._why_not()}."

    def _why_not(self) -> str:
        if self.decision.failed_step:
            return f"the step {self.decision.failed_step} failed"
        deciding = self.deciding
        if not deciding:
            return "promotions are blocked"
        verb = "is" if len(deciding) == 1 else "are"
        what = (
            f"{verb} inconclusive"
            if deciding[0].outcome is Outcome.INCONCLUSIVE
            else "fails"
            if len(deciding) == 1
            else "fail"
        )
        return f"{len(deciding)} of {_counted(len(self.decision.verdicts), 'gate')} {what}"

    @property
    def deciding(self) -> tuple[Verdict, ...]:
        """The verdicts that kept a challenger back; none when something else did, such as a freeze."""
        return () if self.decision.choice is Choice.PROMOTE else self.decision.deciding

    @property
    def leading(self) -> Verdict | None:
        """The verdict with an interval that is shown first: on the gain over the opponent, if there is an opponent."""
        known = [
            verdict
            for verdict in self.decision.verdicts
            if verdict.interval and finite_or_none(verdict.value) is not None
        ]
        return self.decision.gain or next(iter(known), None)

    @cached_property
    def slices(self) -> tuple[SliceLine, ...]:
        """The slices in the primary metric, the greatest loss first, those without numbers and then small ones last."""
        enough = max((gate.min_rows for gate in self.spec.gate if isinstance(gate, Slices)), default=0)
        lines = [self._line(score, enough) for score in (self.scorecard.slices if self.scorecard else ())]
        return tuple(sorted(lines, key=lambda line: (line.small, math.isnan(line.gain), line.gain)))

    def _line(self, score: SliceScore, enough: int) -> SliceLine:
        metric = self.decision.metric
        challenger, opponent = (side.get(metric, math.nan) for side in (score.challenger, score.opponent))
        gain = challenger - opponent if GREATER_IS_BETTER[metric] else opponent - challenger
        return SliceLine(score, challenger, opponent, gain, score.rows < enough)

    @property
    def difference(self) -> SnapshotDiff | None:
        """What is new in the data since the champion."""
        if self.champion is None or self.champion.snapshot is None or self.inputs.snapshot is None:
            return None
        return self.inputs.snapshot.compare(self.champion.snapshot)

    @property
    def changes(self) -> tuple[Change, ...]:
        """The ingredients in which challenger and champion differ."""
        return tuple(change for change in self._ingredients() if change.before != change.now)

    @property
    def unchanged(self) -> tuple[str, ...]:
        """The ingredients that challenger and champion share."""
        return tuple(change.name for change in self._ingredients() if change.before == change.now)

    def _ingredients(self) -> list[Change]:
        if self.champion is None:
            return []
        before, now = self.champion, self.inputs
        found = [
            Change(f"parameter {name}", before.params.get(name, ""), now.params.get(name, ""))
            for name in sorted({*before.params, *now.params})
        ]
        for name in ("snapshot", "code", "lock", "spec"):
            tag = f"retrain.{name}"
            found.append(Change(f"{name} digest", before.tags.get(tag, ""), now.tags.get(tag, "")))
        return found


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
