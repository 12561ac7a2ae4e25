"""Rows and a request, and the literal answer: the report of a day, and what all reports have in common."""

from datetime import UTC, date, datetime

import orjson
import pytest
from report_rows import BEFORE_REFUNDS, NEVER_REVISED, NO_REFUNDS, NOON, busy, made, sums

from api.reports.profiles import NOBODY, Profile, read_profile
from api.reports.report import ReportData, report_body
from api.reports.sales_reports import DailySales

DAY = date(2026, 11, 22)
NEXT_DAY = datetime(2026, 11, 23, tzinfo=UTC)


def test_an_empty_shop_has_zeros_and_no_average() -> None:
    body = made(DailySales(), currency=None)
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
        **BEFORE_REFUNDS,
        **NEVER_REVISED,
        "topProducts": [],
        "otherCurrencies": [],
    }
    assert hours == [
        {"start": f"2026-11-22T{hour:02}:00:00+00:00", **sums(0, 0, 0)} for hour in range(24)
    ]


def test_hours_become_totals() -> None:
    sales = [
        ("2026-11-22T00:45+00:00", "EUR", 3, "10.5001", 5),
        ("2026-11-22T23:45+00:00", "EUR", 1, "4.4999", 1),
    ]
    body = made(DailySales(), sales, now=NEXT_DAY.replace(day=22))
    assert busy(body["hourlyBreakdown"]) == [
        {"start": "2026-11-22T00:00:00+00:00", **sums(10.5001, 3, 5)},
        {"start": "2026-11-22T23:00:00+00:00", **sums(4.4999, 1, 1)},
    ]
    assert (body["totalRevenue"], body["totalOrders"], body["totalItems"]) == (15, 4, 6)
    assert body["averageOrderValue"] == 3.75


def test_other_currencies_stand_apart_sorted_and_only_with_something_in_them() -> None:
    sales = [
        ("2026-11-22T10:00+00:00", "USD", 1, "1", 1),
        ("2026-11-22T11:15+00:00", "USD", 1, "2", 1),
        ("2026-11-22T10:15+00:00", "GBP", 1, "3", 1),
        ("2026-11-22T10:15+00:00", "CHF", 0, "0", 0),
    ]
    body = made(DailySales(), sales)
    assert (body["totalOrders"], body["otherCurrencies"]) == (
        0,
        [{"currency": "GBP", **sums(3, 1, 1)}, {"currency": "USD", **sums(3, 2, 2)}],
    )


def test_refunds_beyond_the_total_make_revenue_negative() -> None:
    body = made(DailySales(), [("2026-11-22T10:00+00:00", "EUR", 1, "-3.5", 0)])
    assert (body["totalRevenue"], body["averageOrderValue"]) == (-3.5, -3.5)


def test_products_keep_their_order_and_one_without_a_name_has_null() -> None:
    top = [
        {"product_id": "p1", "quantity": 2, "revenue": "21.50"},
        {"product_id": "p2", "quantity": -1, "revenue": "0"},
    ]
    assert made(DailySales(), top=top, names={"p1": "Tea"})["topProducts"] == [
        {"productId": "p1", "name": "Tea", "quantity": 2, "revenue": 21.5},
        {"productId": "p2", "name": None, "quantity": -1, "revenue": 0},
    ]


@pytest.mark.parametrize(
    ("zone", "day", "at", "hours", "start"),
    [
        ("Asia/Kolkata", "2026-11-22", "2026-11-21T18:30+00:00", 24, "2026-11-22T00:00:00+05:30"),
        ("Asia/Kathmandu", "2026-11-22", "2026-11-22T18:00+00:00", 24, "2026-11-22T23:00:00+05:45"),
        (
            "America/New_York",
            "2026-11-22",
            "2026-11-23T04:45+00:00",
            24,
            "2026-11-22T23:00:00-05:00",
        ),
        ("Europe/Berlin", "2026-10-25", "2026-10-25T00:30+00:00", 25, "2026-10-25T02:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25", "2026-10-25T01:30+00:00", 25, "2026-10-25T02:00:00+01:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-29T01:00+00:00", 23, "2026-03-29T03:00:00+02:00"),
        (
            "Australia/Lord_Howe",
            "2026-04-05",
            "2026-04-05T13:15+00:00",
            25,
            "2026-04-05T23:30:00+10:30",
        ),
        (
            "Australia/Lord_Howe",
            "2026-10-04",
            "2026-10-04T12:45+00:00",
            24,
            "2026-10-04T23:30:00+11:00",
        ),
        (
            "America/Sao_Paulo",
            "2018-11-04",
            "2018-11-04T03:00+00:00",
            23,
            "2018-11-04T01:00:00-02:00",
        ),
    ],
)
def test_hours_are_those_of_the_shop(zone: str, day: str, at: str, hours: int, start: str) -> None:
    body = made(DailySales(date.fromisoformat(day)), [(at, "EUR", 1, "1", 1)], zone)
    assert len(body["hourlyBreakdown"]) == hours
    assert busy(body["hourlyBreakdown"]) == [{"start": start, **sums(1, 1, 1)}]


def test_a_day_that_the_zone_skips_has_no_hours() -> None:
    body = made(DailySales(date(2011, 12, 30)), zone="Pacific/Apia")
    assert (body["hourlyBreakdown"], body["totalOrders"], body["partial"]) == ([], 0, False)


def test_without_a_date_it_is_today_in_the_shop() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert made(DailySales(), zone="Europe/Berlin", now=late)["date"] == "2026-11-23"
    assert made(DailySales(), zone="America/New_York", now=late)["date"] == "2026-11-22"


@pytest.mark.parametrize(
    ("now", "partial"),
    [
        ("2026-11-22T22:59:59.999999+00:00", True),
        ("2026-11-22T23:00:00+00:00", False),
        ("2026-11-20T00:00:00+00:00", True),
    ],
)
def test_a_day_is_partial_until_it_is_over_in_the_shop(now: str, partial: bool) -> None:
    instant = datetime.fromisoformat(now)
    assert made(DailySales(DAY), zone="Europe/Berlin", now=instant)["partial"] is partial


def test_money_leaves_with_exactly_its_digits() -> None:
    report, profile = DailySales(DAY), Profile("EUR", NOBODY.zone)
    cut = report.period(DAY, profile.zone)
    row = {
        "begin": int(cut.start.timestamp()),
        "currency": "EUR",
        "orders": 3,
        "items": 1,
        **NO_REFUNDS,
    }
    row["revenue"] = "9999999999999999999999999999999999.9999"
    body = report_body(report, "s1", NOON, profile, cut, ReportData([row]))
    assert b'"totalRevenue":9999999999999999999999999999999999.9999,' in orjson.dumps(body)


def said(timezone: str, currency: str, threshold: int | None, said: int) -> dict[str, object]:
    return {
        "timezone": timezone,
        "currency": currency,
        "threshold": threshold,
        "day": 7,
        "said": said,
    }


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([said("", "", None, 1), said("", "", None, 0)], (None, "UTC", None)),
        ([said("", "", None, 1), said("", "JPY", None, 0)], ("JPY", "UTC", None)),
        ([said("Asia/Tokyo", "USD", 0, 1), said("", "JPY", None, 0)], ("USD", "Asia/Tokyo", 0)),
    ],
)
def test_what_the_shop_says_counts_then_its_earliest_order(
    rows: list[dict[str, object]], expected: tuple[str | None, str, int | None]
) -> None:
    profile = read_profile(rows)
    assert (profile.currency, profile.zone.key, profile.threshold) == expected
