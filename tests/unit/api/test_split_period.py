"""Runs of windows that add up to a period."""

import random
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest

from api.reports.days import signed_runs, split_period


def runs(start: str, end: str, months: bool = True) -> list[str]:
    """Each run in short: sign, window, from, to."""
    found = signed_runs(
        *(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end)), months=months
    )
    return [
        f"{'+' if run.sign > 0 else '-'}{run.window} {run.start:%m-%dT%H:%M} {run.end:%m-%dT%H:%M}"
        for run in found
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-11-22", "2026-11-23", ["+days 11-22T00:00 11-23T00:00"]),
        ("2026-11-21T23:00", "2026-11-22T23:00", ["+buckets_15m 11-21T23:00 11-22T23:00"]),
        ("2026-11-01", "2026-12-01", ["+months 11-01T00:00 12-01T00:00"]),
        (
            "2026-10-31T23:00",
            "2026-11-30T23:00",
            [
                "+buckets_15m 10-31T23:00 11-01T00:00",
                "+months 11-01T00:00 12-01T00:00",
                "-buckets_15m 11-30T23:00 12-01T00:00",
            ],
        ),
        (
            "2026-11-01T05:00",
            "2026-12-01T05:00",
            [
                "-buckets_15m 11-01T00:00 11-01T05:00",
                "+months 11-01T00:00 12-01T00:00",
                "+buckets_15m 12-01T00:00 12-01T05:00",
            ],
        ),
        (
            "2026-11-15T18:15",
            "2026-11-22T18:15",
            [
                "+buckets_15m 11-15T18:15 11-16T00:00",
                "+days 11-16T00:00 11-23T00:00",
                "-buckets_15m 11-22T18:15 11-23T00:00",
            ],
        ),
        (
            "2026-10-03",
            "2026-11-29",
            [
                "-days 10-01T00:00 10-03T00:00",
                "+months 10-01T00:00 12-01T00:00",
                "-days 11-29T00:00 12-01T00:00",
            ],
        ),
        (
            "2026-10-24",
            "2026-12-04",
            [
                "+days 10-24T00:00 11-01T00:00",
                "+months 11-01T00:00 12-01T00:00",
                "+days 12-01T00:00 12-04T00:00",
            ],
        ),
        ("2026-11-04", "2026-11-12", ["+days 11-04T00:00 11-12T00:00"]),
        ("2026-11-22", "2026-11-22", []),
    ],
)
def test_a_period_is_read_where_it_is_least(start: str, end: str, expected: list[str]) -> None:
    assert runs(start, end) == expected


def test_where_months_cannot_be_read_days_are() -> None:
    assert runs("2026-11-01", "2026-12-01", months=False) == ["+days 11-01T00:00 12-01T00:00"]


def test_the_runs_of_any_period_add_up_to_it_and_are_few() -> None:
    draw = random.Random(7)
    base = datetime(2023, 12, 1, tzinfo=UTC)
    quarter = timedelta(minutes=15)
    for _ in range(500):
        start = base + quarter * draw.randrange(40_000)
        length = quarter * draw.randrange(1, 36_000)
        found = signed_runs(start, start + length, months=draw.random() < 0.8)
        changes: dict[datetime, int] = {}
        for run in found:
            assert run.start < run.end
            changes[run.start] = changes.get(run.start, 0) + run.sign
            changes[run.end] = changes.get(run.end, 0) - run.sign
        assert {at: n for at, n in changes.items() if n} == {start: 1, start + length: -1}
        assert len(found) <= 5
        edges = [run for run in found if run.window == "buckets_15m"]
        assert all(run.end - run.start <= timedelta(hours=12) for run in edges) or len(found) == 1


def test_the_pieces_of_any_period_follow_one_another_from_its_start_to_its_end() -> None:
    draw = random.Random(8)
    base = datetime(2023, 12, 1, tzinfo=UTC)
    quarter = timedelta(minutes=15)
    for number in range(500):
        start = base + quarter * draw.randrange(40_000)
        if number % 3 == 0:
            start = start.replace(hour=0, minute=0)
        end = start + quarter * draw.choice([1, 40, 96, 97, 200, 3000, 36_000])
        found = split_period(start, end)
        assert (found[0].start, found[-1].end) == (start, end)
        assert all(one.end == other.start for one, other in pairwise(found))
        for run in found:
            assert run.start < run.end and run.sign == 1
            if run.window == "months":
                assert run.start.day == run.end.day == 1 and run.end - run.start < timedelta(32)
            elif run.window == "days":
                assert run.end - run.start == timedelta(1)
            if run.window != "buckets_15m":
                assert run.start.time() == run.end.time() == time()
        assert sum(run.window == "buckets_15m" for run in found) <= 2


@pytest.mark.parametrize(
    ("start", "end", "windows"),
    [
        ("2026-11-22", "2026-11-23", "d"),
        ("2026-11-21T23:00", "2026-11-22T23:00", "bb"),
        ("2026-11-22T01:00", "2026-11-22T23:00", "b"),
        ("2026-11-22T01:00", "2026-11-23", "b"),
        ("2026-11-30", "2027-01-02", "dmd"),
        ("2026-10-31T23:00", "2026-12-31T23:00", "bm" + "d" * 30 + "b"),
    ],
)
def test_a_period_in_pieces(start: str, end: str, windows: str) -> None:
    found = split_period(
        *(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    )
    assert "".join(run.window[0] for run in found) == windows
