"""Local days, worked out by hand from the rules of each zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from oracle.days import end, hours, month, settled_zone, start, weeks, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "first", "after"),
    [
        ("UTC", date(2026, 11, 22), "2026-11-22T00:00", "2026-11-23T00:00"),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00", "2026-03-29T22:00"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00", "2026-10-25T23:00"),
        ("Asia/Kathmandu", date(2026, 9, 1), "2026-08-31T18:15", "2026-09-01T18:15"),
        ("Australia/Lord_Howe", date(2026, 10, 4), "2026-10-03T13:30", "2026-10-04T13:00"),
        ("Australia/Lord_Howe", date(2026, 4, 5), "2026-04-04T13:00", "2026-04-05T13:30"),
        ("America/St_Johns", date(2026, 11, 1), "2026-11-01T02:30", "2026-11-02T03:30"),
        ("Pacific/Apia", date(2026, 1, 1), "2025-12-31T11:00", "2026-01-01T11:00"),
        # the clock jumps from 24:00 to 01:00
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00", "2018-11-05T02:00"),
        ("Antarctica/Troll", date(2026, 10, 25), "2026-10-24T22:00", "2026-10-26T00:00"),
    ],
)
def test_a_day_begins_and_ends_where_its_clock_says(
    zone: str, day: date, first: str, after: str
) -> None:
    found = start(day, ZoneInfo(zone)), end(day, ZoneInfo(zone))
    assert found == (utc(first), utc(after))


def test_a_day_that_a_zone_skips_has_no_hours() -> None:
    assert hours(date(2011, 12, 30), ZoneInfo("Pacific/Apia")) == []
    assert len(hours(date(2011, 12, 31), ZoneInfo("Pacific/Apia"))) == 24


def test_a_clock_that_goes_back_over_midnight_ends_a_day_late() -> None:
    """A minute after midnight it became 23:01 of the day before."""
    zone = ZoneInfo("America/St_Johns")
    assert end(date(2010, 11, 6), zone) == utc("2010-11-07T03:30")
    assert start(date(2010, 11, 7), zone) == utc("2010-11-07T02:30")


@pytest.mark.parametrize(
    ("zone", "day", "count"),
    [
        (BERLIN, date(2026, 3, 29), 23),
        (BERLIN, date(2026, 10, 25), 25),
        (BERLIN, date(2026, 10, 26), 24),
        (LORD_HOWE, date(2026, 10, 4), 24),  # 23 and a half
        (LORD_HOWE, date(2026, 4, 5), 25),  # 24 and a half
    ],
)
def test_a_day_has_as_many_hours_as_begin_in_it(zone: ZoneInfo, day: date, count: int) -> None:
    assert len(hours(day, zone)) == count


def test_hours_begin_at_the_half_behind_a_shift_by_half_an_hour() -> None:
    begins = [h.astimezone(LORD_HOWE).isoformat() for h in hours(date(2026, 10, 4), LORD_HOWE)]
    assert begins[1:3] == ["2026-10-04T01:00:00+10:30", "2026-10-04T02:30:00+11:00"]
    assert begins[-1] == "2026-10-04T23:30:00+11:00"


def test_weeks_are_clipped_to_their_month() -> None:
    assert weeks(*month(2026, 2)) == [
        (date(2026, 2, 1), date(2026, 2, 1)),
        (date(2026, 2, 2), date(2026, 2, 8)),
        (date(2026, 2, 9), date(2026, 2, 15)),
        (date(2026, 2, 16), date(2026, 2, 22)),
        (date(2026, 2, 23), date(2026, 2, 28)),
    ]
    assert month(2026, 12) == (date(2026, 12, 1), date(2026, 12, 31))
    assert len(weeks(*month(2027, 2))) == 4


def test_an_offset_has_one_name_and_the_database_keeps_its_own() -> None:
    written = ["+05:30", "UTC+5:30", "+0530", "GMT-3", "Z", "UTC+0", "Etc/GMT-5", "Europe/Berlin"]
    names = ["+05:30", "+05:30", "+05:30", "-03:00", "UTC", "UTC", "Etc/GMT-5", "Europe/Berlin"]
    assert [settled_zone(text) for text in written] == names
    assert start(date(2026, 11, 22), zone_of("+05:30")) == datetime(
        2026, 11, 21, 18, 30, tzinfo=UTC
    )
