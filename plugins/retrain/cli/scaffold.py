"""What `retrain init` makes: a first pipeline that runs at once, to be changed piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from retrain.cli.shared import get_user
from retrain.core.names import is_name
from retrain.core.spec import spec_json_schema
from retrain.errors import ConflictError, RetrainError

__all__ = ["make_pipeline"]

_FILES: Final = {
    "pipeline.yaml": "include/pipelines/{model}.yaml",
    "query.sql": "include/sql/{model}.sql",
    "model.py.txt": "include/models/{model}.py",
    "expectations.json": "include/expectations/{model}.json",
}
_SHARED: Final = {
    "retraining.py.txt": "dags/retraining.py",
    "pipeline_errors.py.txt": "dags/pipeline_errors.py",
    "operations.py.txt": "dags/operations.py",
}
_SCHEMA: Final = "include/pipelines/retrain.schema.json"
_ROWS_A_DAY: Final = 60


def make_pipeline(model: str, project: Path) -> Iterator[Path]:
    """Write the files of a pipeline and yield each path; files that several pipelines share are kept where they exist.

    Raises:
        RetrainError: The name cannot be a model's and a Python module's.
        ConflictError: The pipeline exists; nothing is overwritten.
    """
    if not is_name(model) or not model.isidentifier():
        raise RetrainError(
            "a new pipeline's name must be lower-case letters, digits and '_', and begin with a letter",
            got=repr(model[:80]),
            fix="Choose another name.",
        )
    own = {template: project / path.format(model=model) for template, path in _FILES.items()}
    present = [str(path) for path in own.values() if path.exists()]
    if present:
        raise ConflictError(
            f"the files of {model} must not exist yet",
            got=", ".join(present),
            fix="Choose another name or remove them.",
        )
    words = {"model": model, "owner": get_user(), "schema": Path(_SCHEMA).name}
    for template, path in own.items():
        yield _write(path, _fill(template, words))
    for template, name in _SHARED.items():
        if not (project / name).exists():
            yield _write(project / name, _fill(template, words))
    for package in ("include", "include/models"):
        if not (project / package / "__init__.py").exists():
            yield _write(project / package / "__init__.py", "")
    yield _write(project / _SCHEMA, json.dumps(spec_json_schema(), indent=1) + "\n")
    yield from _sample_data(project / "include" / "data" / model)


def _fill(template: str, words: dict[str, str]) -> str:
    text = files("retrain.cli").joinpath("templates", template).read_text(encoding="utf-8")
    return Template(text).safe_substitute(words)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _sample_data(folder: Path) -> Iterator[Path]:
    """Write a made-up year, a Parquet file a month: few sessions and many tickets mean leaving, ever more so."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    for month in range(1, 13):
        start = datetime(2024, month, 1)  # noqa: DTZ001 - naive means UTC in the data
        days = ((start + timedelta(days=32)).replace(day=1) - start).days
        count = days * _ROWS_A_DAY
        sessions = rng.poisson(12, count)
        tickets = rng.poisson(1.0, count)
        months_active = rng.integers(0, 48, count)
        pull = -1.2 - 0.15 * (sessions - 12) + (0.3 + 0.05 * month) * tickets - 0.02 * months_active
        table = {
            "observed_at": np.datetime64(start) + rng.integers(0, days * 86400, count).astype("timedelta64[s]"),
            "plan": rng.choice(["basic", "plus", "team"], count, p=[0.6, 0.3, 0.1]),
            "sessions": sessions,
            "tickets": tickets,
            "months_active": months_active,
            "churned": (rng.random(count) < 1 / (1 + np.exp(-pull))).astype(np.int8),
        }
        path = folder / f"{start:%Y-%m}.parquet"
        pq.write_table(pa.table(table), path, compression="zstd")
        yield path
