"""Months, days and 15-minute buckets that make up a period."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from api.reports.days import split_period, window_boundaries

WINDOWS = {"product_15m": "b", "product_day": "d", "product_month": "m"}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_buckets_of_any_period_follow_one_another_from_its_start_to_its_end() -> None:
    draw = random.Random(8)
    base = datetime(2023, 12, 1, tzinfo=UTC)
    quarter = timedelta(minutes=15)
    for number in range(500):
        start = base + quarter * draw.randrange(40_000)
        if number % 3 == 0:
            start = start.replace(hour=0, minute=0)
        end = start + quarter * draw.choice([1, 40, 96, 97, 200, 3000, 36_000])
        found = split_period(start, end)
        assert (found[0].start, found[-1].end) == (start.timestamp(), end.timestamp())
        assert all(one.end == other.start for one, other in pairwise(found))
        for window, *seconds in found:
            first, last = (datetime.fromtimestamp(second, UTC) for second in seconds)
            assert first < last
            if window == "product_month":
                assert first.day == last.day == 1 and last - first < timedelta(32)
            elif window == "product_day":
                assert last - first == timedelta(1)
            if window != "product_15m":
                assert f"{first:%H:%M}" == f"{last:%H:%M}" == "00:00"
        assert sum(bucket.window == "product_15m" for bucket in found) <= 2


@pytest.mark.parametrize(
    ("start", "end", "windows"),
    [
        ("2026-11-22", "2026-11-23", "d"),
        ("2026-11-21T23:00", "2026-11-22T23:00", "bb"),
        ("2026-11-22T01:00", "2026-11-22T23:00", "b"),
        ("2026-11-22T01:00", "2026-11-23", "b"),
        ("2026-11-30", "2027-01-02", "dmd"),
        ("2026-10-31T23:00", "2026-12-31T23:00", "bm" + "d" * 30 + "b"),
        ("2026-11-22", "2026-11-22", ""),
        ("2026-11-22T12:00", "2026-11-22T12:00", ""),
    ],
)
def test_a_period_in_buckets(start: str, end: str, windows: str) -> None:
    found = split_period(utc(start), utc(end))
    assert "".join(WINDOWS[bucket.window] for bucket in found) == windows


@pytest.mark.parametrize(
    ("start", "end", "between"),
    [
        ("2026-11-22", "2026-11-23", ["11-22 00", "11-23 00", "11-23 00", "11-23 00"]),
        ("2026-11-22T01:00", "2026-11-22T23:00", ["11-22 23"] * 4),
        ("2026-11-21T23:00", "2026-11-22T23:00", ["11-22 00"] * 4),
        ("2026-09-29T23:00", "2026-12-02T23:00", ["09-30 00", "10-01 00", "12-01 00", "12-02 00"]),
    ],
)
def test_a_period_has_six_boundaries(start: str, end: str, between: list[str]) -> None:
    first, *found, last = window_boundaries(utc(start), utc(end))
    assert (first, last) == (utc(start), utc(end))
    assert [f"{instant:%m-%d %H}" for instant in found] == between
