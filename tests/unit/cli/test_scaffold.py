from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.builders import ROOT

from retrain.cli.scaffold import make_pipeline


def test_a_new_project_has_the_dag_files_that_this_repository_has(tmp_path: Path) -> None:
    made = set(make_pipeline("churn", tmp_path))
    for name in ("retraining.py", "pipeline_errors.py", "operations.py"):
        assert tmp_path / "dags" / name in made
        assert (tmp_path / "dags" / name).read_text() == (ROOT / "dags" / name).read_text()


@pytest.mark.integration
@pytest.mark.parametrize(("given", "threads"), [(None, "1"), ("3", "3")])
def test_a_command_uses_one_thread_unless_the_user_sets_a_number(given: str | None, threads: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    if given is not None:
        environment["OMP_NUM_THREADS"] = given
    code = "import retrain.cli, os; print(os.environ['OMP_NUM_THREADS'])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert result.stdout.splitlines()[-1] == threads
