from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.core.data.window import Period, Window, parse_instant, resolve_as_of

AS_OF = datetime(2024, 7, 1, tzinfo=UTC)
instants = st.integers(0, 10**8).map(lambda minutes: datetime(1980, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
lengths = st.timedeltas(timedelta(minutes=1), timedelta(days=400))
delays = st.timedeltas(timedelta(0), timedelta(days=90))


@given(instants, delays, lengths, lengths)
def test_each_range_ends_a_label_delay_before_what_follows_it(
    as_of: datetime, delay: timedelta, train: timedelta, holdout: timedelta
) -> None:
    window = Window.from_as_of(as_of, label_delay=delay, train=train, holdout=holdout)
    assert (window.train_end - window.train_start, window.end - window.holdout_start) == (train, holdout)
    assert (window.holdout_start - window.train_end, as_of - window.end) == (delay, delay)
    assert window.labels_end == window.holdout_start
    assert Window.from_json(window.to_json()) == window


def test_a_window_stored_without_the_end_of_its_training_range_trained_up_to_the_holdout() -> None:
    stored = {
        "as_of": "2024-07-01T00:00:00+00:00",
        "train_start": "2024-02-01T00:00:00+00:00",
        "holdout_start": "2024-05-01T00:00:00+00:00",
        "end": "2024-06-01T00:00:00+00:00",
    }
    window = Window.from_json(stored)
    assert window.train_end == window.holdout_start
    assert window.labels_end == window.holdout_start + timedelta(days=30)
    assert window.to_json() == stored


@given(instants, st.timedeltas(timedelta(minutes=1), timedelta(days=20)), st.sampled_from(Period))
def test_periods_cover_the_window_without_gap_or_overlap_and_never_pass_its_end(
    as_of: datetime, length: timedelta, period: Period
) -> None:
    window = Window.from_as_of(as_of, label_delay=timedelta(days=1), train=length, holdout=length)
    periods = list(window.periods(period))
    assert periods[0][0] <= window.train_start < periods[0][1]
    assert periods[-1][1] == window.end
    assert all(end == following for (_, end), (following, _) in pairwise(periods))
    assert all(start < end and start == period.floor(start) for start, end in periods)


def test_periods_are_calendar_periods_in_utc() -> None:
    instant = datetime(2024, 2, 29, 13, 45, 7, 9, tzinfo=UTC)  # a Thursday
    starts = {period: period.floor(instant) for period in Period}
    assert starts == {
        Period.HOUR: datetime(2024, 2, 29, 13, tzinfo=UTC),
        Period.DAY: datetime(2024, 2, 29, tzinfo=UTC),
        Period.WEEK: datetime(2024, 2, 26, tzinfo=UTC),
        Period.MONTH: datetime(2024, 2, 1, tzinfo=UTC),
    }
    assert {period: period.next_start(start) for period, start in starts.items()} == {
        Period.HOUR: datetime(2024, 2, 29, 14, tzinfo=UTC),
        Period.DAY: datetime(2024, 3, 1, tzinfo=UTC),
        Period.WEEK: datetime(2024, 3, 4, tzinfo=UTC),
        Period.MONTH: datetime(2024, 3, 1, tzinfo=UTC),
    }


@pytest.mark.parametrize("order", [(0, 0, 1, 2, 2), (0, 2, 1, 3, 3), (0, 1, 1, 1, 2), (0, 1, 1, 3, 2), (1, 0, 2, 2, 2)])
def test_a_window_out_of_order_is_refused(order: tuple[int, ...]) -> None:
    train, train_end, holdout, end, as_of = (AS_OF + timedelta(days=day) for day in order)
    with pytest.raises(ValueError, match="train_start < train_end <= holdout_start < end <= as_of"):
        Window(as_of, train, train_end, holdout, end)


def test_a_window_before_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="in the year 1 or later"):
        Window.from_as_of(
            datetime(1, 1, 2, tzinfo=UTC),
            label_delay=timedelta(0),
            train=timedelta(days=9),
            holdout=timedelta(days=9),
        )


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-07-01", AS_OF),
        ("2024-07-01T00:00", AS_OF),
        ("2024-07-01T00:00:00Z", AS_OF),
        ("2024-07-01T02:00:00+02:00", AS_OF),
    ],
)
def test_an_instant_without_an_offset_is_utc(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["yesterday", "2024-07-01\n", "2024-07-01 ", "2024-13-01", "1" * 10_000, "2024-07-01\x00", "٢٠٢٤-07-01", ""]
)
def test_what_is_not_an_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"ISO 8601 date or date-time|a day and a time that exist"):
        parse_instant(text)


def test_an_instant_that_leaves_the_calendar_in_utc_is_refused() -> None:
    with pytest.raises(ValueError, match="years 1 to 9999"):
        parse_instant("9999-12-31T23:59:59-14:00")


def test_as_of_comes_from_the_parameter_then_the_interval_then_run_after() -> None:
    interval, after = AS_OF - timedelta(days=1), AS_OF - timedelta(days=2)
    assert resolve_as_of("2024-07-01", data_interval_end=interval, run_after=after) == AS_OF
    for nothing in (None, ""):
        assert resolve_as_of(nothing, data_interval_end=interval, run_after=after) == interval
        assert resolve_as_of(nothing, data_interval_end=None, run_after=after) == after
    with pytest.raises(ValueError, match="none is given"):
        resolve_as_of(None, data_interval_end=None, run_after=None)


@given(instants, st.integers(-14, 14))
def test_as_of_is_the_same_instant_in_utc_whatever_the_zone_of_the_run(instant: datetime, hours: int) -> None:
    zoned = instant.astimezone(timezone(timedelta(hours=hours)))
    found = resolve_as_of(None, data_interval_end=zoned, run_after=None)
    assert (found, found.tzinfo) == (instant, UTC)
