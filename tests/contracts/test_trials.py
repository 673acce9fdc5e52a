"""The contract of `TrialStore`, on a SQLite file and on PostgreSQL beside the ledger's tables."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import RDBStorage
from sqlalchemy import URL, create_engine, inspect, make_url, text
from sqlalchemy.pool import NullPool
from tests.servers import fresh_database

from retrain.adapters.optuna_trials import OptunaTrials
from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.ledger.entries import Head
from retrain.core.ports import Search, TrialStore
from retrain.core.spec import SearchSpec
from retrain.core.training.search import Candidate, Goal, Trial, TrialState
from retrain.errors import OutageError, RetrainError

KEY = "a" * 64
GOAL = Goal("roc_auc", greater_is_better=True)
PARAMS: dict[str, Any] = {
    "rate": {"float": [0.01, 10], "log": True},
    "share": {"float": [0, 1]},
    "depth": {"int": [2, 50], "step": 2},
    "kind": {"choice": ["plain", "fancy", None, 3]},
}


@pytest.fixture
def url(database: URL, tmp_path: Path) -> URL:
    sqlite = database.get_backend_name() == "sqlite"
    return make_url(f"sqlite:///{tmp_path}/trials {{0}}.db") if sqlite else database


@pytest.fixture
def store(url: URL) -> TrialStore:
    return OptunaTrials(url)


def open_search(store: TrialStore, key: str = KEY, *, worker: int | None = None, **changes: Any) -> Search:
    goal, start = changes.pop("goal", GOAL), changes.pop("start", {})
    search = SearchSpec.model_validate({"params": PARAMS, "trials": 12} | changes)
    return store.open(key, search, goal, start=start, seed=7, worker=worker)


def value_of(params: Mapping[str, Any], fold: int) -> float:
    """Stand for an estimator: some params are better than others, and later folds are easier."""
    value: float = (
        -abs(params["depth"] - 20) / 50 - abs(params["share"] - 0.3) - (params["kind"] != "fancy") + fold / 100
    )
    return value


def do(search: Search, candidate: Candidate, folds: int = 3) -> None:
    state = TrialState.COMPLETE
    for fold in range(folds):
        if search.report(candidate.number, fold, value_of(candidate.params, fold)) and fold + 1 < folds:
            state = TrialState.PRUNED
            break
    search.close(candidate.number, state, seconds=1.5)


def do_all(search: Search) -> list[Trial]:
    while (candidate := search.take()) is not None:
        do(search, candidate)
    return search.trials()


def test_there_are_as_many_trials_as_were_wanted_each_with_params_of_the_search(store: TrialStore) -> None:
    trials = do_all(open_search(store))
    assert [trial.number for trial in trials] == list(range(12))
    search = SearchSpec.model_validate({"params": PARAMS})
    for trial in trials:
        assert list(trial.params) == list(PARAMS)
        assert all(search.params[name].holds(value) for name, value in trial.params.items())
        assert trial.values == tuple(value_of(trial.params, fold) for fold in range(len(trial.values)))
        assert trial.seconds == 1.5
    assert len({str(trial.params) for trial in trials}) > 10
    assert open_search(store).take() is None


def test_the_first_trial_has_the_params_it_was_given(store: TrialStore) -> None:
    first = open_search(store, start={"depth": 8, "kind": None}).take()
    assert first is not None
    assert (first.number, first.params["depth"], first.params["kind"]) == (0, 8, None)


def test_the_same_seed_gives_the_same_trials_and_another_key_a_search_of_its_own(store: TrialStore) -> None:
    first = do_all(open_search(store))
    assert do_all(open_search(store, "b" * 64)) == first


@pytest.mark.parametrize("reported", [0, 2])
def test_a_search_that_dies_goes_on_and_ends_as_if_it_had_not(store: TrialStore, url: URL, reported: int) -> None:
    whole = do_all(open_search(store, "b" * 64))
    dying, finished = open_search(store), next(trial.number for trial in whole[6:] if len(trial.values) == 3)
    for _ in range(finished):
        do(dying, _taken(dying))
    left = _taken(dying)
    for fold in range(reported):
        dying.report(left.number, fold, value_of(left.params, fold))
    again = open_search(OptunaTrials(url))
    assert len(again.trials()) == finished
    found = _taken(again)
    assert (found.number, found.params) == (left.number, left.params)
    assert found.values == tuple(value_of(left.params, fold) for fold in range(reported))
    do(again, found)
    assert do_all(again) == whole


def test_a_trial_that_dies_while_its_params_are_stored_draws_the_same(
    store: TrialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = do_all(open_search(store, "b" * 64))
    dying, stored = open_search(store), list[Any]()

    def store_two(storage: RDBStorage, *arguments: Any) -> None:
        if len(stored) == 2:
            raise KeyboardInterrupt
        stored.append(arguments)
        real(storage, *arguments)

    real = RDBStorage.set_trial_param
    with monkeypatch.context() as patch:
        patch.setattr(RDBStorage, "set_trial_param", store_two)
        with pytest.raises(KeyboardInterrupt):
            dying.take()
    assert do_all(open_search(store)) == whole


def test_a_worker_takes_up_its_own_trials_and_the_last_one_everybodys(store: TrialStore) -> None:
    first, other = (_taken(open_search(store, worker=worker)) for worker in (0, 1))
    assert _taken(open_search(store, worker=1)).number == other.number
    assert _taken(open_search(store, worker=0)).number == first.number
    assert _taken(open_search(store, worker=2)).number == 2
    assert [trial.number for trial in do_all(open_search(store))] == list(range(12))


def test_a_trial_that_kills_who_does_it_fails_at_the_fourth_try(store: TrialStore) -> None:
    numbers = [_taken(open_search(store)).number for _ in range(4)]
    assert numbers == [0, 0, 0, 1]
    (killed,) = open_search(store).trials()
    assert (killed.number, killed.state, killed.error) == (0, TrialState.FAILED, "Killed")


def test_the_first_to_close_a_trial_counts(store: TrialStore) -> None:
    search = open_search(store)
    candidate = _taken(search)
    twin = open_search(store)
    assert _taken(twin) == candidate
    do(search, candidate)
    (closed,) = search.trials()
    assert twin.report(candidate.number, 0, 0.0) is False
    twin.close(candidate.number, TrialState.FAILED, seconds=9.0, error="ValueError")
    assert twin.trials() == [closed]


def test_a_failed_trial_keeps_the_class_of_its_error(store: TrialStore) -> None:
    search = open_search(store)
    search.report(_taken(search).number, 0, 0.5)
    search.close(0, TrialState.FAILED, seconds=0.1, error="ValueError")
    (failed,) = search.trials()
    assert (failed.state, failed.error, failed.values) == (TrialState.FAILED, "ValueError", (0.5,))


@pytest.mark.parametrize(("greater_is_better", "bad", "good"), [(True, 0.1, 0.9), (False, 0.9, 0.1)])
def test_the_median_pruner_gives_up_what_is_worse_than_most_and_none_nothing(
    store: TrialStore, greater_is_better: bool, bad: float, good: float
) -> None:
    goal = Goal("metric", greater_is_better)
    for pruner, given_up in (("median", True), ("none", False)):
        search = open_search(store, pruner * 3, goal=goal, pruner=pruner)
        for _ in range(6):
            number = _taken(search).number
            assert search.report(number, 0, 0.5) is False
            search.close(number, TrialState.COMPLETE, seconds=1.0)
        assert search.report(_taken(search).number, 0, bad) is given_up
        assert search.report(_taken(search).number, 0, good) is False


def test_workers_at_once_share_the_trials_of_one_search_in_postgresql(postgresql: URL) -> None:
    def work(url: URL, worker: int) -> list[int]:
        search, done = open_search(OptunaTrials(url), worker=worker), []
        while (candidate := search.take()) is not None:
            do(search, candidate)
            done.append(candidate.number)
        return done

    with fresh_database(postgresql, "migrated") as url, ThreadPoolExecutor(4) as pool:
        numbers = [number for done in pool.map(work, [url] * 4, range(4)) for number in done]
        assert sorted(numbers) == list(range(12))
        assert [trial.number for trial in open_search(OptunaTrials(url)).trials()] == list(range(12))


def test_the_tables_are_apart_from_the_ledgers(store: TrialStore, url: URL, database: URL) -> None:
    before = _tables(database)
    open_search(store)
    assert _tables(database) == before
    SqlLedger(database).migrate()
    assert SqlLedger(database).verify() == Head()


def test_tables_of_another_optuna_are_refused(store: TrialStore, url: URL, database: URL) -> None:
    open_search(store)
    schema = "" if url.get_backend_name() == "sqlite" else "retrain_search."
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema}version_info SET library_version = '99.0.0'"))
        connection.execute(text(f"UPDATE {schema}alembic_version SET version_num = 'v99.0.0.a'"))
    engine.dispose()
    with pytest.raises(RetrainError, match="must have the version of the installed Optuna"):
        open_search(store)


@pytest.mark.parametrize("address", ["postgresql://ann:hunter2@127.0.0.1:9/retrain", "sqlite:////nowhere/at/all.db"])
def test_a_database_that_does_not_answer_is_an_outage_that_names_no_login(address: str) -> None:
    with pytest.raises(OutageError, match="the search database must answer") as raised:
        open_search(OptunaTrials(address))
    assert not {"ann", "hunter2", "nowhere"} & set(str(raised.value).replace("/", " ").split())


def test_a_search_holds_no_connection_between_calls(store: TrialStore, url: URL) -> None:
    search = open_search(store)
    do(search, _taken(search))
    assert _count_connections(url) == 0
    assert len(search.trials()) == 1


def _count_connections(url: URL) -> int:
    """Return how many connections to the database are open, this one not counted."""
    if url.get_backend_name() == "sqlite":
        links = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
        return links.count(Path(str(url.database)))
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return int(connection.scalar(text(others)) or 0)


def _taken(search: Search) -> Candidate:
    candidate = search.take()
    assert candidate is not None
    return candidate


def _tables(database: URL) -> set[str]:
    engine = create_engine(database)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()
