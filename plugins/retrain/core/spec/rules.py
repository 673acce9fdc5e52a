"""Rules between the fields of a spec, over the plain document, so that they hold next to mistakes elsewhere in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from retrain.core.metric_names import METRICS_BY_TASK
from retrain.errors import SpecProblem

__all__ = ["broken_rules", "did_you_mean"]


def broken_rules(document: Mapping[str, Any]) -> list[SpecProblem]:
    """Return the rules between fields that the document breaks, in document order."""
    data, evaluation = _section(document, "data"), _section(document, "evaluation")
    return [
        *_of_data(data),
        *_of_evaluation(evaluation),
        *_of_gates(document.get("gate"), evaluation),
        *_of_error_control(document),
    ]


def did_you_mean(word: object, known: Sequence[str]) -> str:
    """Return the hint for a word that is not one of `known`."""
    close = get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f"Did you mean '{close[0]}'?" if close else f"Use one of: {', '.join(known)}."


def _section(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def _of_data(data: Mapping[str, Any]) -> Iterator[SpecProblem]:
    if not data:
        return
    given = [key for key in ("query", "source") if data.get(key)]
    if len(given) != 1:
        yield SpecProblem(
            "data", "must have exactly one of query and source", " and ".join(given) or "neither", "Keep one of them."
        )
    if data.get("connection") and not data.get("query"):
        yield SpecProblem("data.connection", "needs a query to run", "no query", "Add `query:` with a SQL file.")
    if data.get("label") is not None and data.get("label") == data.get("event_time"):
        yield SpecProblem("data.label", "must not be event_time", repr(data["label"]), "Name the column to predict.")
    reserved = {data.get("label"), data.get("event_time"), data.get("ingestion_time")} - {None}
    for index, feature in enumerate(_texts(data.get("features"))):
        if feature in reserved:
            yield SpecProblem(
                f"data.features[{index}]",
                "must not be the label or a time column",
                repr(feature),
                "Take it out: it would leak or is not known when predicting.",
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
                repr(metric),
                did_you_mean(metric, allowed),
            )
    primary = evaluation.get("primary")
    if metrics and isinstance(primary, str) and primary not in metrics:
        yield SpecProblem(
            "evaluation.primary", "must be one of evaluation.metrics", repr(primary), did_you_mean(primary, metrics)
        )


def _of_gates(gates: Any, evaluation: Mapping[str, Any]) -> Iterator[SpecProblem]:
    metrics = _texts(evaluation.get("metrics"))
    for index, gate in enumerate(gates if isinstance(gates, list | tuple) else []):
        if not isinstance(gate, Mapping):
            continue
        metric = gate.get("metric")
        if metrics and isinstance(metric, str) and metric not in metrics:
            yield SpecProblem(
                f"gate[{index}].metric",
                "must be one of evaluation.metrics",
                repr(metric),
                did_you_mean(metric, metrics),
            )
        if gate.get("check") == "slices" and evaluation and not evaluation.get("slices"):
            yield SpecProblem(f"gate[{index}]", "needs evaluation.slices", "no slices", "List the columns to slice by.")
        if gate.get("check") == "threshold" and gate.get("min") is None and gate.get("max") is None:
            yield SpecProblem(f"gate[{index}]", "must have min or max", "neither", "Add `min:` or `max:`.")


def _of_error_control(document: Mapping[str, Any]) -> Iterator[SpecProblem]:
    control, gates = _section(document, "error_control"), document.get("gate")
    method = control.get("method", "none")
    if method == "none":
        return
    if isinstance(gates, list | tuple) and not any(
        isinstance(gate, Mapping) and gate.get("check") == "beats_champion" for gate in gates
    ):
        yield SpecProblem(
            "error_control", "needs a gate that tests", "no beats_champion", "Add one: it takes the level."
        )
    if method == "alpha_spending" and not document.get("schedule") and control.get("tests") is None:
        yield SpecProblem(
            "error_control.tests",
            "must be given without a schedule",
            "neither",
            "Say how many retrains share the budget.",
        )
