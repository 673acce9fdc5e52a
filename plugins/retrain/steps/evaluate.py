"""Score challenger and champion on the same holdout rows."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrain.core.data.snapshot import Snapshot
from retrain.core.evaluation.footprint import Footprint
from retrain.core.evaluation.scorecard import Scorecard, score_slices, value_of
from retrain.core.evaluation.scores import Opponent, Scores
from retrain.core.ledger.entries import Pointer
from retrain.core.policy.decision import Challenger
from retrain.core.ports import EvidenceStore, FittedModel, Ledger, Meter, ModelRegistry, SnapshotStore, Trainer
from retrain.core.request import RetrainRequest
from retrain.core.spec import PipelineSpec
from retrain.errors import IntegrityError, NotFoundError, TrainingError
from retrain.steps.scoring import align_scores, holdout_rows
from retrain.steps.window_profile import profile_snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

    from retrain.core.stats.metrics.base import Floats

__all__ = ["Draw", "evaluate_challenger"]

log = logging.getLogger(__name__)

Draw = Callable[[Scores, Opponent | None, str, Path], list[Path]]
"""Draws the scores into a folder under a title; returns the files."""


def evaluate_challenger(
    spec: PipelineSpec,
    request: RetrainRequest,
    snapshot: Snapshot,
    challenger: Challenger,
    *,
    snapshots: SnapshotStore,
    trainer: Trainer,
    registry: ModelRegistry,
    evidence: EvidenceStore,
    ledger: Ledger,
    draw: Draw,
    meter: Meter,
    take_turn: Callable[[], None] = lambda: None,
) -> str:
    """Store the scorecard and its per-row scores, log them to the run, return the scorecard's digest.

    `take_turn` is called before the timeline's champion is read: it returns when earlier retrains of the timeline are settled.
    A key that was promoted on this timeline before keeps the scorecard of that decision. The window is profiled and the model
    measured only where a gate asks for it.

    Raises:
        DataError: A holdout label is missing or of an unknown kind.
        TrainingError: The challenger cannot score the rows.
        IntegrityError: The challenger's artifact is not what was made.
    """
    promoted = ledger.entry(spec.model, request.timeline, challenger.key)
    if promoted is not None:
        return ledger.decision(promoted.decision_id).scorecard
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = Path(scratch)
        artifact = _fetch(registry, spec.model, challenger.version, challenger.manifest_digest, folder / "challenger")
        made = trainer.load(artifact)
        rows = holdout_rows(spec, snapshot, snapshots)
        mine = trainer.score(made, rows)
        profile = profile_snapshot(spec, snapshot, snapshots) if spec.profiled else None
        take_turn()
        footprint, why_no_footprint = _measure(spec, artifact, snapshot, meter)
        champion = ledger.pointer(spec.model, request.timeline)
        kept, why = _load_champion(registry, trainer, champion, made, snapshot, folder / "champion")
        unseen = _unseen(spec, rows, champion, snapshots, ledger)
        left, cut = int(unseen.sum()), 0
        if left < spec.data.min_rows and kept is not None:
            kept, why = None, f"the champion was trained on all but {left} of the {len(rows)} holdout rows: too few"
        elif spec.data.min_rows <= left < len(rows):
            cut, rows, mine = len(rows) - left, rows[unseen].reset_index(drop=True), mine[unseen]
        theirs: Floats | None = None
        if champion is None:
            theirs = np.broadcast_to(made.baseline, (len(rows), len(made.baseline)))
        elif kept is not None:
            theirs, why = _score_champion(trainer, champion, kept, rows)
        opponent: Opponent | None = None if theirs is None else "champion" if champion else "baseline"
        scores = align_scores(spec, rows, made, kept or made, mine, theirs)
        scorecard = replace(
            _fill(spec, request, challenger, champion, scores, opponent, why, cut, evidence),
            profile=profile,
            footprint=footprint,
            why_no_footprint=why_no_footprint,
        )
        pictures = _drawn(draw, scores, opponent, f"{spec.model} as of {request.as_of:%Y-%m-%d}", folder)
        registry.log_evaluation(challenger.run_id, _finite(scorecard), pictures)
    return evidence.put_scorecard(scorecard)


def _fetch(registry: ModelRegistry, model: str, version: int, digest: str, folder: Path) -> Path:
    folder.mkdir()
    return registry.fetch(model, version, digest, folder)


def _measure(spec: PipelineSpec, artifact: Path, snapshot: Snapshot, meter: Meter) -> tuple[Footprint | None, str]:
    """Return what the challenger costs, where a gate asks, or why that cannot be said."""
    if not spec.batches:
        return None, ""
    try:
        return meter(spec, artifact, snapshot, spec.batches), ""
    except IntegrityError as error:
        return None, str(error)


def _unseen(
    spec: PipelineSpec, rows: DataFrame, champion: Pointer | None, snapshots: SnapshotStore, ledger: Ledger
) -> NDArray[np.bool_]:
    """Return (n,) which rows the champion was not trained on, so that neither side is asked what it was told.

    Where no decision says what a champion was trained on, such as a forced one of another timeline, all rows count as unseen.
    """
    everything = np.ones(len(rows), dtype=bool)
    entry = None if champion is None else ledger.standing(spec.model, champion.timeline).was_live(champion.version)
    if entry is None or not entry.decision_id:
        return everything
    try:
        trained = snapshots.load(ledger.decision(entry.decision_id).snapshot).window
    except NotFoundError:
        return everything
    times = rows[spec.data.event_time].to_numpy().astype("datetime64[us]")
    first, last = (np.datetime64(at.replace(tzinfo=None)) for at in (trained.train_start, trained.holdout_start))
    return np.asarray((times < first) | (times >= last))


def _load_champion(
    registry: ModelRegistry,
    trainer: Trainer,
    champion: Pointer | None,
    made: FittedModel,
    snapshot: Snapshot,
    folder: Path,
) -> tuple[FittedModel | None, str]:
    """Return the champion, or why it cannot be met: lost, altered, of another task, or in want of a column."""
    if champion is None:
        return None, ""
    lost = f"the champion (version {champion.version}) cannot be"
    try:
        kept = trainer.load(_fetch(registry, champion.model, champion.version, champion.manifest_digest, folder))
    except (IntegrityError, NotFoundError) as error:
        return None, f"{lost} loaded: {error}"
    if (kept.classes is None) != (made.classes is None):
        return None, f"{lost} compared: it is of another task"
    present = {name for name, _ in snapshot.columns}
    lacking = [name for name in kept.features if name not in present]
    if lacking:
        return None, f"{lost} scored: the data has no {', '.join(lacking)} any more"
    return kept, ""


def _score_champion(
    trainer: Trainer, champion: Pointer, kept: FittedModel, rows: DataFrame
) -> tuple[Floats | None, str]:
    try:
        return trainer.score(kept, rows), ""
    except TrainingError as error:
        return None, f"the champion (version {champion.version}) cannot be scored: {error}"


def _fill(
    spec: PipelineSpec,
    request: RetrainRequest,
    challenger: Challenger,
    champion: Pointer | None,
    scores: Scores,
    opponent: Opponent | None,
    why: str,
    cut: int,
    evidence: EvidenceStore,
) -> Scorecard:
    metrics = spec.evaluation.metrics
    return Scorecard(
        key=challenger.key,
        model=spec.model,
        timeline=request.timeline,
        rows=len(scores.y),
        opponent=opponent,
        why_no_opponent=why,
        cut=cut,
        champion=champion,
        challenger_metrics=value_of(metrics, scores.y, scores.challenger),
        opponent_metrics=value_of(metrics, scores.y, scores.opponent),
        scores=evidence.put_scores(scores),
        slices=tuple(score_slices(metrics, spec.evaluation.slices, scores)),
    )


def _drawn(draw: Draw, scores: Scores, opponent: Opponent | None, title: str, folder: Path) -> list[Path]:
    """Return the pictures; none where drawing failed, because a retrain stands without them."""
    try:
        return draw(scores, opponent, title, folder)
    except Exception as error:  # noqa: BLE001 - see the docstring; its text may hold row values
        log.warning("The scorecard stands, its pictures could not be drawn: %s", type(error).__name__)
        return []


def _finite(scorecard: Scorecard) -> dict[str, float]:
    named = {f"challenger.{name}": value for name, value in scorecard.challenger_metrics.items()}
    named |= {f"{scorecard.opponent}.{name}": value for name, value in scorecard.opponent_metrics.items()}
    return {name: value for name, value in named.items() if np.isfinite(value)}
