"""Show people a decision: a page and a model card on the challenger's run."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path

from retrain.core.data.snapshot import Snapshot
from retrain.core.evaluation.prediction_change import prediction_change
from retrain.core.evaluation.scorecard import Scorecard
from retrain.core.evaluation.scores import Opponent, Scores
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Challenger, Decision
from retrain.core.ports import Ledger, ModelRegistry, SnapshotStore
from retrain.core.ratings import RatingSummary
from retrain.core.report import RetrainReport, VersionInputs
from retrain.core.resources import Resources
from retrain.core.spec import PipelineSpec
from retrain.core.stats.reliability import Reliability, compute_reliability
from retrain.errors import IntegrityError, NotFoundError
from retrain.steps.rate import rate_timeline

__all__ = ["collect_report", "page_path", "report_decision"]

log = logging.getLogger(__name__)


def page_path(timeline: str) -> str:
    """Return the path of a decision's page among the files of its run."""
    return f"decision/{timeline}/scorecard.html"


def report_decision(
    spec: PipelineSpec, decision: Decision, challenger: Challenger, resources: Resources, *, origin_url: str = ""
) -> str:
    """Log the page of a decision to the run of its challenger; return its address, empty if that failed.

    The files lie in a folder named after the timeline, because a simulation may decide differently on the same version.
    On production the version's description summarises the decision. A second call writes the same files again.

    A decision stands without its page, so this raises nothing: an error is logged by its class, as its text may hold row values.
    """
    registry = resources.registry
    try:
        report = collect_report(spec, decision, challenger, resources, origin_url=origin_url)
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            page = page_path(decision.timeline)
            files = resources.reports.write_scorecard(report, Path(scratch))
            registry.log_files(challenger.run_id, files, str(Path(page).parent))
            address = registry.file_url(challenger.run_id, page)
        if decision.timeline == PRODUCTION:
            summary = f"{decision.choice.value} as of {decision.as_of:%Y-%m-%d %H:%M}. {report.headline}\n\n[Scorecard]({address})"
            registry.describe_version(spec.model, challenger.version, summary)
    except Exception as error:  # noqa: BLE001 - see the docstring
        log.warning("The decision stands, its page could not be written: %s", type(error).__name__)
        return ""
    return address


def collect_report(
    spec: PipelineSpec, decision: Decision, challenger: Challenger, resources: Resources, *, origin_url: str = ""
) -> RetrainReport:
    """Return the facts of a decision, new or old, from what was stored.

    Args:
        origin_url: The page of the DAG run that requested the retrain.

    Raises:
        NotFoundError: The run or the scorecard is gone.
        IntegrityError: The scorecard was altered.
    """
    registry, snapshots = resources.registry, resources.snapshots
    evidence = resources.evidence.evidence(decision.scorecard) if decision.scorecard else None
    opponent = evidence.opponent if evidence else None
    return RetrainReport(
        spec=spec,
        decision=decision,
        made=challenger,
        inputs=_read_inputs(challenger.version, challenger.run_id, registry, snapshots),
        champion=_champion(spec.model, decision.champion_version, registry, snapshots),
        scorecard=evidence.scorecard if evidence else None,
        reliability=_reliability(evidence.scores, opponent) if evidence else {},
        change=prediction_change(evidence.scores) if evidence and opponent == "champion" else None,
        rating=_rate(evidence.scorecard, decision, resources.ledger) if evidence else None,
        links={
            "MLflow run": registry.run_url(challenger.run_id),
            "model version": registry.version_url(spec.model, challenger.version),
            "DAG run": origin_url,
        },
    )


def _rate(scorecard: Scorecard, decision: Decision, ledger: Ledger) -> RatingSummary | None:
    """Return the rating as it was when the decision was made; None without a champion to compare with."""
    if decision.champion_version is None:
        return None
    return rate_timeline(scorecard, decision.metric, decision.champion_version, ledger)


def _reliability(scores: Scores, opponent: Opponent | None) -> Mapping[str, Reliability]:
    sides = {"challenger": compute_reliability(scores.y, scores.challenger)}
    if opponent is not None and scores.opponent is not None:
        sides[opponent] = compute_reliability(scores.y, scores.opponent)
    return sides


def _champion(
    model: str, version: int | None, registry: ModelRegistry, snapshots: SnapshotStore
) -> VersionInputs | None:
    """Return what a champion was made from; None if it is gone, because a page without it still shows the rest."""
    if version is None:
        return None
    try:
        champion = registry.find_version(model, version)
        return None if champion is None else _read_inputs(version, champion.run_id, registry, snapshots)
    except (IntegrityError, NotFoundError):
        return None


def _read_inputs(version: int, run_id: str, registry: ModelRegistry, snapshots: SnapshotStore) -> VersionInputs:
    tags = registry.run_tags(run_id)
    return VersionInputs(
        version, registry.run_params(run_id), tags, _snapshot(tags.get("retrain.snapshot", ""), snapshots)
    )


def _snapshot(digest: str, snapshots: SnapshotStore) -> Snapshot | None:
    try:
        return snapshots.load(digest)
    except (IntegrityError, NotFoundError):
        return None
