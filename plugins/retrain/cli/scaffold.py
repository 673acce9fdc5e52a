"""What `retrain init` makes: a first pipeline that runs at once, to be changed piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from retrain.cli.proposals import Proposal
from retrain.cli.shared import get_user
from retrain.core.data.durations import format_duration
from retrain.core.names import is_name
from retrain.core.spec import spec_json_schema
from retrain.core.text import to_one_line
from retrain.errors import ConflictError, RetrainError

__all__ = ["make_pipeline", "make_pipeline_from"]

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


def make_pipeline(model: str, project: Path, *, worth: float | None = None) -> Iterator[Path]:
    """Write the files of a pipeline with data to try it on, and yield each path.

    Args:
        worth: The smallest gain worth a promotion; None for the gate's own default.

    Raises:
        RetrainError: The name cannot be a model's and a Python module's.
        ConflictError: The pipeline exists; nothing is overwritten.
    """
    words = _common_words(model, worth) | {"estimator": "HistGradientBoostingClassifier"}
    yield from _write_files(model, project, {template: _fill(template, words) for template in _FILES})
    yield from _sample_data(project / "include" / "data" / model)


def make_pipeline_from(
    model: str,
    project: Path,
    proposal: Proposal,
    *,
    source: str,
    connection: str | None = None,
    worth: float | None = None,
) -> Iterator[Path]:
    """Write the files of a pipeline that reads a table of one's own, and yield each path; errors as in `make_pipeline`.

    Args:
        source: What the query reads, as it stands after FROM.
        connection: The Airflow connection that runs the query; None for DuckDB over files.
        worth: The smallest gain worth a promotion; None for the gate's own default.
    """
    words = _common_words(model, worth) | _describe(proposal, source, connection)
    suite = {"name": model, "expectations": list(proposal.expectations()), "meta": {}}
    texts = {
        "pipeline.yaml": _fill("pipeline_from.yaml", words),
        "query.sql": _fill("query_from.sql", words),
        "model.py.txt": _fill("model.py.txt", words),
        "expectations.json": _list_lines(suite),
    }
    yield from _write_files(model, project, texts)


def _list_lines(suite: dict[str, Any]) -> str:
    """Return a suite as JSON with one line per expectation."""
    lines = ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in suite["expectations"])
    return f'{{\n  "name": {json.dumps(suite["name"])},\n  "expectations": [\n{lines}\n  ],\n  "meta": {{}}\n}}\n'


def _describe(proposal: Proposal, source: str, connection: str | None) -> dict[str, str]:
    """Return what the templates say of a table."""
    classifies = proposal.task == "classification"
    metrics = ("roc_auc", "log_loss", "brier") if classifies else ("mae", "rmse", "r2")
    columns = [proposal.time, *proposal.features, proposal.label]
    left_out = "".join(f"-- Left out: {to_one_line(name)} ({reason}).\n" for name, reason in proposal.left_out)
    return {
        "estimator": "HistGradientBoostingClassifier" if classifies else "HistGradientBoostingRegressor",
        "schedule": proposal.schedule,
        "start_date": f"{proposal.start_date:%Y-%m-%d}",
        "end_date": f"{proposal.end_date:%Y-%m-%d}",
        "connection": f"  connection: {connection}\n" if connection else "",
        "event_time": proposal.time.name,
        "label": proposal.label.name,
        "label_in_data": proposal.label.quoted,
        "delay": format_duration(proposal.delay),
        "train": format_duration(proposal.train),
        "holdout": format_duration(proposal.holdout),
        "task": proposal.task,
        "primary": metrics[0],
        "metrics": ", ".join(metrics),
        "slices": ", ".join(proposal.slices),
        "columns": ",\n  ".join(column.sql for column in columns),
        "left_out": left_out,
        "source": source,
    }


def _common_words(model: str, worth: float | None) -> dict[str, str]:
    told = "" if worth is None else f", worth: {worth:g}"
    return {"model": model, "owner": get_user(), "schema": Path(_SCHEMA).name, "worth": told}


def _write_files(model: str, project: Path, texts: dict[str, str]) -> Iterator[Path]:
    """Write a pipeline's own files; those that several pipelines share are kept if they exist."""
    if not is_name(model) or not model.isidentifier():
        raise RetrainError(
            "a new pipeline's name must be lower-case letters, digits and '_', and begin with a letter",
            got=repr(model[:80]),
            fix="Choose another name.",
        )
    own = {project / _FILES[template].format(model=model): text for template, text in texts.items()}
    present = [str(path) for path in own if path.exists()]
    if present:
        raise ConflictError(
            f"the files of {model} must not exist yet",
            got=", ".join(present),
            fix="Choose another name or remove them.",
        )
    for path, text in own.items():
        yield _write(path, text)
    for template, name in _SHARED.items():
        if not (project / name).exists():
            yield _write(project / name, _fill(template, {}))
    for package in ("include", "include/models"):
        if not (project / package / "__init__.py").exists():
            yield _write(project / package / "__init__.py", "")
    yield _write(project / _SCHEMA, json.dumps(spec_json_schema(), indent=1) + "\n")


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
