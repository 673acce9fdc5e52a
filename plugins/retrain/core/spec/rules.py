"""Rules between the fields of a spec, over the plain document, so that they hold next to mistakes elsewhere in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError

from retrain.core.data.durations import format_duration, parse_duration
from retrain.core.data.window import parse_instant
from retrain.core.spec.search import SearchSpec
from retrain.core.stats.metric_names import METRICS_BY_TASK, PARITIES, metrics_for
from retrain.errors import SpecProblem

__all__ = ["DEFAULT_TIMEOUT", "broken_rules", "did_you_mean"]


_NOT_PARQUET: Final = (".csv", ".csv.gz", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".xlsx", ".avro", ".orc")
DEFAULT_TIMEOUT: Final = "6h"
_MANY: Final = 100
"""Longer words, and more words to choose from, are cut: comparing them takes too long."""


def broken_rules(document: Mapping[str, Any]) -> Iterator[SpecProblem]:
    """Yield the rules between fields that the document breaks, in document order."""
    data, evaluation = _section(document, "data"), _section(document, "evaluation")
    yield from _of_dates(document.get("start_date"), document.get("end_date"))
    yield from _of_data(data)
    yield from _of_search(_section(document, "train"), data, evaluation)
    yield from _of_time(_section(document, "train"), _section(document, "execution"))
    yield from _of_evaluation(evaluation)
    yield from _of_gates(document.get("gate"), evaluation)
    yield from _of_error_control(document)


def did_you_mean(word: object, known: Sequence[str], *, listed: bool = False) -> str:
    """Return the hint for a word that is not one of `known`; `listed` says that the mistake lists them already."""
    return _suggest(str(word)[:_MANY], tuple(name[:_MANY] for name in known[:_MANY]), listed)


@lru_cache(maxsize=256)
def _suggest(word: str, known: tuple[str, ...], listed: bool) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    return "Use one of them." if listed else f"Use one of: {', '.join(known)}."


def _shorten(value: object) -> str:
    return f"{value!r:.60}"


def _section(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def _of_dates(start: Any, end: Any) -> Iterator[SpecProblem]:
    if end is None:
        return
    try:
        wrong = parse_instant(str(end)) < parse_instant(str(start))
    except ValueError:
        return  # one is missing, or its own error is reported
    if wrong:
        yield SpecProblem("end_date", "must not be before start_date", _shorten(end), "Swap them.")


def _of_data(data: Mapping[str, Any]) -> Iterator[SpecProblem]:
    if not data:
        return
    given = [key for key in ("query", "source") if data.get(key)]
    if len(given) != 1:
        yield SpecProblem(
            "data", "must have exactly one of query and source", " and ".join(given) or "neither", "Keep one of them."
        )
    source = str(data.get("source") or "")
    if data.get("reader", "duckdb") == "duckdb" and source.lower().endswith(_NOT_PARQUET):
        yield SpecProblem(
            "data.source",
            "must be a glob of Parquet files",
            _shorten(source),
            "Read other formats by `query:`, for example with read_csv.",
        )
    if data.get("connection") and not data.get("query"):
        yield SpecProblem("data.connection", "needs a query to run", "no query", "Add `query:` with a SQL file.")
    if data.get("label") is not None and data.get("label") == data.get("event_time"):
        yield SpecProblem(
            "data.label", "must not be event_time", _shorten(data["label"]), "Name the column to predict."
        )
    reserved = {data.get("label"), data.get("event_time"), data.get("ingestion_time")} - {None}
    for index, feature in enumerate(_texts(data.get("features"))):
        if feature in reserved:
            yield SpecProblem(
                f"data.features[{index}]",
                "must not be the label or a time column",
                _shorten(feature),
                "Take it out: it would leak or is not known when predicting.",
            )


def _of_search(
    train: Mapping[str, Any], data: Mapping[str, Any], evaluation: Mapping[str, Any]
) -> Iterator[SpecProblem]:
    try:
        search = SearchSpec.model_validate(train.get("search"))
    except ValidationError:
        return  # it is missing, or its own errors are reported
    for name, value in _section(train, "params").items():
        if name in search.params and not search.params[name].holds(value):
            yield SpecProblem(
                f"train.params.{name}",
                f"must be a value that train.search.params.{name} may take, since it is tried first",
                _shorten(value),
                "Widen the search, or leave the param out here.",
            )
    task = str(evaluation.get("task"))
    allowed = METRICS_BY_TASK.get(task, ())
    if search.metric and allowed and search.metric not in allowed and search.metric not in metrics_for(task):
        yield SpecProblem(
            "train.search.metric",
            f"must be a metric of {task}",
            _shorten(search.metric),
            did_you_mean(search.metric, metrics_for(task)),
        )
    try:
        train_range = parse_duration(_section(data, "window").get("train"))
        delay = parse_duration(data.get("label_delay", "1d"))
    except ValueError:
        return
    if delay * (search.folds + 1) >= train_range:
        yield SpecProblem(
            "train.search.folds",
            "must leave the first fold more of data.window.train than data.label_delay",
            str(search.folds),
            "Take fewer folds or a longer window.",
        )


def _of_time(train: Mapping[str, Any], execution: Mapping[str, Any]) -> Iterator[SpecProblem]:
    minutes = _section(train, "search").get("minutes")
    if not isinstance(minutes, int):
        return
    try:
        timeout = parse_duration(execution.get("timeout", DEFAULT_TIMEOUT))
    except ValueError:
        return  # its own error is reported
    if minutes * 60 >= timeout.total_seconds():
        yield SpecProblem(
            "train.search.minutes",
            "must be less than execution.timeout, which ends the task that tries",
            f"{minutes}, and a timeout of {format_duration(timeout)}",
            "Add `execution: {timeout: ...}` with a longer one.",
        )


def _of_evaluation(evaluation: Mapping[str, Any]) -> Iterator[SpecProblem]:
    allowed = METRICS_BY_TASK.get(str(evaluation.get("task")), ())
    metrics = _texts(evaluation.get("metrics"))
    every_metric = {name for names in METRICS_BY_TASK.values() for name in names}
    for index, metric in enumerate(metrics):
        if allowed and metric in every_metric and metric not in allowed:
            yield SpecProblem(
                f"evaluation.metrics[{index}]",
                f"must be a metric of {evaluation['task']}",
                _shorten(metric),
                did_you_mean(metric, allowed),
            )
    if evaluation.get("positive") is not None and evaluation.get("task") == "regression":
        got = f"{evaluation['positive']!r:.60}"
        yield SpecProblem("evaluation.positive", "needs a classification", got, "A regression has no classes.")
    primary = evaluation.get("primary")
    if metrics and isinstance(primary, str) and primary not in metrics:
        yield SpecProblem(
            "evaluation.primary", "must be one of evaluation.metrics", _shorten(primary), did_you_mean(primary, metrics)
        )


def _of_gates(gates: Any, evaluation: Mapping[str, Any]) -> Iterator[SpecProblem]:
    metrics = _texts(evaluation.get("metrics"))
    known = {*metrics}
    for index, gate in enumerate(gates if isinstance(gates, list | tuple) else []):
        if not isinstance(gate, Mapping):
            continue
        path, check, metric = f"gate[{index}]", gate.get("check"), gate.get("metric")
        if check == "fairness":
            yield from _of_fairness(path, gate, evaluation)
        elif known and isinstance(metric, str) and metric not in known:
            yield SpecProblem(
                f"{path}.metric",
                "must be one of evaluation.metrics",
                _shorten(metric),
                did_you_mean(metric, metrics),
            )
        if check == "slices" and evaluation and not evaluation.get("slices"):
            yield SpecProblem(path, "needs evaluation.slices", "no slices", "List the columns to slice by.")
        if check == "threshold" and gate.get("min") is None and gate.get("max") is None:
            yield SpecProblem(path, "must have min or max", "neither", "Add `min:` or `max:`.")
        if check == "tail" and evaluation.get("task") == "classification" and _is_at_least_one(gate.get("limit")):
            got, fix = _shorten(gate["limit"]), "A loss is 1 - the probability of the true class."
            yield SpecProblem(f"{path}.limit", "must be below 1 for a classification", got, fix)
        if check == "calibration" and evaluation.get("task") == "regression":
            yield SpecProblem(path, "needs a classification", "a regression", "A regression states no confidence.")


def _is_at_least_one(value: Any) -> bool:
    return isinstance(value, int | float) and value >= 1


def _of_fairness(path: str, gate: Mapping[str, Any], evaluation: Mapping[str, Any]) -> Iterator[SpecProblem]:
    task, metric, floor = str(evaluation.get("task")), gate.get("metric"), _section(gate, "floor")
    if (metric is None) != (gate.get("max_difference") is None):
        got = "max_difference alone" if metric is None else "metric alone"
        yield SpecProblem(path, "must have metric and max_difference together", got, "Add the other.")
    elif metric is None and not floor:
        yield SpecProblem(path, "must have max_difference or floor", "neither", "Add `metric:` and `max_difference:`.")
    allowed = METRICS_BY_TASK.get(task, ())
    others = [name for names in METRICS_BY_TASK.values() for name in names if name not in allowed]
    others += PARITIES if task == "regression" else ()
    for where, name in ((f"{path}.metric", metric), *((f"{path}.floor.{name}", name) for name in floor)):
        if allowed and name in others:
            yield SpecProblem(where, f"must be a metric of {task}", _shorten(name), did_you_mean(name, allowed))


def _of_error_control(document: Mapping[str, Any]) -> Iterator[SpecProblem]:
    control, gates = _section(document, "error_control"), document.get("gate")
    method = control.get("method", "none")
    if method == "none":
        return
    if isinstance(gates, list | tuple) and not any(
        isinstance(gate, Mapping) and gate.get("check") in ("strict", "beats_champion") for gate in gates
    ):
        yield SpecProblem(
            "error_control",
            "needs a gate that tests",
            "neither strict nor beats_champion",
            "Add one: it takes the level.",
        )
    if method == "alpha_spending" and not document.get("schedule") and control.get("tests") is None:
        yield SpecProblem(
            "error_control.tests",
            "must be given without a schedule",
            "neither",
            "Say how many retrains share the budget.",
        )
