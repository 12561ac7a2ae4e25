"""Rows and a request, and the literal answer."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from shopstream.api.reports.daily import daily_sales
from shopstream.api.reports.profile import Profile

DAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEXT_DAY = datetime(2026, 11, 23, tzinfo=UTC)


def quarter(at: str, currency: str, orders: int, revenue: str, items: int) -> dict[str, Any]:
    begin = int(datetime.fromisoformat(at).timestamp())
    sums = {"orders": orders, "revenue": revenue, "items": items}
    return {"begin": begin, "currency": currency, **sums}


def report(
    quarters: list[dict[str, Any]],
    currency: str | None = "EUR",
    zone: str = "UTC",
    now: datetime = NEXT_DAY,
    day: date = DAY,
    top: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    profile = Profile(currency, ZoneInfo(zone))
    body = daily_sales("s1", day, now, profile, quarters, top or [], {"p1": "Tea"})
    return orjson.loads(orjson.dumps(body))


def busy(body: dict[str, Any]) -> list[tuple[str, Any, int, int]]:
    """The hours with anything in them."""
    return [
        (hour["start"], hour["totalRevenue"], hour["totalOrders"], hour["totalItems"])
        for hour in body["hourlyBreakdown"]
        if hour["totalRevenue"] or hour["totalOrders"] or hour["totalItems"]
    ]


def test_an_empty_shop_has_zeros_and_no_average() -> None:
    body = report([], currency=None, now=NOON)
    hours = body.pop("hourlyBreakdown")
    assert body == {
        "shopId": "s1",
        "date": "2026-11-22",
        "currency": None,
        "timezone": "UTC",
        "partial": True,
        "totalRevenue": 0,
        "totalOrders": 0,
        "totalItems": 0,
        "averageOrderValue": None,
        "topProducts": [],
        "otherCurrencies": [],
    }
    assert hours == [
        {
            "start": f"2026-11-22T{hour:02}:00:00+00:00",
            "totalRevenue": 0,
            "totalOrders": 0,
            "totalItems": 0,
        }
        for hour in range(24)
    ]


def test_quarters_become_hours_and_hours_become_totals() -> None:
    body = report(
        [
            quarter("2026-11-22T00:00+00:00", "EUR", 1, "10.5", 2),
            quarter("2026-11-22T00:45+00:00", "EUR", 2, "0.0001", 3),
            quarter("2026-11-22T23:45+00:00", "EUR", 1, "4.4999", 1),
        ]
    )
    assert busy(body) == [
        ("2026-11-22T00:00:00+00:00", 10.5001, 3, 5),
        ("2026-11-22T23:00:00+00:00", 4.4999, 1, 1),
    ]
    assert (body["totalRevenue"], body["totalOrders"], body["totalItems"]) == (15, 4, 6)
    assert body["averageOrderValue"] == 3.75
    assert body["partial"] is False


def test_other_currencies_stand_apart_sorted_and_only_with_something_in_them() -> None:
    body = report(
        [
            quarter("2026-11-22T10:00+00:00", "USD", 1, "1", 1),
            quarter("2026-11-22T10:15+00:00", "USD", 1, "2", 1),
            quarter("2026-11-22T10:15+00:00", "GBP", 1, "3", 1),
            quarter("2026-11-22T10:15+00:00", "CHF", 0, "0", 0),
        ]
    )
    assert (body["totalOrders"], body["otherCurrencies"]) == (
        0,
        [
            {"currency": "GBP", "totalRevenue": 3, "totalOrders": 1, "totalItems": 1},
            {"currency": "USD", "totalRevenue": 3, "totalOrders": 2, "totalItems": 2},
        ],
    )


def test_refunds_beyond_the_total_make_revenue_negative() -> None:
    body = report([quarter("2026-11-22T10:00+00:00", "EUR", 1, "-3.5", 0)])
    assert (body["totalRevenue"], body["averageOrderValue"]) == (-3.5, -3.5)


def test_products_keep_their_order_and_one_without_a_name_has_null() -> None:
    top = [
        {"product_id": "p1", "quantity": 2, "revenue": "21.50"},
        {"product_id": "p2", "quantity": -1, "revenue": "0"},
    ]
    assert report([], top=top)["topProducts"] == [
        {"productId": "p1", "name": "Tea", "quantity": 2, "revenue": 21.5},
        {"productId": "p2", "name": None, "quantity": -1, "revenue": 0},
    ]


@pytest.mark.parametrize(
    ("zone", "at", "start"),
    [
        ("Asia/Kolkata", "2026-11-21T18:30+00:00", "2026-11-22T00:00:00+05:30"),
        ("Asia/Kathmandu", "2026-11-22T18:00+00:00", "2026-11-22T23:00:00+05:45"),
        ("America/New_York", "2026-11-23T04:45+00:00", "2026-11-22T23:00:00-05:00"),
    ],
)
def test_hours_are_those_of_the_shop(zone: str, at: str, start: str) -> None:
    assert busy(report([quarter(at, "EUR", 1, "1", 1)], zone=zone)) == [(start, 1, 1, 1)]


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    quarters = [
        quarter("2026-10-25T00:30+00:00", "EUR", 1, "1", 1),
        quarter("2026-10-25T01:30+00:00", "EUR", 1, "2", 1),
    ]
    body = report(quarters, zone="Europe/Berlin", day=date(2026, 10, 25))
    assert len(body["hourlyBreakdown"]) == 25
    assert busy(body) == [
        ("2026-10-25T02:00:00+02:00", 1, 1, 1),
        ("2026-10-25T02:00:00+01:00", 2, 1, 1),
    ]


def test_what_comes_in_the_last_half_hour_of_a_longer_day_has_its_own_entry() -> None:
    quarters = [quarter("2026-04-05T13:15+00:00", "EUR", 1, "1", 1)]
    body = report(quarters, zone="Australia/Lord_Howe", day=date(2026, 4, 5))
    assert busy(body) == [("2026-04-05T23:30:00+10:30", 1, 1, 1)]


@pytest.mark.parametrize(
    ("now", "partial"),
    [
        ("2026-11-22T22:59:59.999999+00:00", True),
        ("2026-11-22T23:00:00+00:00", False),
        ("2026-11-20T00:00:00+00:00", True),
    ],
)
def test_a_day_is_partial_until_it_is_over_in_the_shop(now: str, partial: bool) -> None:
    body = report([], zone="Europe/Berlin", now=datetime.fromisoformat(now))
    assert body["partial"] is partial


def test_money_leaves_with_exactly_its_digits() -> None:
    rows = [
        quarter("2026-11-22T10:00+00:00", "EUR", 3, "9999999999999999999999999999999999.9999", 1)
    ]
    body = daily_sales("s1", DAY, NOON, Profile("EUR", ZoneInfo("UTC")), rows, [], {})
    assert b'"totalRevenue":9999999999999999999999999999999999.9999,' in orjson.dumps(body)
