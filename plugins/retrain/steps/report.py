"""Tell people about a decision: a page and a model card on the challenger's run."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from retrain.core.data.snapshot import Snapshot
from retrain.core.evaluation.prediction_change import prediction_change
from retrain.core.evaluation.scores import Opponent, Scores
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Challenger, Decision
from retrain.core.ports import EvidenceStore, ModelRegistry, SnapshotStore
from retrain.core.report import Recipe, RetrainReport
from retrain.core.spec import PipelineSpec
from retrain.core.stats.reliability import Reliability, compute_reliability
from retrain.errors import IntegrityError, NotFoundError

__all__ = ["Render", "collect_report", "page_path", "report_retrain"]

Render = Callable[[RetrainReport, Path], list[Path]]
"""Writes the page, ``scorecard.html``, and whatever goes with it into a folder; returns the files."""

log = logging.getLogger(__name__)


def page_path(timeline: str) -> str:
    """Return where the page of a decision lies among the files of its run."""
    return f"decision/{timeline}/scorecard.html"


def report_retrain(
    spec: PipelineSpec,
    decision: Decision,
    made: Challenger,
    *,
    snapshots: SnapshotStore,
    registry: ModelRegistry,
    evidence: EvidenceStore,
    render: Render,
    origin_url: str = "",
) -> str:
    """Put the page of a decision on the run of its challenger; return its address, empty where that failed.

    The files lie in a folder named by the timeline, because a simulation may decide on the same version in another way.
    On production the version's description says in short what was decided. Said again, the same files come again.

    A decision stands without its page, so no error comes out of here: it is logged by its class, for its text may hold anything.
    """
    try:
        report = collect_report(
            spec, decision, made, snapshots=snapshots, registry=registry, evidence=evidence, origin_url=origin_url
        )
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            page = page_path(decision.timeline)
            registry.log_files(made.run_id, render(report, Path(scratch)), str(Path(page).parent))
            address = registry.file_url(made.run_id, page)
        if decision.timeline == PRODUCTION:
            told = f"{decision.choice.value} as of {decision.as_of:%Y-%m-%d %H:%M}. {report.headline}\n\n[Scorecard]({address})"
            registry.describe_version(spec.model, made.version, told)
    except Exception as error:  # noqa: BLE001 - see the docstring
        log.warning("The decision stands, its page could not be made: %s", type(error).__name__)
        return ""
    return address


def collect_report(
    spec: PipelineSpec,
    decision: Decision,
    made: Challenger,
    *,
    snapshots: SnapshotStore,
    registry: ModelRegistry,
    evidence: EvidenceStore,
    origin_url: str = "",
) -> RetrainReport:
    """Return the facts of a decision, fresh or long past, from what was stored.

    Args:
        origin_url: The page of what asked for the retrain, such as a DAG run.

    Raises:
        NotFoundError: The run or the scorecard is gone.
        IntegrityError: The scorecard was altered.
    """
    found = evidence.evidence(decision.scorecard) if decision.scorecard else None
    opponent = found.opponent if found else None
    return RetrainReport(
        spec=spec,
        decision=decision,
        made=made,
        recipe=_recipe(made.version, made.run_id, registry, snapshots),
        champion=_champion(spec.model, decision.champion_version, registry, snapshots),
        scorecard=found.scorecard if found else None,
        reliability=_reliability(found.scores, opponent) if found else {},
        change=prediction_change(found.scores) if found and opponent == "champion" else None,
        links={
            "MLflow run": registry.run_url(made.run_id),
            "model version": registry.version_url(spec.model, made.version),
            "DAG run": origin_url,
        },
    )


def _reliability(scores: Scores, opponent: Opponent | None) -> Mapping[str, Reliability]:
    sides = {"challenger": compute_reliability(scores.y, scores.challenger)}
    if opponent is not None and scores.opponent is not None:
        sides[opponent] = compute_reliability(scores.y, scores.opponent)
    return sides


def _champion(model: str, version: int | None, registry: ModelRegistry, snapshots: SnapshotStore) -> Recipe | None:
    """Return what a champion was made from; None where it is gone: a page that cannot compare still tells the rest."""
    if version is None:
        return None
    try:
        found = registry.find_version(model, version)
        return None if found is None else _recipe(version, found.run_id, registry, snapshots)
    except (IntegrityError, NotFoundError):
        return None


def _recipe(version: int, run_id: str, registry: ModelRegistry, snapshots: SnapshotStore) -> Recipe:
    tags = registry.run_tags(run_id)
    return Recipe(version, registry.run_params(run_id), tags, _snapshot(tags.get("retrain.snapshot", ""), snapshots))


def _snapshot(digest: str, snapshots: SnapshotStore) -> Snapshot | None:
    try:
        return snapshots.load(digest)
    except (IntegrityError, NotFoundError):
        return None
