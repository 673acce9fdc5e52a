"""Searches with Optuna, in tables of its own beside the ledger's."""

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
"""Where Optuna's tables are in PostgreSQL: its ``alembic_version`` must not meet another."""
TRIES: Final = 3
"""How often a trial may be begun."""
_LOCK_KEY: Final = 0x7365_6172_6368  # "search" in ASCII
_PRUNERS: Final[dict[str, Callable[[], BasePruner]]] = {"median": MedianPruner, "none": NopPruner}
_STATES: Final = {
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
}
_OUR_STATES: Final = {theirs: ours for ours, theirs in _STATES.items()}


@contextmanager
def _in_own_words() -> Iterator[None]:
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        # Without its cause: a driver's message may name the user or the address.
        raise OutageError(
            "the database of searches must answer",
            got=type(error.__cause__ or error).__name__,
            fix=f"Check that it is up, and that its user owns the schema {SCHEMA} or may make it; then try again.",
        ) from None


class OptunaTrials:
    """The `TrialStore` of Optuna: TPE, seeded by the trial, on a PostgreSQL database or a SQLite file.

    An instance holds no connection and may travel through `fork`; a search that it opened may not.

    Args:
        url: The ledger's database, where the tables go into a schema of their own; or a SQLite file that nothing else is in.
    """

    def __init__(self, url: str | URL) -> None:
        self._url = make_url(url)
        optuna.logging.set_verbosity(optuna.logging.ERROR)

    @_in_own_words()
    def open(
        self, key: str, search: SearchSpec, goal: Goal, *, start: Mapping[str, Any], seed: int, worker: int | None
    ) -> OptunaSearch:
        """Return the search of a key; its trials are laid out when it is made, so that there are never more or fewer."""
        with self._one_at_a_time():
            storage = self._storage()
            study = optuna.create_study(
                storage=storage,
                study_name=key,
                direction="maximize" if goal.greater_is_better else "minimize",
                load_if_exists=True,
            )
            laid_out = len(study.get_trials(deepcopy=False))
            study.add_trials(create_trial(state=OptunaState.WAITING) for _ in range(laid_out, search.trials))
        return OptunaSearch(storage, key, search, start=start, seed=seed, worker=worker)

    def _storage(self) -> RDBStorage:
        if self._url.get_backend_name() == "postgresql":
            patience = {"options": f"-csearch_path={SCHEMA}", "connect_timeout": 10}
            options: dict[str, Any] = {"pool_size": 1, "pool_pre_ping": True, "connect_args": patience}
        else:
            options = {"pool_events": [(_without_waiting_for_the_disk, "connect")]}
        address = self._url.render_as_string(hide_password=False)
        try:
            # Optuna takes the address for a template.
            return RDBStorage(address.replace("{", "{{").replace("}", "}}"), {"hide_parameters": True, **options})
        except RuntimeError:
            raise RetrainError(
                "the tables of searches must be those of the installed Optuna",
                got="tables of another version",
                fix="Upgrade them with `optuna storage upgrade`, or delete them when no search is under way.",
            ) from None

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Let nobody else make tables or lay out trials meanwhile; a SQLite file serves a single process anyway."""
        if self._url.get_backend_name() != "postgresql":
            yield
            return
        engine = create_engine(
            self._url, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": 10}
        )
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            with engine.begin() as other:
                # Not "if not exists": PostgreSQL asks for the right to make it even where it is there.
                if SCHEMA not in inspect(other).get_schema_names():
                    other.execute(CreateSchema(SCHEMA))
            yield


class OptunaSearch:
    """The `Search` over one study."""

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
        self._space = {name: _distribution(values) for name, values in search.params.items()}
        self._pruner = _PRUNERS[search.pruner]()
        self._start = start
        self._seed = seed
        self._worker = worker
        self._left_behind = [
            trial.number
            for trial in self._in_state(OptunaState.RUNNING)
            if worker is None or trial.user_attrs.get("begun", {}).get("worker") == worker
        ]

    @_in_own_words()
    def take(self) -> Candidate | None:
        """Return the next trial to do: one that was left behind, else the first that nobody began."""
        while (number := self._next()) is not None:
            tries = int(self._trial(number).user_attrs.get("begun", {}).get("tries", 0))
            if tries == TRIES:
                self.close(number, TrialState.FAILED, seconds=0.0, error="Killed")
                continue
            try:
                return self._begun(number, tries + 1)
            except UpdateFinishedTrialError:
                continue  # another closed it meanwhile
        return None

    @_in_own_words()
    def report(self, number: int, fold: int, value: float) -> bool:
        """Store the value of a fold; return whether the pruner gives the trial up."""
        trial = optuna.trial.Trial(self._study(number), self._id(number))
        try:
            if fold not in self._trial(number).intermediate_values:
                trial.report(value, fold)
        except UpdateFinishedTrialError:
            return False  # another closed it meanwhile
        return bool(trial.should_prune())

    @_in_own_words()
    def close(self, number: int, state: TrialState, *, seconds: float, error: str = "") -> None:
        """End a trial."""
        trial_id, values = self._id(number), list(self._trial(number).intermediate_values.values())
        value = [fmean(values)] if values and state is not TrialState.FAILED else None
        with suppress(UpdateFinishedTrialError):  # another closed it meanwhile, after the same work
            self._storage.set_trial_user_attr(trial_id, "closed", {"seconds": seconds, "error": error})
            self._storage.set_trial_state_values(trial_id, _STATES[state], value)

    @_in_own_words()
    def trials(self) -> list[Trial]:
        """Return the closed trials."""
        return [
            Trial(
                trial.number,
                self._params(trial),
                _OUR_STATES[trial.state],
                _values(trial),
                **trial.user_attrs["closed"],
            )
            for trial in self._in_state(*_OUR_STATES)
        ]

    def _next(self) -> int | None:
        while self._left_behind:
            number = self._left_behind.pop(0)
            if self._trial(number).state is OptunaState.RUNNING:
                return number
        for trial in self._in_state(OptunaState.WAITING):
            with suppress(UpdateFinishedTrialError):  # another has begun it, and is through with it
                if self._storage.set_trial_state_values(self._id(trial.number), OptunaState.RUNNING):
                    return trial.number
        return None

    def _begun(self, number: int, tries: int) -> Candidate:
        """Draw the params of a trial, all of them before any is stored, so that a retry draws the same."""
        trial_id, trial, study = self._id(number), self._trial(number), self._study(number)
        self._storage.set_trial_user_attr(trial_id, "begun", {"worker": self._worker, "tries": tries})
        drawn = study.sampler.sample_relative(study, trial, study.sampler.infer_relative_search_space(study, trial))
        for name, distribution in self._space.items():
            if name not in drawn:
                drawn[name] = study.sampler.sample_independent(study, trial, name, distribution)
        if number == 0:
            drawn.update(self._start)
        for name, distribution in self._space.items():
            if name not in trial.params:
                self._storage.set_trial_param(trial_id, name, distribution.to_internal_repr(drawn[name]), distribution)
        return Candidate(number, self._params(self._trial(number)), _values(trial))

    def _study(self, number: int) -> optuna.Study:
        """Return the study as it is now, with a sampler of the trial's own."""
        sampler = TPESampler(seed=int(digest_json([self._seed, number])[:8], 16))
        return optuna.load_study(study_name=self._key, storage=self._storage, sampler=sampler, pruner=self._pruner)

    def _in_state(self, *states: OptunaState) -> list[FrozenTrial]:
        found = self._storage.get_all_trials(self._study_id, deepcopy=False, states=states)
        return sorted(found, key=lambda trial: trial.number)

    def _id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)

    def _trial(self, number: int) -> FrozenTrial:
        return self._storage.get_trial(self._id(number))

    def _params(self, trial: FrozenTrial) -> dict[str, Any]:
        return {name: trial.params[name] for name in self._space if name in trial.params}


def _without_waiting_for_the_disk(connection: Any, _: object) -> None:
    """Survive the death of the process, if not that of the machine: 0.5 s a trial less."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _values(trial: FrozenTrial) -> tuple[float, ...]:
    return tuple(value for _, value in sorted(trial.intermediate_values.items()))


def _distribution(values: Distribution) -> BaseDistribution:
    if values.bounds is None:
        return CategoricalDistribution(values.choice or ())
    low, high = values.bounds
    if values.int is not None:
        return IntDistribution(int(low), int(high), log=values.log, step=values.step)
    return FloatDistribution(low, high, log=values.log)
