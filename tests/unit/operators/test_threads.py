from __future__ import annotations

import os

import pytest
import sklearn.ensemble  # noqa: F401 - loads OpenMP
from threadpoolctl import threadpool_info, threadpool_limits

from retrain.operators.threads import use_one_thread


def count_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"}


@pytest.mark.parametrize(("chosen", "threads"), [(None, 1), ("2", 2)])
def test_a_task_has_one_thread_unless_the_operator_of_the_worker_chose_another_number(
    monkeypatch: pytest.MonkeyPatch, chosen: str | None, threads: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", chosen or "1")
    if chosen is None:
        monkeypatch.delenv("OMP_NUM_THREADS")
    with threadpool_limits(2, user_api="openmp"):
        assert count_threads() == {2}
        use_one_thread()
        assert count_threads() == {threads}
    assert os.environ["OMP_NUM_THREADS"] == str(threads)
