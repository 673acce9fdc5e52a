"""Hyperparameter searches with Optuna, in their own tables beside the ledger's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from statistics import fmean
from typing import Any, Final

from sqlalchemy import URL, create_engine, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

from retrain.core.digest import digest_json
from retrain.core.extras import needs_extra
from retrain.core.spec import Distribution, SearchSpec
from retrain.core.training.search import Candidate, Goal, Trial, TrialState
from retrain.errors import OutageError, RetrainError

with needs_extra("search", "train.search"):
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
    from optuna.pruners import BasePruner, MedianPruner, NopPruner
    from optuna.samplers import TPESampler
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial, create_trial
    from optuna.trial import TrialState as OptunaState

__all__ = ["OptunaTrials"]

SCHEMA: Final = "retrain_search"
"""The PostgreSQL schema of Optuna's tables, which keeps its ``alembic_version`` apart from the ledger's."""
MAX_ATTEMPTS: Final = 3
"""Largest number of times that a trial may be begun."""
_LOCK_KEY: Final = 0x7365_6172_6368  # "search" in ASCII
_PRUNERS: Final[dict[str, Callable[[], BasePruner]]] = {"median": MedianPruner, "none": NopPruner}
_STATES: Final = {
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
}
_STATES_BY_OPTUNA: Final = {optuna_state: state for state, optuna_state in _STATES.items()}


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        # No chained cause: a driver's message may contain the user or the host.
        raise OutageError(
            "the search database must answer",
            got=type(error.__cause__ or error).__name__,
            fix=f"Check that it runs, and that its user owns the schema {SCHEMA} or may create it; then try again.",
        ) from None


class OptunaTrials:
    """The `TrialStore` of Optuna: TPE, seeded by the trial, on a PostgreSQL database or a SQLite file.

    Neither an instance nor a search holds a connection between calls, so both survive a `fork` and need no closing.

    Args:
        url: The ledger's PostgreSQL database, in which the tables get their own schema; or a SQLite file used for nothing else.
    """

    def __init__(self, url: str | URL) -> None:
        self._url = make_url(url)
        optuna.logging.set_verbosity(optuna.logging.ERROR)

    @_translate_errors()
    def open(
        self, key: str, search: SearchSpec, goal: Goal, *, start: Mapping[str, Any], seed: int, worker: int | None
    ) -> OptunaSearch:
        """Return the search of a key; its creation also creates all trials, so their number is fixed."""
        with self._lock_creation():
            storage = self._open_storage()
            study = optuna.create_study(
                storage=storage,
                study_name=key,
                direction="maximize" if goal.greater_is_better else "minimize",
                load_if_exists=True,
            )
            created = len(study.get_trials(deepcopy=False))
            study.add_trials(create_trial(state=OptunaState.WAITING) for _ in range(created, search.trials))
        return OptunaSearch(storage, key, search, start=start, seed=seed, worker=worker)

    def _open_storage(self) -> RDBStorage:
        if self._url.get_backend_name() == "postgresql":
            settings = {"options": f"-csearch_path={SCHEMA}", "connect_timeout": 10}
            options: dict[str, Any] = {"connect_args": settings}
        else:
            options = {"pool_events": [(_relax_durability, "connect")]}
        url = self._url.render_as_string(hide_password=False)
        try:
            # Optuna formats the URL as a template. No pool, because nothing closes a search.
            engine_options = {"hide_parameters": True, "poolclass": NullPool, **options}
            return RDBStorage(url.replace("{", "{{").replace("}", "}}"), engine_options)
        except RuntimeError:
            raise RetrainError(
                "the search tables must have the version of the installed Optuna",
                got="tables of another version",
                fix="Upgrade them with `optuna storage upgrade`, or delete them while no search runs.",
            ) from None

    @contextmanager
    def _lock_creation(self) -> Iterator[None]:
        """Hold a lock while tables and trials are created; a SQLite file serves a single process and needs none."""
        if self._url.get_backend_name() != "postgresql":
            yield
            return
        engine = create_engine(
            self._url, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": 10}
        )
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            with engine.begin() as other:
                # Not "if not exists": PostgreSQL requires the right to create a schema even if it exists.
                if SCHEMA not in inspect(other).get_schema_names():
                    other.execute(CreateSchema(SCHEMA))
            yield


class OptunaSearch:
    """The `Search` over one Optuna study."""

    def __init__(
        self,
        storage: RDBStorage,
        key: str,
        search: SearchSpec,
        *,
        start: Mapping[str, Any],
        seed: int,
        worker: int | None,
    ) -> None:
        self._storage = storage
        self._key = key
        self._study_id = storage.get_study_id_from_name(key)
        self._space = {name: _to_distribution(values) for name, values in search.params.items()}
        self._pruner = _PRUNERS[search.pruner]()
        self._start = start
        self._seed = seed
        self._worker = worker
        self._abandoned = [
            trial.number
            for trial in self._find_in_state(OptunaState.RUNNING)
            if worker is None or trial.user_attrs.get("begun", {}).get("worker") == worker
        ]

    @_translate_errors()
    def take(self) -> Candidate | None:
        """Return the next trial: an abandoned trial of this worker, else the first that nobody began."""
        while (number := self._claim_next()) is not None:
            attempts = int(self._load_trial(number).user_attrs.get("begun", {}).get("tries", 0))
            if attempts == MAX_ATTEMPTS:
                self.close(number, TrialState.FAILED, seconds=0.0, error="Killed")
                continue
            try:
                return self._begin(number, attempts + 1)
            except UpdateFinishedTrialError:
                continue  # another worker closed it meanwhile
        return None

    @_translate_errors()
    def report(self, number: int, fold: int, value: float) -> bool:
        """Store the value of a fold; return whether the pruner stops the trial."""
        trial = optuna.trial.Trial(self._load_study(number), self._find_id(number))
        try:
            if fold not in self._load_trial(number).intermediate_values:
                trial.report(value, fold)
        except UpdateFinishedTrialError:
            return False  # another worker closed it meanwhile
        return bool(trial.should_prune())

    @_translate_errors()
    def close(self, number: int, state: TrialState, *, seconds: float, error: str = "") -> None:
        """Close a trial."""
        trial_id, values = self._find_id(number), list(self._load_trial(number).intermediate_values.values())
        value = [fmean(values)] if values and state is not TrialState.FAILED else None
        with suppress(UpdateFinishedTrialError):  # another worker closed it meanwhile, with the same result
            self._storage.set_trial_user_attr(trial_id, "closed", {"seconds": seconds, "error": error})
            self._storage.set_trial_state_values(trial_id, _STATES[state], value)

    @_translate_errors()
    def trials(self) -> list[Trial]:
        """Return the closed trials."""
        return [
            Trial(
                trial.number,
                self._read_params(trial),
                _STATES_BY_OPTUNA[trial.state],
                _sort_values(trial),
                **trial.user_attrs["closed"],
            )
            for trial in self._find_in_state(*_STATES_BY_OPTUNA)
        ]

    def _claim_next(self) -> int | None:
        while self._abandoned:
            number = self._abandoned.pop(0)
            if self._load_trial(number).state is OptunaState.RUNNING:
                return number
        for trial in self._find_in_state(OptunaState.WAITING):
            with suppress(UpdateFinishedTrialError):  # another worker has begun and closed it
                if self._storage.set_trial_state_values(self._find_id(trial.number), OptunaState.RUNNING):
                    return trial.number
        return None

    def _begin(self, number: int, attempts: int) -> Candidate:
        """Sample the params of a trial; all are sampled before one is stored, so a retry samples the same ones."""
        trial_id, trial, study = self._find_id(number), self._load_trial(number), self._load_study(number)
        self._storage.set_trial_user_attr(trial_id, "begun", {"worker": self._worker, "tries": attempts})
        params = study.sampler.sample_relative(study, trial, study.sampler.infer_relative_search_space(study, trial))
        for name, distribution in self._space.items():
            if name not in params:
                params[name] = study.sampler.sample_independent(study, trial, name, distribution)
        if number == 0:
            params.update(self._start)
        for name, distribution in self._space.items():
            if name not in trial.params:
                self._storage.set_trial_param(trial_id, name, distribution.to_internal_repr(params[name]), distribution)
        return Candidate(number, self._read_params(self._load_trial(number)), _sort_values(trial))

    def _load_study(self, number: int) -> optuna.Study:
        """Return the current study with a sampler seeded by the trial."""
        sampler = TPESampler(seed=int(digest_json([self._seed, number])[:8], 16))
        return optuna.load_study(study_name=self._key, storage=self._storage, sampler=sampler, pruner=self._pruner)

    def _find_in_state(self, *states: OptunaState) -> list[FrozenTrial]:
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False, states=states)
        return sorted(trials, key=lambda trial: trial.number)

    def _find_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)

    def _load_trial(self, number: int) -> FrozenTrial:
        return self._storage.get_trial(self._find_id(number))

    def _read_params(self, trial: FrozenTrial) -> dict[str, Any]:
        return {name: trial.params[name] for name in self._space if name in trial.params}


def _relax_durability(connection: Any, _: object) -> None:
    """Make SQLite survive a crash of the process but not of the machine, which saves 0.5 s per trial."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _sort_values(trial: FrozenTrial) -> tuple[float, ...]:
    return tuple(value for _, value in sorted(trial.intermediate_values.items()))


def _to_distribution(values: Distribution) -> BaseDistribution:
    if values.bounds is None:
        return CategoricalDistribution(values.choice or ())
    low, high = values.bounds
    if values.int is not None:
        return IntDistribution(int(low), int(high), log=values.log, step=values.step)
    return FloatDistribution(low, high, log=values.log)
