"""Score challenger and champion on the same holdout rows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.core.decision import Challenger
from retrain.core.ledger import Pointer
from retrain.core.ports import EvidenceStore, FittedModel, Ledger, ModelRegistry, SnapshotStore, Trainer
from retrain.core.request import RetrainRequest
from retrain.core.scorecard import Scorecard, score_slices, value_of
from retrain.core.scores import Opponent, Scores, align_classes
from retrain.core.snapshot import Part, Snapshot
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError, IntegrityError, NotFoundError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Draw", "evaluate_challenger"]

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
) -> str:
    """Store the scorecard and its per-row scores, log them to the run, return the scorecard's digest.

    A key that was promoted on this timeline before keeps the scorecard of that decision.

    Raises:
        DataError: A holdout label is missing or of an unknown kind.
        IntegrityError: The challenger's artifact is not what was made.
    """
    promoted = ledger.entry(spec.model, request.timeline, challenger.key)
    if promoted is not None:
        return ledger.decision(promoted.decision_id).scorecard
    rows = _holdout(spec, snapshot, snapshots)
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = Path(scratch)
        made = _load(
            registry, trainer, spec.model, challenger.version, challenger.manifest_digest, folder / "challenger"
        )
        champion = ledger.pointer(spec.model, request.timeline)
        kept, opponent, why = _load_champion(registry, trainer, champion, folder / "champion")
        scores = _score(spec, rows, trainer, made, kept)
        scorecard = _fill(spec, request, challenger, champion, scores, opponent, why, evidence)
        pictures = draw(scores, opponent, f"{spec.model} as of {request.as_of:%Y-%m-%d}", folder)
        registry.log_evaluation(challenger.run_id, _finite(scorecard), pictures)
    return evidence.put_scorecard(scorecard)


def _holdout(spec: PipelineSpec, snapshot: Snapshot, snapshots: SnapshotStore) -> DataFrame:
    features = spec.feature_columns([name for name, _ in snapshot.columns])
    wanted = dict.fromkeys([*features, spec.data.label, spec.data.event_time, *spec.score_columns])
    rows = snapshots.frame(snapshot, Part.HOLDOUT, list(wanted))
    missing = int(rows[spec.data.label].isna().sum())
    if missing:
        raise DataError(
            "every holdout row must have a label", got=f"{missing} rows without", fix="Leave them out in the query."
        )
    return rows


def _load(
    registry: ModelRegistry, trainer: Trainer, model: str, version: int, digest: str, folder: Path
) -> FittedModel:
    folder.mkdir()
    return trainer.load(registry.fetch(model, version, digest, folder))


def _load_champion(
    registry: ModelRegistry, trainer: Trainer, champion: Pointer | None, folder: Path
) -> tuple[FittedModel | None, Opponent | None, str]:
    """Return the champion, whom the challenger meets, and why nobody where the champion is lost."""
    if champion is None:
        return None, "baseline", ""
    try:
        kept = _load(registry, trainer, champion.model, champion.version, champion.manifest_digest, folder)
    except (IntegrityError, NotFoundError) as error:
        return None, None, f"the champion (version {champion.version}) cannot be loaded: {error}"
    return kept, "champion", ""


def _score(
    spec: PipelineSpec, rows: DataFrame, trainer: Trainer, made: FittedModel, kept: FittedModel | None
) -> Scores:
    """Score both on the same rows; without a champion the challenger's own baseline is the opponent."""
    label = rows[spec.data.label].to_numpy()
    mine = trainer.score(made, rows)
    theirs = (
        trainer.score(kept, rows)
        if kept is not None
        else np.broadcast_to(made.baseline, (len(rows), len(made.baseline)))
    )
    if made.classes is None:
        y, theirs = label.astype(np.float64), theirs.reshape(len(rows))
        if not np.isfinite(y).all():
            raise DataError("every holdout label must be finite", got="an infinity", fix="Mend the query.")
    else:
        other = kept.classes if kept is not None and kept.classes is not None else made.classes
        union = _union(made.classes, other, np.unique(label).tolist())
        y = np.searchsorted(np.array(union), label).astype(np.float64)
        mine, theirs = align_classes(mine, made.classes, union), align_classes(theirs, other, union)
    return Scores(
        y,
        mine,
        np.array(theirs),
        rows[spec.data.event_time].to_numpy().astype("datetime64[us]"),
        {name: rows[name].to_numpy() for name in spec.score_columns},
    )


def _union(*classes: Any) -> list[Any]:
    found = {value for group in classes for value in group}
    try:
        return sorted(found)
    except TypeError as error:
        raise DataError(
            "the classes of label, challenger and champion must be of one kind",
            got=", ".join(sorted({type(value).__name__ for value in found})),
            fix="Cast the label in the query.",
        ) from error


def _fill(
    spec: PipelineSpec,
    request: RetrainRequest,
    challenger: Challenger,
    champion: Pointer | None,
    scores: Scores,
    opponent: Opponent | None,
    why: str,
    evidence: EvidenceStore,
) -> Scorecard:
    metrics = spec.evaluation.metrics
    compared = scores if opponent else Scores(scores.y, scores.challenger, None, scores.event_time, scores.columns)
    return Scorecard(
        key=challenger.key,
        model=spec.model,
        timeline=request.timeline,
        rows=len(scores.y),
        opponent=opponent,
        why_no_opponent=why,
        champion=champion,
        challenger_metrics=value_of(metrics, scores.y, scores.challenger),
        opponent_metrics=value_of(metrics, scores.y, compared.opponent),
        scores=evidence.put_scores(compared),
        slices=tuple(score_slices(metrics, spec.evaluation.slices, compared)),
    )


def _finite(scorecard: Scorecard) -> dict[str, float]:
    named = {f"challenger.{name}": value for name, value in scorecard.challenger_metrics.items()}
    named |= {f"{scorecard.opponent}.{name}": value for name, value in scorecard.opponent_metrics.items()}
    return {name: value for name, value in named.items() if np.isfinite(value)}
