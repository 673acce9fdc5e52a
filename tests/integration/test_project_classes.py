"""A model with a class of the project loads in every process, wherever it starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from retrain.cli.scaffold import make_pipeline

ESTIMATOR = '''
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


class Numbers(TransformerMixin, BaseEstimator):
    """Keeps the numeric columns."""

    def fit(self, rows: Any, label: Any = None) -> "Numbers":
        self.names_ = list(rows.select_dtypes("number").columns)
        return self

    def transform(self, rows: Any) -> Any:
        from include.models import words

        return rows[self.names_].to_numpy(np.float64) * words.SCALE


def build_estimator(*, seed: int, **params: Any) -> Any:
    return make_pipeline(Numbers(), LogisticRegression(random_state=seed))
'''


def retrain(elsewhere: Path, *arguments: str) -> str:
    """Run a command as people do who started elsewhere, without their folder on the path."""
    own = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path.endswith("plugins")]
    environment = os.environ | {
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": os.pathsep.join(own),
        "AIRFLOW__RETRAIN__TRUSTED_TYPES": "include.models.churn.Numbers",
    }
    command = [sys.executable, "-m", "retrain.cli", *arguments]
    done = subprocess.run(command, env=environment, cwd=elsewhere, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.stdout + done.stderr


def test_a_second_run_and_the_next_month_load_what_another_process_made(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    elsewhere.mkdir()
    list(make_pipeline("churn", project))
    (project / "include" / "models" / "churn.py").write_text(ESTIMATOR)
    (project / "include" / "models" / "words.py").write_text("SCALE = 2.0")
    spec, home = str(project / "include" / "pipelines" / "churn.yaml"), str(tmp_path / "home")
    for as_of in ("2024-07-01", "2024-07-01", "2024-08-01"):
        said = retrain(elsewhere, "--home", home, "run", spec, "--as-of", as_of)
        assert re.search(r"^(PROMOTE|HOLD) churn", said, re.MULTILINE), said
