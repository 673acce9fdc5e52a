"""The table of all models: one read of the ledger, one of Airflow, and the metrics of the page that is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from retrain.adapters.sql_ledger import ModelHead, SqlLedger
from retrain.api.access import Access
from retrain.api.dags import Dag, find_dags
from retrain.api.queries.views import champion_of, decision_point, production_first
from retrain.api.schemas.fleet import MetricPoint, ModelPage, ModelRow, Timeline, Timelines
from retrain.core.ledger.entries import Action
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice, Decision

__all__ = ["ModelFilter", "Sort", "State", "list_models", "list_timelines"]

Sort = Literal[
    "model", "-model", "owner", "-owner", "age", "-age", "since", "-since",
    "decided", "-decided", "margin", "-margin", "next_run", "-next_run",
]  # fmt: skip
State = Literal["champion", "no_champion", "frozen", "forced"]
_POINTS: Final = 24


@dataclass(frozen=True)
class ModelFilter:
    """The filter of the table."""

    timeline: str = PRODUCTION
    search: str = ""
    owner: str | None = None
    tag: str | None = None
    choice: Choice | None = None
    state: State | None = None
    sort: Sort = "model"
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True)
class _Line:
    head: ModelHead
    dag: Dag | None
    tags: tuple[str, ...]
    owner: str
    decision: Decision | None = None


def list_models(model_filter: ModelFilter, ledger: SqlLedger, access: Access) -> ModelPage:
    """Return a page of the models whose DAG the user may read.

    The production timeline includes pipelines that were never retrained.
    """
    lines = _readable_lines(model_filter.timeline, ledger, access)
    found = [line for line in lines if _meets(line, model_filter)]
    if model_filter.sort in ("margin", "-margin"):
        found = _with_decisions(found, ledger)
    found = _sorted(found, model_filter.sort)
    shown = _with_decisions(found[model_filter.offset : model_filter.offset + model_filter.limit], ledger)
    metrics = ledger.overview.champion_metrics(
        model_filter.timeline, [line.head.model for line in shown], points=_POINTS
    )
    now = datetime.now(UTC)
    return ModelPage(
        timeline=model_filter.timeline,
        rows=[_row(line, metrics.get(line.head.model, []), now) for line in shown],
        total=len(found),
        limit=model_filter.limit,
        offset=model_filter.offset,
        owners=sorted({line.owner for line in lines if line.owner}),
        tags=sorted({tag for line in lines for tag in line.tags}),
    )


def list_timelines(ledger: SqlLedger, access: Access) -> Timelines:
    """Return the timelines of the models that the user may read."""
    pairs = ledger.timelines()
    models = {model for model, _ in pairs}
    allowed = access.readable(models, find_dags(models))
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    for model, timeline in pairs:
        if model in allowed:
            by_name[timeline].append(model)
    return Timelines(timelines=[Timeline(name=name, models=by_name[name]) for name in production_first(set(by_name))])


def _readable_lines(timeline: str, ledger: SqlLedger, access: Access) -> list[_Line]:
    heads = {head.model: head for head in ledger.overview.heads(timeline)}
    dags = find_dags(heads, and_pipelines=timeline == PRODUCTION)
    fresh = {dag.dag_id for dag in dags.values() if dag.is_pipeline and not dag.is_stale}
    names = access.readable(heads.keys() | fresh, dags)
    return [_line(heads.get(name) or ModelHead(name), dags.get(name)) for name in sorted(names)]


def _line(head: ModelHead, dag: Dag | None) -> _Line:
    return _Line(head, dag, dag.tags if dag else (), dag.owner if dag else "")


def _with_decisions(lines: list[_Line], ledger: SqlLedger) -> list[_Line]:
    """Return the lines with their decisions, read only for the lines that need them, because they are large."""
    heads = [line.head.decision for line in lines if line.head.decision and line.decision is None]
    found = ledger.overview.decisions([head.id for head in heads]) if heads else {}
    return [
        replace(line, decision=found.get(line.head.decision.id, line.decision)) if line.head.decision else line
        for line in lines
    ]


def _meets(line: _Line, model_filter: ModelFilter) -> bool:
    head, words = line.head, model_filter.search.casefold()
    return (
        (not words or any(words in text.casefold() for text in (head.model, line.owner, *line.tags)))
        and model_filter.owner in (None, line.owner)
        and (model_filter.tag is None or model_filter.tag in line.tags)
        and (model_filter.choice is None or (head.decision is not None and head.decision.choice is model_filter.choice))
        and (model_filter.state is None or _STATES[model_filter.state](head))
    )


_STATES: Final[dict[State, Callable[[ModelHead], bool]]] = {
    "champion": lambda head: head.champion is not None,
    "no_champion": lambda head: head.champion is None,
    "frozen": lambda head: head.frozen,
    "forced": lambda head: head.champion is not None and head.champion.action is Action.FORCE,
}


def _sorted(lines: Iterable[_Line], sort: Sort) -> list[_Line]:
    """Sort by a column; unknown values come last in both directions."""
    key, backwards = _KEYS[sort.removeprefix("-")], sort.startswith("-")
    known = [(value, line) for line in lines if (value := key(line)) is not None]
    unknown = [line for line in lines if key(line) is None]
    return [line for _, line in sorted(known, key=lambda pair: pair[0], reverse=backwards)] + unknown


def _margin(line: _Line) -> float | None:
    verdict = line.decision.gain if line.decision else None
    return (
        verdict.value - verdict.bound if verdict and verdict.value is not None and verdict.bound is not None else None
    )


_KEYS: Final[dict[str, Callable[[_Line], Any]]] = {
    "model": lambda line: line.head.model,
    "owner": lambda line: line.owner.casefold() or None,
    "age": lambda line: -line.head.champion.as_of.timestamp() if line.head.champion else None,
    "since": lambda line: line.head.champion.at if line.head.champion else None,
    "decided": lambda line: line.head.decision.at if line.head.decision else None,
    "margin": _margin,
    "next_run": lambda line: line.dag.next_run if line.dag else None,
}


def _row(line: _Line, metrics: list[tuple[datetime, float]], now: datetime) -> ModelRow:
    head, dag = line.head, line.dag
    return ModelRow(
        model=head.model,
        dag_id=dag.dag_id if dag else None,
        owner=line.owner or None,
        tags=list(line.tags),
        paused=dag.paused if dag else None,
        next_run=dag.next_run if dag else None,
        champion=champion_of(head.champion, now) if head.champion else None,
        decision=decision_point(line.decision) if line.decision else None,
        metric=line.decision.metric if line.decision else "",
        sparkline=[MetricPoint(as_of=as_of, value=value) for as_of, value in metrics],
        frozen=head.frozen,
    )
