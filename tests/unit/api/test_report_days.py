import itertools
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from api.reports.days import first_instant, hours, local_text, read_date, today

BERLIN = ZoneInfo("Europe/Berlin")


def starts(day: str, zone: str) -> list[str]:
    where = ZoneInfo(zone)
    return [local_text(mark, where) for mark in hours(date.fromisoformat(day), where)]


@pytest.mark.parametrize(
    ("day", "zone", "count"),
    [
        ("2026-11-22", "UTC", 24),
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-11-22", "Asia/Kolkata", 24),
        ("2026-11-22", "Asia/Kathmandu", 24),
        ("2018-11-04", "America/Sao_Paulo", 23),
        ("2011-12-30", "Pacific/Apia", 0),
        ("2011-12-29", "Pacific/Apia", 24),
        ("2011-12-31", "Pacific/Apia", 24),
        ("2020-03-29", "America/Scoresbysund", 23),
    ],
)
def test_a_local_day_has_as_many_hours_as_its_clock(day: str, zone: str, count: int) -> None:
    assert len(starts(day, zone)) - 1 == count


def test_in_spring_the_clock_jumps_over_an_hour() -> None:
    assert starts("2026-03-29", "Europe/Berlin")[:4] == [
        "2026-03-29T00:00:00+01:00",
        "2026-03-29T01:00:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T04:00:00+02:00",
    ]


def test_in_autumn_an_hour_comes_twice_and_its_offset_tells_which() -> None:
    assert starts("2026-10-25", "Europe/Berlin")[2:5] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]


def test_a_shift_by_half_an_hour_makes_the_last_hour_shorter() -> None:
    # Lord Howe Island shifts by 30 minutes: 23.5 hours in October, 24.5 in April
    spring = starts("2026-10-04", "Australia/Lord_Howe")
    autumn = starts("2026-04-05", "Australia/Lord_Howe")
    assert (len(spring) - 1, spring[-2:]) == (
        24,
        ["2026-10-04T23:30:00+11:00", "2026-10-05T00:00:00+11:00"],
    )
    assert (len(autumn) - 1, autumn[-2:]) == (
        25,
        ["2026-04-05T23:30:00+10:30", "2026-04-06T00:00:00+10:30"],
    )


def test_a_day_without_midnight_begins_at_its_first_instant() -> None:
    first = first_instant(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo"))
    assert first == datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert local_text(first, ZoneInfo("America/Sao_Paulo")) == "2018-11-04T01:00:00-02:00"


def test_of_two_midnights_the_first_begins_the_day() -> None:
    # Havana sets its clocks back at 01:00 to 00:00
    havana = ZoneInfo("America/Havana")
    assert local_text(first_instant(date(2026, 11, 1), havana), havana) == (
        "2026-11-01T00:00:00-04:00"
    )
    assert len(hours(date(2026, 11, 1), havana)) - 1 == 25


def test_a_clock_that_jumps_over_midnight_from_before_it_begins_the_day_late() -> None:
    # Toronto, 30 March 1919, 23:30 to 00:30
    toronto = ZoneInfo("America/Toronto")
    first = first_instant(date(1919, 3, 31), toronto)
    assert local_text(first, toronto) == "1919-03-31T00:30:00-04:00"


def test_days_of_a_year_follow_each_other_without_hole_or_overlap() -> None:
    for zone in ("Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"):
        where = ZoneInfo(zone)
        ends = [hours(date.fromordinal(n), where) for n in range(739_600, 739_965)]
        assert all(one[-1] == after[0] for one, after in itertools.pairwise(ends))


def test_today_is_the_local_date() -> None:
    now = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert today(now, BERLIN) == date(2026, 11, 23)
    assert today(now, ZoneInfo("America/New_York")) == date(2026, 11, 22)


def test_a_date_is_read_strictly() -> None:
    assert read_date("2026-02-28") == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must be a date as YYYY-MM-DD"),
        ("20261122", "must be a date as YYYY-MM-DD"),
        ("2026-W10-1", "must be a date as YYYY-MM-DD"),
        ("2026-11-22T00:00:00Z", "must be a date as YYYY-MM-DD"),
        ("２０２６-11-22", "must be a date as YYYY-MM-DD"),
        ("2026-02-29", "must be a date that exists, as YYYY-MM-DD"),
        ("1999-12-30", "must be from 1999-12-31 to 2101-01-01"),
        ("2101-01-02", "must be from 1999-12-31 to 2101-01-01"),
    ],
)
def test_another_text_is_refused_with_its_rule(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{rule}$"):
        read_date(text)
