"""Local dates in the views are those of zoneinfo, around changes of the clock and around midnight, in many zones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from expected import expected
from reading import compare, view
from warehouse import Warehouse

from clickhouse.zone_offsets import offsets, zone_file
from oracle.book import Book
from oracle.days import zone_of
from support.events import Sent, item, order, record, settings

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Apia",
    "Etc/GMT+12",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Tehran",
    "Africa/Casablanca",
    "Asia/Pyongyang",
    "America/Caracas",
    "Atlantic/Azores",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Pacific/Chatham",
    "America/St_Johns",
    "+05:30",
    "-03:00",
    "+14:00",
    "-12:00",
)
SUMMED = [zone for zone in ZONES if zone != "America/St_Johns"]
"""Without the one whose date changed within a quarter of an hour (until 2011)."""
AROUND = [timedelta(seconds=s) for s in (-3600, -900, -1, 0, 1, 900, 3600)]
STEP = 9


def moments(name: str) -> list[datetime]:
    """Around some changes of the clock from 2000 to 2100, and around the midnights before and after them."""
    zone, found = zone_of(name), set()
    changes = [since for _, (since, _) in pairwise(offsets(zone_file(name)))]
    chosen = changes[-1:] + changes[2::STEP] or [int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())]
    for since in chosen:
        change = datetime.fromtimestamp(since, UTC)
        if 2000 < change.year < 2100:
            day = change.astimezone(zone).date()
            nights = [
                datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=n)
                for n in (0, 1)
            ]
            found |= {base.astimezone(UTC) + step for base in (change, *nights) for step in AROUND}
    return sorted(found)


def shop_of(zone: str) -> str:
    return f"zone-{ZONES.index(zone)}"


def orders(zone: str) -> list[Sent]:
    return [
        record(
            order(
                shop_of(zone),
                f"o-{number}",
                created=moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
                items=[item("p-1", number + 1, "1.5")],
            )
        )
        for number, moment in enumerate(moments(zone))
    ]


@pytest.fixture(scope="module")
def dated(warehouse: Warehouse) -> Book:
    book, load = Book(), []
    for zone in ZONES:
        load += [record(settings(shop_of(zone), zone)), *orders(zone)]
    warehouse.feed(load)
    book.take_all(load)
    return book


@pytest.mark.parametrize("name", ["orders", "order_items"])
def test_an_order_is_of_its_local_date(warehouse: Warehouse, dated: Book, name: str) -> None:
    compare(name, expected(dated)[name], view(warehouse.bi, name, set(map(shop_of, ZONES))))


@pytest.mark.parametrize("name", ["daily_sales", "daily_product_sales"])
def test_sums_are_of_their_local_date(warehouse: Warehouse, dated: Book, name: str) -> None:
    shops = set(map(shop_of, SUMMED))
    wanted = {key: row for key, row in expected(dated)[name].items() if key[0] in shops}
    compare(name, wanted, view(warehouse.bi, name, shops))


@pytest.mark.parametrize("name", ["orders", "daily_sales"])
def test_a_condition_on_the_date_gives_the_rows_of_that_date(
    warehouse: Warehouse, dated: Book, name: str
) -> None:
    shop = shop_of("Pacific/Kiritimati")
    rows = warehouse.bi.rows(
        f"SELECT local_date, count() FROM shopstream_bi.{name} WHERE shop_id = '{shop}' GROUP BY 1"
    )
    assert len(rows) > 1
    for day, count in rows:
        (found,) = warehouse.bi.rows(
            f"SELECT count() FROM shopstream_bi.{name} WHERE shop_id = '{shop}' AND local_date = '{day}'"
        )
        assert found == [count], day


def test_another_time_zone_moves_history(own: Warehouse) -> None:
    load = [record(order("moving", "o-1", created="2026-11-22T23:30:00.000000Z"))]
    own.feed(load)
    asked = "SELECT local_date FROM shopstream_bi.daily_sales WHERE shop_id = 'moving'"
    assert own.bi.rows(asked) == [["2026-11-22"]]
    own.feed([record(settings("moving", "Asia/Kathmandu", version=1))])
    assert own.bi.rows(asked) == [["2026-11-23"]]
    own.feed([record(settings("moving", "America/New_York", version=2))])
    assert own.bi.rows(asked) == [["2026-11-22"]]
    own.feed([record(settings("moving", "UTC+5:30", version=3))])
    assert own.bi.rows(asked) == [["2026-11-23"]]
    named = "SELECT timezone FROM shopstream_bi.shops WHERE shop_id = 'moving'"
    assert own.bi.rows(named) == [["+05:30"]]


def test_new_tzdata_replaces_the_old(own: Warehouse) -> None:
    own.sql.text("TRUNCATE TABLE zone_offsets")
    own.sql.text("INSERT INTO zone_offsets VALUES ('Europe/Berlin', 0, 7200, 'of last year')")
    own.migrate()
    digests = own.sql.rows(
        "SELECT uniqExact(tzdata), any(tzdata) = 'of last year' FROM zone_offsets"
    )
    assert digests == [["1", 0]]
    assert own.sql.rows("EXISTS TABLE zone_offsets_new") == [[0]]
