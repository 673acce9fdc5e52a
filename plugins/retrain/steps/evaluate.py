"""Score challenger and champion on the same holdout rows."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrain.core.data.snapshot import Snapshot
from retrain.core.evaluation.resource_usage import ResourceUsage
from retrain.core.evaluation.scorecard import Scorecard, score_slices, value_of
from retrain.core.evaluation.scores import Opponent, Scores
from retrain.core.ledger.entries import Pointer
from retrain.core.ledger.step_result import Step
from retrain.core.policy.decision import Challenger
from retrain.core.ports import FittedModel
from retrain.core.ratings import Measurement
from retrain.core.resources import Retrain
from retrain.core.stats.drift import Profile
from retrain.errors import IntegrityError, NotFoundError, TrainingError
from retrain.steps.measure import measure_versions
from retrain.steps.refit import VersionFiles, check_refit, fetch_version
from retrain.steps.results import describe_step, require_challenger
from retrain.steps.scoring import ScoredModel, align_scores, load_holdout
from retrain.steps.unseen_rows import find_training_snapshot, mask_unseen_rows
from retrain.steps.window_profile import profile_snapshot

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["evaluate_challenger"]

log = logging.getLogger(__name__)


def evaluate_challenger(
    retrain: Retrain, snapshot: Snapshot, challenger: Challenger, *, await_turn: Callable[[], None] = lambda: None
) -> str:
    """Store the scorecard and its per-row scores, log them to the run, and return the scorecard's digest.

    A key that was promoted on this timeline before keeps the scorecard of that decision. The window is profiled and the
    model measured only if a gate asks for it.

    Args:
        await_turn: Called before the timeline's champion is read; returns once earlier retrains of the timeline are settled.
            All that does not depend on the champion is done before.

    Raises:
        DataError: A holdout label is missing or of an unknown type.
        TrainingError: The challenger cannot score the rows, or its refitted model is worse than its judged one.
        IntegrityError: The challenger's artifact was altered, or snapshot or challenger are not this retrain's.
    """
    require_challenger(retrain, snapshot, challenger)
    ledger = retrain.resources.ledger
    if promoted := ledger.standing(retrain.spec.model, retrain.request.timeline).find_promotion(challenger.key):
        digest = ledger.decision(promoted.decision_id).scorecard
    else:
        digest = _make_scorecard(retrain, snapshot, challenger, await_turn)
    ledger.record_result(describe_step(retrain, Step.EVALUATE, snapshot.digest, challenger, scorecard=digest))
    return digest


def _make_scorecard(
    retrain: Retrain, snapshot: Snapshot, challenger: Challenger, await_turn: Callable[[], None]
) -> str:
    spec, resources = retrain.spec, retrain.resources
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = Path(scratch)
        files = _fetch(retrain, challenger.version, challenger.manifest_digest, folder / "challenger")
        model = retrain.trainer.load(files.judged)
        holdout = load_holdout(spec, snapshot, resources.snapshots)
        scored = ScoredModel(model, retrain.trainer.score(model, holdout))
        refit = check_refit(retrain, files, holdout, scored)
        measures = _measure(retrain, files.served, snapshot)
        await_turn()
        reference = _load_reference(retrain, snapshot, model, folder / "champion")
        comparison = _compare(retrain, holdout, scored, reference)
        measurements = _measure_versions(retrain, snapshot, challenger, comparison)
        scorecard = _build_scorecard(retrain, challenger, comparison, measures)
        scorecard = replace(scorecard, measurements=measurements, refit=refit)
        _log_scorecard(retrain, challenger, scorecard, comparison, folder)
    return resources.evidence.put_scorecard(scorecard)


def _fetch(retrain: Retrain, version: int, manifest_digest: str, folder: Path) -> VersionFiles:
    folder.mkdir()
    return fetch_version(retrain.resources.registry, retrain.spec.model, version, manifest_digest, folder)


@dataclass(frozen=True)
class _Measures:
    """What gates read beside scores, as far as one asks for it.

    Attributes:
        usage_problem: Why the resource usage could not be measured; empty if it was, or if no gate asks.
    """

    profile: Profile | None
    usage: ResourceUsage | None
    usage_problem: str = ""


def _measure(retrain: Retrain, served: Path, snapshot: Snapshot) -> _Measures:
    spec, resources = retrain.spec, retrain.resources
    profile = profile_snapshot(spec, snapshot, resources.snapshots) if spec.profiled else None
    if not spec.batches:
        return _Measures(profile, None)
    try:
        return _Measures(profile, resources.meter(spec, served, snapshot, spec.batches))
    except IntegrityError as error:
        return _Measures(profile, None, str(error))


@dataclass(frozen=True)
class _Reference:
    """What the challenger is compared with: the champion, or a baseline if the timeline has none.

    Attributes:
        champion: The timeline's champion; None if it has none yet.
        model: The loaded champion; None if there is none or it cannot be compared with.
        problem: Why the champion cannot be compared with; empty if it can, or if there is none.
        changed: The features that have another type than in the champion's training, with both types.
    """

    champion: Pointer | None
    model: FittedModel | None = None
    problem: str = ""
    changed: tuple[str, ...] = ()

    def without_model(self, problem: str) -> _Reference:
        """Return the reference of a champion that cannot be compared with."""
        version = self.champion.version if self.champion else 0
        return replace(self, model=None, problem=f"the champion (version {version}) cannot be {problem}")


def _load_reference(retrain: Retrain, snapshot: Snapshot, challenger_model: FittedModel, folder: Path) -> _Reference:
    """Load the timeline's champion, or say why it cannot be compared with: lost, altered, another task, a column missing.

    Of a refitted champion it is the judged model: like is compared with like. The served one has seen rows that the challenger's
    judged model has not, as the challenger's own served one will have. With a label delay as long as the schedule it would also
    have seen the whole holdout.
    """
    champion = retrain.resources.ledger.pointer(retrain.spec.model, retrain.request.timeline)
    reference = _Reference(champion)
    if champion is None:
        return reference
    try:
        files = _fetch(retrain, champion.version, champion.manifest_digest, folder)
        model = retrain.trainer.load(files.judged)
    except (IntegrityError, NotFoundError) as error:
        return reference.without_model(f"loaded: {error}")
    if (model.classes is None) != (challenger_model.classes is None):
        return reference.without_model("compared: one is a classifier, the other a regression")
    columns = {name for name, _ in snapshot.columns}
    missing = [name for name in model.features if name not in columns]
    if missing:
        names = f"column{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        return reference.without_model(f"scored: the data no longer has the {names}")
    return replace(reference, model=model, changed=_list_changed_types(retrain, champion, model, snapshot))


def _list_changed_types(retrain: Retrain, champion: Pointer, model: FittedModel, snapshot: Snapshot) -> tuple[str, ...]:
    trained, now = find_training_snapshot(retrain, champion), dict(snapshot.columns)
    before = {} if trained is None else dict(trained.columns)
    return tuple(
        f"{name} was {before[name]} and is {now[name]}"
        for name in model.features
        if name in before and before[name] != now[name]
    )


@dataclass(frozen=True)
class _Comparison:
    """Challenger and reference on the same rows.

    Attributes:
        rows: The compared rows of the holdout.
        challenger: The challenger with its scores on them.
        opponent: What the scores of the opponent are of; None if there are none.
        dropped_rows: How many holdout rows were left out because the champion's training covers them.
    """

    reference: _Reference
    rows: DataFrame
    challenger: ScoredModel
    opponent: Opponent | None
    scores: Scores
    dropped_rows: int


def _compare(retrain: Retrain, holdout: DataFrame, challenger: ScoredModel, reference: _Reference) -> _Comparison:
    """Score the reference on the rows that the champion's training leaves, and align the challenger's scores with it."""
    unseen = mask_unseen_rows(retrain, holdout, reference.champion)
    rows_left = int(unseen.sum())
    too_few = rows_left < retrain.spec.data.min_rows
    if too_few and reference.model is not None:
        reference = reference.without_model(
            f"compared: its training covers all but {rows_left} of the {len(holdout)} holdout rows, which are too few"
        )
    if not too_few and rows_left < len(holdout):
        holdout, challenger = holdout[unseen].reset_index(drop=True), challenger.on(unseen)
    reference, opponent = _score_reference(retrain, holdout, challenger, reference)
    kind: Opponent | None = None if opponent is None else "champion" if reference.champion else "baseline"
    scores = align_scores(retrain.spec, holdout, challenger, opponent, need_two_classes=True)
    return _Comparison(reference, holdout, challenger, kind, scores, len(unseen) - len(holdout))


def _measure_versions(
    retrain: Retrain, snapshot: Snapshot, challenger: Challenger, comparison: _Comparison
) -> tuple[Measurement, ...]:
    champion = comparison.reference.champion if comparison.opponent == "champion" else None
    return measure_versions(
        retrain,
        snapshot,
        challenger,
        comparison.rows,
        comparison.challenger,
        comparison.scores,
        None if champion is None else (champion.version, champion.as_of),
    )


def _score_reference(
    retrain: Retrain, holdout: DataFrame, challenger: ScoredModel, reference: _Reference
) -> tuple[_Reference, ScoredModel | None]:
    if reference.champion is None:
        return reference, ScoredModel.baseline_of(challenger.model, len(holdout))
    if reference.model is None:
        return reference, None
    try:
        return reference, ScoredModel(reference.model, retrain.trainer.score(reference.model, holdout))
    except TrainingError as error:
        types = f"; {', '.join(reference.changed)}" if reference.changed else ""
        return reference.without_model(f"scored: {error}{types}"), None


def _build_scorecard(
    retrain: Retrain, challenger: Challenger, comparison: _Comparison, measures: _Measures
) -> Scorecard:
    evaluation, scores = retrain.spec.evaluation, comparison.scores
    return Scorecard(
        key=challenger.key,
        model=retrain.spec.model,
        timeline=retrain.request.timeline,
        rows=len(scores.y),
        opponent=comparison.opponent,
        why_no_opponent=comparison.reference.problem,
        dropped_rows=comparison.dropped_rows,
        champion=comparison.reference.champion,
        challenger_metrics=value_of(evaluation.metrics, scores.y, scores.challenger),
        opponent_metrics=value_of(evaluation.metrics, scores.y, scores.opponent),
        scores=retrain.resources.evidence.put_scores(scores),
        slices=tuple(score_slices(evaluation.metrics, evaluation.slices, scores)),
        profile=measures.profile,
        resource_usage=measures.usage,
        resource_usage_problem=measures.usage_problem,
    )


def _log_scorecard(
    retrain: Retrain, challenger: Challenger, scorecard: Scorecard, comparison: _Comparison, folder: Path
) -> None:
    metrics = {f"challenger.{name}": value for name, value in scorecard.challenger_metrics.items()}
    metrics |= {f"{scorecard.opponent}.{name}": value for name, value in scorecard.opponent_metrics.items()}
    finite = {name: value for name, value in metrics.items() if np.isfinite(value)}
    pictures = _draw_pictures(retrain, comparison, folder)
    retrain.resources.registry.log_evaluation(challenger.run_id, finite, pictures)


def _draw_pictures(retrain: Retrain, comparison: _Comparison, folder: Path) -> Sequence[Path]:
    """Return the pictures of the scores; none if drawing fails, because a retrain stands without them."""
    title = f"{retrain.spec.model} as of {retrain.request.as_of:%Y-%m-%d}"
    try:
        return retrain.resources.reports.draw_scores(comparison.scores, comparison.opponent, title, folder)
    except Exception as error:  # noqa: BLE001 - see the docstring; its text may hold row values
        log.warning("The scorecard stands, its pictures could not be drawn: %s", type(error).__name__)
        return []
