"""Look for the best params inside the training range; the holdout is never touched."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from retrain.core.data.folds import Fold, split_by_time
from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.ports import Search
from retrain.core.resources import Retrain
from retrain.core.spec import SearchSpec
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.core.stats.metrics import METRICS
from retrain.core.training.search import Candidate, Goal, Trial, TrialState, describe_trial, find_best_trial
from retrain.errors import DataError, TrainingError
from retrain.steps.results import require_snapshot
from retrain.steps.scoring import ScoredModel, align_scores
from retrain.steps.training import Training

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ReportProgress", "search_params", "try_params"]

ReportProgress = Callable[[str], None]
"""Takes one line about a trial, to show to people."""


def search_params(training: Training, run_id: str, *, report_progress: ReportProgress) -> Mapping[str, Any]:
    """Do all trials that are left and return the params of the best one; no params if the spec has no search.

    Raises:
        TrainingError: No trial completed.
        DataError: The training range cannot be cut into folds, or learnt from.
    """
    search = training.retrain.spec.train.search
    if search is None:
        return {}
    registry = training.retrain.resources.registry
    worker = _Worker(training, search, number=None)
    worker.run_trials(report_progress, lambda trials: registry.log_trials(run_id, worker.goal.metric, trials))
    trials = worker.search.trials()
    best = find_best_trial(trials, worker.goal)
    if best is None:
        raise _no_result_error(trials, search)
    report_progress(f"Best of {len(trials)} trials: number {best.number}, {worker.goal.metric} {best.value:.4f}")
    registry.log_params(run_id, best.params)
    return best.params


def try_params(retrain: Retrain, snapshot: Snapshot, worker: int, *, report_progress: ReportProgress) -> int:
    """Do trials as one of several workers until none is left; return how many this worker did.

    Only the first worker opens the run and logs the trials of all workers, so that no two workers make the same run.

    Raises:
        DataError: The training range cannot be cut into folds, or learnt from.
        IntegrityError: The snapshot is not the one that this retrain took.
    """
    require_snapshot(retrain, snapshot)
    with retrain.resources.freeze_code(retrain.spec) as spec:
        return _try_params(replace(retrain, spec=spec), snapshot, worker, report_progress)


def _try_params(retrain: Retrain, snapshot: Snapshot, worker: int, report_progress: ReportProgress) -> int:
    training, search, registry = Training.of(retrain, snapshot), retrain.spec.train.search, retrain.resources.registry
    if search is None or registry.find_challenger(retrain.spec.model, training.key):
        return 0
    searcher = _Worker(training, search, number=worker)
    if worker > 0:
        return searcher.run_trials(report_progress, lambda _: None)
    run_id = training.open_run()
    return searcher.run_trials(
        report_progress, lambda trials: registry.log_trials(run_id, searcher.goal.metric, trials)
    )


class _Worker:
    """One process that works on a search."""

    def __init__(self, training: Training, search: SearchSpec, *, number: int | None) -> None:
        spec = training.retrain.spec
        self._training = training
        self._spec = search
        metric = search.metric or spec.evaluation.primary
        self.goal = Goal(metric, GREATER_IS_BETTER[metric])
        start = {name: value for name, value in spec.train.params.items() if name in search.params}
        self.search: Search = training.retrain.resources.open_trials().open(
            training.key, search, self.goal, start=start, seed=spec.train.seed, worker=number
        )

    def run_trials(self, report_progress: ReportProgress, log: Callable[[Sequence[Trial]], None]) -> int:
        """Do trials until none is left or the time is up.

        Args:
            report_progress: Called with one line per trial of this worker.
            log: Called with the closed trials of all workers, each of them once.

        Returns:
            How many trials this worker did.
        """
        folds, logged, done = None, set[int](), 0
        while True:
            closed = self.search.trials()
            log([trial for trial in closed if trial.number not in logged])
            logged |= {trial.number for trial in closed}
            minutes_left = self._minutes_left(closed)
            candidate = self.search.take() if minutes_left is None or minutes_left > 0 else None
            if candidate is None:
                return done
            folds = folds or self._cut_folds()
            self._try(candidate, *folds)
            done += 1
            report_progress(self._describe(candidate.number))

    def _minutes_left(self, closed: Sequence[Trial]) -> float | None:
        """Return the minutes left per worker, None without a limit: the workers share the time of a search evenly."""
        if self._spec.minutes is None:
            return None
        return self._spec.minutes - sum(trial.seconds for trial in closed) / 60 / self._spec.workers

    def _cut_folds(self) -> tuple[DataFrame, list[Fold]]:
        spec, snapshot = self._training.retrain.spec, self._training.snapshot
        features = spec.feature_columns([name for name, _ in snapshot.columns])
        columns = dict.fromkeys([*features, spec.data.label, spec.data.event_time, *spec.score_columns])
        rows = self._training.retrain.resources.snapshots.frame(snapshot, Part.TRAIN, list(columns))
        times = rows[spec.data.event_time].to_numpy()
        return rows, split_by_time(times, self._spec.folds, spec.data.label_delay)

    def _try(self, candidate: Candidate, rows: DataFrame, folds: Sequence[Fold]) -> None:
        began = time.monotonic()
        state, error = TrialState.COMPLETE, ""
        try:
            for number, fold in enumerate(folds):
                stored = candidate.values[number : number + 1]
                value = stored[0] if stored else self._score_fold(candidate, rows, fold)
                if not math.isfinite(value):
                    state, error = TrialState.FAILED, f"{self.goal.metric} is not a number"
                    break
                if self.search.report(candidate.number, number, value) and number + 1 < len(folds):
                    state = TrialState.PRUNED
                    break
        except TrainingError as caught:
            state, error = TrialState.FAILED, type(caught.__cause__ or caught).__name__
        self.search.close(candidate.number, state, seconds=time.monotonic() - began, error=error)

    def _score_fold(self, candidate: Candidate, rows: DataFrame, fold: Fold) -> float:
        trainer, spec = self._training.retrain.trainer, self._training.retrain.spec.with_params(candidate.params)
        features = list(spec.feature_columns([name for name, _ in self._training.snapshot.columns]))
        fitted, scored = rows[fold.fit], rows[fold.score]
        try:
            model = trainer.fit(spec, fitted[features], fitted[spec.data.label])
        except DataError as error:
            raise DataError(f"in each fold of a search {error.must}", got=error.got, fix=error.fix) from None
        scores = align_scores(spec, scored, ScoredModel(model, trainer.score(model, scored)), None)
        return METRICS[self.goal.metric].value(scores.y, scores.challenger)

    def _describe(self, number: int) -> str:
        closed = self.search.trials()
        trial = next(trial for trial in closed if trial.number == number)
        return describe_trial(
            trial, closed, self.goal, wanted=self._spec.trials, minutes_left=self._minutes_left(closed)
        )


def _no_result_error(trials: Sequence[Trial], search: SearchSpec) -> TrainingError:
    errors = sorted({trial.error for trial in trials if trial.error})
    return TrainingError(
        "at least one trial of a search must complete",
        got=f"{len(trials)} of {search.trials} done, failed with {', '.join(errors) or 'nothing'}",
        fix="Fix the estimator or train.search.params.",
    )
