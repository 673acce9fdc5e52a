"""Look for the best params inside the training range; the holdout is never touched."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrain.core.data.folds import Fold, split_by_time
from retrain.core.data.snapshot import Part, Snapshot
from retrain.core.ports import ModelRegistry, Search, SnapshotStore, Trainer, TrialStore
from retrain.core.request import RetrainRequest
from retrain.core.spec import PipelineSpec, SearchSpec
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.core.stats.metrics import METRICS
from retrain.core.training.search import Candidate, Goal, Trial, TrialState, describe_trial, find_best_trial
from retrain.errors import DataError, TrainingError
from retrain.steps.scoring import align_scores
from retrain.steps.training import Training

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["OpenTrials", "Tell", "search_params", "try_params"]

OpenTrials = Callable[[], TrialStore]
"""Opens the store of trials; called only where there is something to search."""
Tell = Callable[[str], None]
"""Takes a line about a trial, for people."""


def search_params(
    training: Training,
    run_id: str,
    *,
    snapshots: SnapshotStore,
    trainer: Trainer,
    registry: ModelRegistry,
    open_trials: OpenTrials,
    tell: Tell,
) -> Mapping[str, Any]:
    """Do all trials that are left, and return the params of the best one; without a search, no params.

    Raises:
        TrainingError: No trial came to its end.
        DataError: The training range cannot be cut into folds, or learnt from.
    """
    search = training.spec.train.search
    if search is None:
        return {}
    work = _Work(training, search, snapshots, trainer, open_trials(), worker=None)
    work.do(tell, lambda trials: registry.log_trials(run_id, work.goal.metric, trials))
    best = find_best_trial(work.search.trials(), work.goal)
    if best is None:
        raise _without_result(work.search.trials(), search)
    tell(f"Best of {len(work.search.trials())} trials: number {best.number}, {work.goal.metric} {best.value:.4f}")
    registry.log_params(run_id, best.params)
    return best.params


def try_params(
    spec: PipelineSpec,
    request: RetrainRequest,
    snapshot: Snapshot,
    worker: int,
    *,
    snapshots: SnapshotStore,
    trainer: Trainer,
    registry: ModelRegistry,
    open_trials: OpenTrials,
    tell: Tell,
) -> int:
    """Do trials as one of several workers until none is left; return how many.

    The first worker alone opens the run and writes down the trials of all, so that no two make the same run.

    Raises:
        DataError: The training range cannot be cut into folds, or learnt from.
    """
    training = Training.of(spec, request, snapshot, trainer)
    search = spec.train.search
    if search is None or registry.find_challenger(spec.model, training.key):
        return 0
    work = _Work(training, search, snapshots, trainer, open_trials(), worker=worker)
    if worker > 0:
        return work.do(tell, lambda _: None)
    run_id = training.open_run(registry)
    return work.do(tell, lambda trials: registry.log_trials(run_id, work.goal.metric, trials))


class _Work:
    """One process at work on a search."""

    def __init__(
        self,
        training: Training,
        search: SearchSpec,
        snapshots: SnapshotStore,
        trainer: Trainer,
        store: TrialStore,
        *,
        worker: int | None,
    ) -> None:
        spec = training.spec
        self._training = training
        self._snapshots = snapshots
        self._trainer = trainer
        self._wanted = search
        metric = self._wanted.metric or spec.evaluation.primary
        self.goal = Goal(metric, GREATER_IS_BETTER[metric])
        start = {name: value for name, value in spec.train.params.items() if name in self._wanted.params}
        self.search: Search = store.open(
            training.key, self._wanted, self.goal, start=start, seed=spec.train.seed, worker=worker
        )

    def do(self, tell: Tell, log: Callable[[Sequence[Trial]], None]) -> int:
        """Do trials until none is left or the time is up; `log` is given each closed trial once, `tell` a line of each."""
        folds, logged, done = None, set[int](), 0
        while True:
            closed = self.search.trials()
            log([trial for trial in closed if trial.number not in logged])
            logged |= {trial.number for trial in closed}
            left = self._minutes_left(closed)
            candidate = self.search.take() if left is None or left > 0 else None
            if candidate is None:
                return done
            folds = folds or self._folds()
            self._try(candidate, *folds)
            done += 1
            tell(self._line(candidate.number))

    def _minutes_left(self, closed: Sequence[Trial]) -> float | None:
        """Return what is left of the time that the workers have between them, each as long as a search may take."""
        if self._wanted.minutes is None:
            return None
        return self._wanted.minutes - sum(trial.seconds for trial in closed) / 60 / self._wanted.workers

    def _folds(self) -> tuple[DataFrame, list[Fold]]:
        spec, snapshot = self._training.spec, self._training.snapshot
        features = spec.feature_columns([name for name, _ in snapshot.columns])
        columns = dict.fromkeys([*features, spec.data.label, spec.data.event_time, *spec.score_columns])
        rows = self._snapshots.frame(snapshot, Part.TRAIN, list(columns))
        times = rows[spec.data.event_time].to_numpy()
        return rows, split_by_time(times, self._wanted.folds, spec.data.label_delay)

    def _try(self, candidate: Candidate, rows: DataFrame, folds: Sequence[Fold]) -> None:
        began = time.monotonic()
        state, error = TrialState.COMPLETE, ""
        try:
            for number, fold in enumerate(folds):
                known = candidate.values[number : number + 1]
                value = known[0] if known else self._value(candidate, rows, fold)
                if not math.isfinite(value):
                    state, error = TrialState.FAILED, f"{self.goal.metric} is not a number"
                    break
                if self.search.report(candidate.number, number, value) and number + 1 < len(folds):
                    state = TrialState.PRUNED
                    break
        except TrainingError as caught:
            state, error = TrialState.FAILED, type(caught.__cause__ or caught).__name__
        self.search.close(candidate.number, state, seconds=time.monotonic() - began, error=error)

    def _value(self, candidate: Candidate, rows: DataFrame, fold: Fold) -> float:
        spec = self._training.spec.with_params(candidate.params)
        features = list(spec.feature_columns([name for name, _ in self._training.snapshot.columns]))
        fitted, scored = rows[fold.fit], rows[fold.score]
        try:
            model = self._trainer.fit(spec, fitted[features], fitted[spec.data.label])
        except DataError as error:
            raise DataError(f"in each fold of a search {error.must}", got=error.got, fix=error.fix) from None
        scores = align_scores(spec, scored, model, model, self._trainer.score(model, scored), None)
        return METRICS[self.goal.metric].value(scores.y, scores.challenger)

    def _line(self, number: int) -> str:
        closed = self.search.trials()
        trial = next(trial for trial in closed if trial.number == number)
        return describe_trial(
            trial, closed, self.goal, wanted=self._wanted.trials, minutes_left=self._minutes_left(closed)
        )


def _without_result(trials: Sequence[Trial], search: SearchSpec) -> TrainingError:
    errors = sorted({trial.error for trial in trials if trial.error})
    return TrainingError(
        "at least one trial of a search must come to its end",
        got=f"{len(trials)} of {search.trials} done, failed with {', '.join(errors) or 'nothing'}",
        fix="Reproduce it with `retrain run` and mend the estimator or train.search.params.",
    )
