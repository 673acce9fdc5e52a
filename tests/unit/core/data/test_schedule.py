from __future__ import annotations

from datetime import UTC, datetime

import pytest

from retrain.core.data.schedule import PRESETS, is_cron, ticks_between

START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("schedule", "ticks"), list(zip(PRESETS, [8784, 366, 52, 12, 4, 1], strict=True)))
def test_every_preset_ticks(schedule: str, ticks: int) -> None:
    found = ticks_between(schedule, START, END)
    assert len(found) == ticks
    assert found[0] > START
    assert found[-1] <= END
    assert all(tick.tzinfo is not None for tick in found)


@pytest.mark.parametrize("schedule", ["0 6 * * 1", "*/5 * * * *", "@daily", "0 0 29 2 *", "0 0 * MAR FRI"])
def test_a_cron_expression_is_one(schedule: str) -> None:
    assert is_cron(schedule)


@pytest.mark.parametrize(
    "schedule", ["", "@often", "0 6 * *", "0 6 * * 1 0", "61 * * * *", "@midnight", "0 0 31 2 *", "r 0 * * *"]
)
def test_and_anything_else_is_not(schedule: str) -> None:
    assert not is_cron(schedule)
