"""The table of time zones says what zoneinfo says, of every zone and all the time that orders may be of."""

import os
import random
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from clickhouse.zone_offsets import END, FIRST, offsets, tzdata_digest, zone_file
from shopstream.contracts.zones import fixed_files, zone_of

ZONES = sorted({*available_timezones(), *fixed_files()})
HOUR = 3600
YEARS = (1999, 2011, 2038, 2100) if os.environ.get("SHOPSTREAM_FULL") else (2011, 2100)


def told(zone: str, moment: int) -> int:
    known = offsets(zone_file(zone))
    return known[bisect_right(known, (moment, END)) - 1][1]


def by_zoneinfo(zone: ZoneInfo, moment: int) -> int:
    offset = datetime.fromtimestamp(moment, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def test_every_zone_at_moments_by_lot() -> None:
    chance = random.Random(5)
    for name in ZONES:
        zone = zone_of(name)
        moments = [FIRST, END - 1, *(chance.randrange(FIRST, END) for _ in range(30))]
        assert [told(name, m) for m in moments] == [by_zoneinfo(zone, m) for m in moments], name


def test_every_change_is_at_its_second() -> None:
    for name in ZONES:
        zone = zone_of(name)
        for (_, before), (since, after) in pairwise(offsets(zone_file(name))):
            assert (by_zoneinfo(zone, since - 1), by_zoneinfo(zone, since)) == (before, after), name


@pytest.mark.parametrize(
    "name",
    [
        "America/New_York",
        "Europe/London",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Asia/Gaza",
        "America/Boa_Vista",
        "Antarctica/Troll",
    ],
)
def test_no_change_is_missed_hour_by_hour(name: str) -> None:
    zone = zone_of(name)
    for year in YEARS:
        begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
        hours = range(begin, begin + 366 * 24 * HOUR, HOUR)
        hours = range(begin, min(hours[-1], END - 1), HOUR)
        assert [told(name, h) for h in hours] == [by_zoneinfo(zone, h) for h in hours], year


def test_no_zone_is_farther_from_utc_than_the_views_look() -> None:
    """The views look for a later date from 10:00 UTC on, for an earlier one before 12:00."""
    seconds = {offset for name in ZONES for _, offset in offsets(zone_file(name))}
    assert min(seconds) >= -12 * HOUR
    assert max(seconds) <= 14 * HOUR
    assert all(offset % 900 == 0 for offset in seconds)


def test_only_the_east_of_canada_ever_changed_its_date_within_a_quarter() -> None:
    """Sums by quarters of an hour give such a quarter to one date; see docs/bi.md."""
    found = set()
    for name in ZONES:
        for (_, before), (since, after) in pairwise(offsets(zone_file(name))):
            old, new = (
                datetime.fromtimestamp(since - since % 900 + seconds, UTC).date()
                for seconds in (before, since % 900 + after)
            )
            if since % 900 and old != new:
                found.add((name, datetime.fromtimestamp(since, UTC).year))
    assert {name for name, _ in found} == {
        "America/Goose_Bay",
        "America/Moncton",
        "America/St_Johns",
        "Canada/Newfoundland",
    }
    assert max(year for _, year in found) < 2012


def test_the_first_row_is_before_any_order() -> None:
    assert datetime.fromtimestamp(FIRST, UTC) < datetime(2000, 1, 1, tzinfo=UTC) - timedelta(1)
    assert all(offsets(zone_file(name))[0][0] == FIRST for name in ("UTC", "Europe/Berlin"))


def test_the_digest_tells_one_set_of_files_from_another() -> None:
    assert tzdata_digest(["UTC"]) == tzdata_digest(["UTC"])
    assert tzdata_digest(["UTC"]) != tzdata_digest(["UTC", "Europe/Berlin"])


def test_a_fixed_offset_has_one_row():
    assert offsets(zone_file("+05:30")) == ((FIRST, 19800),)
    assert offsets(zone_file("-03:00")) == ((FIRST, -10800),)
