"""When a pipeline's schedule ticks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk.timezone import coerce_datetime
from airflow.timetables.trigger import CronTriggerTimetable

if TYPE_CHECKING:
    from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction

__all__ = ["EndingCronTimetable"]


class EndingCronTimetable(CronTriggerTimetable):
    """A cron schedule in UTC whose last tick is not later than `end`.

    A DAG's `end_date` would stop more than the schedule: Airflow gives a run with a later logical date, such as one from the
    trigger form, no tasks at all and calls it a success.
    """

    def __init__(self, cron: str, *, end: datetime) -> None:
        super().__init__(cron, timezone="UTC")
        self._end = coerce_datetime(end.astimezone(UTC))

    @property
    def summary(self) -> str:
        """What the UI shows."""
        return f"{self._expression} until {self._end:%Y-%m-%d}"

    def serialize(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"cron": self._expression, "end": self._end.isoformat()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> EndingCronTimetable:
        """Make it again from its JSON."""
        return cls(data["cron"], end=datetime.fromisoformat(data["end"]))

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next tick, none after the end."""
        latest = self._end if restriction.latest is None else min(restriction.latest, self._end)
        return super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction._replace(latest=latest)
        )
