"""What `retrain init --from` proposes for a table: its time, label and features, windows, query and expectations."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from retrain.adapters.duckdb_profile import ColumnProfile, TableProfile
from retrain.adapters.sql_quoting import quote_name
from retrain.core.data.durations import format_duration
from retrain.core.spec.rules import did_you_mean
from retrain.core.stats.metric_names import Task
from retrain.errors import DataError, NotFoundError

__all__ = ["Column", "Proposal", "propose"]

_TIMES: Final = re.compile(r"(event_?)?(time|timestamp|datetime|date|ts|at)$|.*_at$", re.IGNORECASE)
_LABELS: Final = re.compile(r"(is_?)?(label|target|y|class|outcome|churned|late|default(ed)?)$", re.IGNORECASE)
_MOST_CLASSES: Final = 20
_MOST_SLICES: Final = 8
_DAY: Final = timedelta(days=1)
_SHORTEST: Final = 8
"""Days that the data must span, so that a training range, a holdout and the label's delay fit in."""


@dataclass(frozen=True)
class Column:
    """One column of the query.

    Attributes:
        name: Its name in the spec: that of the data, made of letters, digits and '_'.
        cast: The type to which the query casts it, so that other files cannot change it.
    """

    profile: ColumnProfile
    name: str
    cast: str

    @property
    def quoted(self) -> str:
        """Its name in the data, in SQL."""
        return quote_name(self.profile.name)

    @property
    def sql(self) -> str:
        """Its expression in a SELECT, in SQL that DuckDB and PostgreSQL know: there a boolean can only become an integer."""
        value = f"CAST({self.quoted} AS INTEGER)" if self.profile.kind == "BOOLEAN" else self.quoted
        kind = "DOUBLE PRECISION" if self.cast == "DOUBLE" else self.cast
        return f"CAST({value} AS {kind}) AS {self.name}"


@dataclass(frozen=True)
class Proposal:
    """What a new pipeline reads and predicts.

    Attributes:
        left_out: The columns that cannot be features, each with the reason.
        delay: How long after the event the label is known.
    """

    rows: int
    time: Column
    label: Column
    features: tuple[Column, ...]
    left_out: tuple[tuple[str, str], ...]
    task: Task
    delay: timedelta = _DAY

    def with_delay(self, delay: timedelta) -> Proposal:
        """Return the proposal for labels that are known later or earlier.

        Raises:
            DataError: The data is too short for it.
        """
        if (self._span - delay) / _DAY < _SHORTEST:
            raise DataError(
                f"the data must span {_SHORTEST} days and the label's delay",
                got=f"{math.floor(self._span / _DAY)} days and a delay of {format_duration(delay)}",
                fix="Add earlier data.",
            )
        return replace(self, delay=delay)

    @property
    def _span(self) -> timedelta:
        span: timedelta = self._end - self._floor(self.time.profile.low)
        return span

    @property
    def _end(self) -> datetime:
        return self._floor(self.time.profile.high) + _DAY

    @staticmethod
    def _floor(moment: datetime) -> datetime:
        return moment.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def holdout(self) -> timedelta:
        """A tenth of the data, a month at most."""
        return _DAY * max(1, min(28, round((self._span - self.delay) / _DAY / 10)))

    @property
    def train(self) -> timedelta:
        """Half of the data, a year at most."""
        return _DAY * max(4, min(365, round((self._span - self.delay) / _DAY / 2)))

    @property
    def _window(self) -> timedelta:
        return self.train + self.delay + self.holdout

    @property
    def schedule(self) -> str:
        """How often: as often as a holdout is new."""
        days = self.holdout / _DAY
        return "@monthly" if days >= 20 else "@weekly" if days >= 5 else "@daily"

    @property
    def start_date(self) -> datetime:
        """The first day on which a window is full."""
        return self._floor(self.time.profile.low) + self._window + self.delay

    @property
    def end_date(self) -> datetime:
        """The day on which the last label is known."""
        return self._end + self.delay

    @property
    def slices(self) -> tuple[str, ...]:
        """The features by which a scorecard is sliced: texts of few values."""
        few = [column for column in self.features if column.profile.is_text and 2 <= column.profile.distinct <= 10]
        return tuple(column.name for column in few[:_MOST_SLICES])

    def expectations(self) -> Iterator[dict[str, Any]]:
        """Yield expectations that the data meets, each with some slack for data to come."""
        share = self._window / self._span
        yield _expect("table_row_count", min_value=max(1, math.floor(self.rows * min(1.0, share) / 2)))
        for column in (self.label, *self.features):
            yield _expect("column_values", "to_be_of_type", column=column.name, type_=column.cast)
            yield from _expect_present(column, must=column == self.label)
            yield from _expect_values(column)


def propose(table: TableProfile, *, time: str | None, label: str | None, task: Task | None) -> Proposal:
    """Return the proposal for a table, with what the user chose.

    Raises:
        NotFoundError: A chosen column does not exist, or none can be the time or the label.
        DataError: The chosen time holds no moments, or the label has one value.
    """
    moments = [column for column in table.columns if column.is_time and column.low is not None]
    when = _choose(table, time) if time else _find_time(moments)
    if not when.is_time or when.low is None:
        raise DataError("the time column must be a date or a timestamp", got=when.kind, fix="Name another with --time.")
    others = [column for column in table.columns if column != when]
    what = _choose(table, label) if label else _find_label(others)
    if what == when or what.distinct < 2:
        raise DataError("the label must have two values", got=what.name, fix="Name another with --label.")
    task = task or _guess_task(what)
    names = _name_columns(table.columns)
    kept, left_out = [], []
    for column in others:
        if column == what:
            continue
        if reason := _find_fault(column, table.rows):
            left_out.append((column.name, reason))
        else:
            kept.append(Column(column, names[column.name], "VARCHAR" if column.is_text else "DOUBLE"))
    if not kept:
        raise DataError(
            "the data must have a feature", got="none that can be one", fix="Add a column of numbers or text."
        )
    return Proposal(
        table.rows,
        Column(when, names[when.name], "TIMESTAMP"),
        Column(what, names[what.name], _cast_label(what, task)),
        tuple(kept),
        tuple(left_out),
        task,
    )


def _choose(table: TableProfile, name: str) -> ColumnProfile:
    found = next((column for column in table.columns if column.name == name), None)
    if found is None:
        names = [column.name for column in table.columns]
        raise NotFoundError(
            f"the data must have a column {name!r}", got=", ".join(names), fix=did_you_mean(name, names)
        )
    return found


def _find_time(moments: Sequence[ColumnProfile]) -> ColumnProfile:
    named = [column for column in moments if _TIMES.match(column.name)]
    whole = [column for column in (*named, *moments) if not column.missing]
    found = next(iter([*whole, *named, *moments]), None)
    if found is None:
        raise NotFoundError(
            "the data must have a column of dates or timestamps", got="none", fix="Add one, or write the query by hand."
        )
    return found


def _find_label(others: Sequence[ColumnProfile]) -> ColumnProfile:
    usable = [column for column in others if column.is_number or column.is_text or column.kind == "BOOLEAN"]
    named = [column for column in usable if _LABELS.match(column.name)]
    if not usable:
        raise NotFoundError("the data must have a column to predict", got="none", fix="Name it with --label.")
    return (named or usable[::-1])[0]


def _guess_task(label: ColumnProfile) -> Task:
    few = label.is_whole and 0 < label.distinct <= _MOST_CLASSES and bool(label.values)
    return "classification" if label.is_text or label.kind == "BOOLEAN" or few else "regression"


def _cast_label(label: ColumnProfile, task: Task) -> str:
    if task == "regression":
        return "DOUBLE"
    return "VARCHAR" if label.is_text else "BIGINT" if label.is_whole or label.kind == "BOOLEAN" else "DOUBLE"


def _find_fault(column: ColumnProfile, rows: int) -> str:
    """Return why a column cannot be a feature; empty if it can."""
    if column.missing == rows:
        return "no value"
    if column.is_time:
        return "a time: derive a number from it in the query if it tells something"
    if not (column.is_number or column.is_text or column.kind == "BOOLEAN"):
        return f"type {column.kind}"
    if column.name.startswith("__index_level_"):
        return "an index that pandas wrote"
    if column.distinct <= 1:
        return "one value"
    if column.distinct > 0.9 * (rows - column.missing) and (column.is_text or (column.is_whole and _is_id(column))):
        return "a different value in almost every row, like an id"
    return ""


def _is_id(column: ColumnProfile) -> bool:
    return re.search(r"(^|_)(id|key|index|no|nr)$|^column0+$|^Unnamed", column.name, re.IGNORECASE) is not None


def _name_columns(columns: Sequence[ColumnProfile]) -> dict[str, str]:
    """Return a name of letters, digits and '_' for each column, all different."""
    names: dict[str, str] = {}
    for column in columns:
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", column.name).strip("_") or "column"
        name = plain = f"c_{plain}"[:100] if plain[0].isdigit() else plain[:100]
        number = 2
        while name.lower() in {other.lower() for other in names.values()}:
            name, number = f"{plain}_{number}", number + 1
        names[column.name] = name
    return names


def _expect(subject: str, what: str = "to_be_between", **arguments: Any) -> dict[str, Any]:
    return {"type": f"expect_{subject}_{what}", "kwargs": arguments}


def _expect_present(column: Column, *, must: bool) -> Iterator[dict[str, Any]]:
    missing = column.profile.missing
    if must or not missing:
        yield _expect("column_values", "to_not_be_null", column=column.name)


def _expect_values(column: Column) -> Iterator[dict[str, Any]]:
    profile = column.profile
    if profile.is_text and profile.values:
        values = {"value_set": list(profile.values), "mostly": 0.95}
        yield _expect("column_values", "to_be_in_set", column=column.name, **values)
    elif profile.is_number:
        room = (profile.high - profile.low) / 2 or abs(profile.high) or 1.0
        low = max(0.0, profile.low - room) if profile.low >= 0 else profile.low - room
        bounds: dict[str, Any] = {
            "min_value": _round(low, math.floor),
            "max_value": _round(profile.high + room, math.ceil),
        }
        yield _expect("column_values", column=column.name, **bounds)


def _round(value: float, towards: Any) -> float:
    """Return a bound with three significant digits, never inside of what it must let in."""
    if not value or not math.isfinite(value):
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    return float(f"{towards(value / unit) * unit:.12g}")
