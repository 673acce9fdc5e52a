"""One thread per task for fits and predictions: the threads of tasks that share a machine spin while they wait for each other."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["use_one_thread"]

_VARIABLE: Final = "OMP_NUM_THREADS"


def use_one_thread() -> None:
    """Limit OpenMP in this process and its children to one thread, unless the variable OMP_NUM_THREADS is set."""
    if _VARIABLE in os.environ:
        return
    from threadpoolctl import threadpool_limits

    os.environ[_VARIABLE] = "1"  # for libraries that are imported later, and for child processes
    threadpool_limits(1, user_api="openmp")  # for libraries that the worker imported before the task
