"""Weeks, months, metrics and trends: rows and a request, and the literal answer."""

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from report_rows import BEFORE_REFUNDS, NEVER_REVISED, NONE, busy, made, sums

from api.reports.days import Span
from api.reports.report import Paid, Payments
from api.reports.sales_reports import Metrics, MonthlySales, Trends, WeeklySales


def between(first: str, last: str) -> Span:
    return Span(first=date.fromisoformat(first), last=date.fromisoformat(last))


@pytest.mark.parametrize(
    ("start", "week", "year", "end"),
    [
        ("2026-11-16", 47, 2026, "2026-11-22"),
        ("2026-11-22", 47, 2026, "2026-11-28"),
        ("2021-01-01", 53, 2020, "2021-01-07"),
        ("2020-12-28", 53, 2020, "2021-01-03"),
        ("2024-12-30", 1, 2025, "2025-01-05"),
        ("2027-01-04", 1, 2027, "2027-01-10"),
        ("2024-02-26", 9, 2024, "2024-03-03"),
    ],
)
def test_a_week_has_the_iso_number_of_its_first_day(
    start: str, week: int, year: int, end: str
) -> None:
    body = made(WeeklySales(date.fromisoformat(start)))
    assert (body["week"], body["weekYear"], body["startDate"], body["endDate"]) == (
        week,
        year,
        start,
        end,
    )
    assert len(body["dailyBreakdown"]) == 7


def test_without_a_date_it_is_the_week_from_monday_on() -> None:
    sunday = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert made(WeeklySales(), now=sunday)["startDate"] == "2026-11-16"
    assert made(WeeklySales(), zone="Europe/Berlin", now=sunday)["startDate"] == "2026-11-23"


def test_days_of_a_week_with_a_change_of_the_clocks() -> None:
    sales = [
        ("2026-10-24T21:45+00:00", "EUR", 1, "1", 1),
        ("2026-10-24T22:00+00:00", "EUR", 1, "2", 1),
        ("2026-10-25T22:45+00:00", "USD", 1, "4", 1),
    ]
    body = made(WeeklySales(date(2026, 10, 20)), sales, "Europe/Berlin")
    assert busy(body["dailyBreakdown"]) == [
        {"date": "2026-10-24", **sums(1, 1, 1)},
        {"date": "2026-10-25", **sums(2, 1, 1)},
    ]
    assert (body["totalRevenue"], body["averageOrderValue"]) == (3, 1.5)
    assert body["otherCurrencies"] == [{"currency": "USD", **sums(4, 1, 1)}]


def test_a_day_that_the_zone_skips_is_an_empty_day_of_its_week() -> None:
    sales = [("2011-12-30T10:00+00:00", "EUR", 1, "1", 1)]
    body = made(WeeklySales(date(2011, 12, 26)), sales, "Pacific/Apia")
    assert [day["date"] for day in body["dailyBreakdown"]][4] == "2011-12-30"
    assert busy(body["dailyBreakdown"]) == [{"date": "2011-12-31", **sums(1, 1, 1)}]


@pytest.mark.parametrize(
    ("year", "month", "weeks"),
    [
        (2026, 11, [(44, 1, 1), (45, 2, 8), (46, 9, 15), (47, 16, 22), (48, 23, 29), (49, 30, 30)]),
        (2027, 2, [(5, 1, 7), (6, 8, 14), (7, 15, 21), (8, 22, 28)]),
        (2024, 2, [(5, 1, 4), (6, 5, 11), (7, 12, 18), (8, 19, 25), (9, 26, 29)]),
        (2027, 1, [(53, 1, 3), (1, 4, 10), (2, 11, 17), (3, 18, 24), (4, 25, 31)]),
        (2024, 12, [(48, 1, 1), (49, 2, 8), (50, 9, 15), (51, 16, 22), (52, 23, 29), (1, 30, 31)]),
    ],
)
def test_a_month_has_monday_weeks_clipped_to_it(
    year: int, month: int, weeks: list[tuple[int, int, int]]
) -> None:
    body = made(MonthlySales(year, month))
    assert body["weeklyBreakdown"] == [
        {
            "week": week,
            "startDate": f"{year}-{month:02}-{first:02}",
            "endDate": f"{year}-{month:02}-{last:02}",
            **NONE,
        }
        for week, first, last in weeks
    ]


@pytest.mark.parametrize(
    ("year", "month", "expected"),
    [(None, None, (2027, 1)), (2026, None, (2026, 1)), (None, 3, (2027, 3)), (2020, 2, (2020, 2))],
)
def test_year_and_month_are_the_present_ones_by_default(
    year: int | None, month: int | None, expected: tuple[int, int]
) -> None:
    now = datetime(2026, 12, 31, 20, tzinfo=UTC)
    body = made(MonthlySales(year, month), zone="Asia/Tokyo", now=now)
    assert (body["year"], body["month"]) == expected


def test_metrics_of_an_empty_shop() -> None:
    assert made(Metrics(), currency=None) == {
        "shopId": "s1",
        "startDate": "2026-10-24",
        "endDate": "2026-11-22",
        "currency": None,
        "timezone": "UTC",
        "partial": True,
        **NONE,
        "averageOrderValue": None,
        **BEFORE_REFUNDS,
        **NEVER_REVISED,
        **dict.fromkeys(("totalTax", "totalShipping", "totalDiscount", "totalTip"), 0),
        "averageItemsPerOrder": None,
        "sessions": 0,
        "conversionRate": None,
        "topProducts": [],
        "payments": {
            "received": {"count": 0, "amount": 0},
            "failed": {"count": 0, "amount": 0},
            "failureRate": None,
        },
        "previousPeriod": {**NONE, "averageOrderValue": None, **BEFORE_REFUNDS},
        "otherCurrencies": [],
    }


def test_metrics_compare_with_as_many_days_before() -> None:
    sales = [
        ("2026-11-19T23:59+00:00", "EUR", 4, "10", 9),
        ("2026-11-19T23:59+00:00", "USD", 4, "10", 9),
        ("2026-11-20T00:00+00:00", "EUR", 3, "10", 8),
        ("2026-11-21T00:00+00:00", "USD", 1, "7", 1),
    ]
    payments = Payments(Paid(2, Decimal("9.5")), Paid(1, Decimal("0.0001")))
    report = Metrics(between("2026-11-20", "2026-11-21"))
    body = made(report, sales, sessions=7, payments=payments)
    assert {name: body[name] for name in ("startDate", "endDate", "partial")} == {
        "startDate": "2026-11-20",
        "endDate": "2026-11-21",
        "partial": False,
    }
    assert (body["totalRevenue"], body["averageOrderValue"], body["averageItemsPerOrder"]) == (
        10,
        3.33,
        2.67,
    )
    assert (body["sessions"], body["conversionRate"]) == (7, 0.4286)
    assert body["payments"] == {
        "received": {"count": 2, "amount": 9.5},
        "failed": {"count": 1, "amount": 0.0001},
        "failureRate": 0.3333,
    }
    assert body["previousPeriod"] == {
        **sums(10, 4, 9),
        "averageOrderValue": 2.5,
        "grossRevenue": 10,
        "refunds": {"count": 0, "amount": 0},
    }
    assert body["otherCurrencies"] == [{"currency": "USD", **sums(7, 1, 1)}]


@pytest.mark.parametrize(
    ("currency", "value", "moving"),
    [("JPY", 3.33, 1.43), ("KWD", 3.333, 1.429), ("CLF", 3.3333, 1.4286)],
)
def test_averages_have_the_decimals_of_the_currency(
    currency: str, value: float, moving: float
) -> None:
    sales = [("2026-11-20T10:00+00:00", currency, 3, "10", 8)]
    metrics = made(Metrics(between("2026-11-20", "2026-11-20")), sales, currency=currency)
    assert (metrics["averageOrderValue"], metrics["averageItemsPerOrder"]) == (value, 2.67)
    trends = made(Trends(between("2026-11-20", "2026-11-20")), sales, currency=currency)
    assert trends["movingAverage7"] == [moving]


def test_trends_reach_back_before_the_series() -> None:
    sales = [
        ("2026-11-14T10:00+00:00", "EUR", 1, "7", 1),
        ("2026-11-18T10:00+00:00", "EUR", 2, "8", 4),
        ("2026-11-19T10:00+00:00", "EUR", 1, "4", 2),
        ("2026-11-20T10:00+00:00", "EUR", 2, "14", 2),
        ("2026-11-20T10:00+00:00", "USD", 1, "1", 1),
        ("2026-11-14T10:00+00:00", "USD", 1, "1", 1),
    ]
    body = made(Trends(between("2026-11-20", "2026-11-21")), sales)
    assert body["series"] == [
        {"date": "2026-11-20", **sums(14, 2, 2)},
        {"date": "2026-11-21", **NONE},
    ]
    assert body["movingAverage7"] == [4.71, 3.71]
    assert body["change"] == {"totalRevenue": 0.1667, "totalOrders": -0.3333, "totalItems": -0.6667}
    assert body["otherCurrencies"] == [{"currency": "USD", **sums(1, 1, 1)}]


@pytest.mark.parametrize(
    ("before", "change"),
    [("0", None), ("-5", None), ("0.0001", 99999), ("3", 2.3333), ("32", -0.6875), ("10", 0)],
)
def test_change_is_null_where_the_days_before_are_not_above_0(
    before: str, change: float | None
) -> None:
    sales = [
        ("2026-11-21T10:00+00:00", "EUR", 1, before, 1),
        ("2026-11-22T10:00+00:00", "EUR", 1, "10", 1),
    ]
    assert made(Trends(Span(1)), sales)["change"]["totalRevenue"] == change


@pytest.mark.parametrize("days", [1, 6, 7, 366])
def test_a_series_has_no_holes_and_its_averages_stand_beside_it(days: int) -> None:
    body = made(Trends(Span(days)), zone="Europe/Berlin")
    assert (len(body["series"]), len(body["movingAverage7"])) == (days, days)
    assert body["series"][-1]["date"] == "2026-11-22"
    dates = [date.fromisoformat(entry["date"]) for entry in body["series"]]
    assert {(b - a).days for a, b in itertools.pairwise(dates)} <= {1}


def test_a_year_ends_at_the_border_of_another() -> None:
    now = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
    body = made(Metrics(Span(366)), [("2024-01-02T00:00+00:00", "EUR", 1, "1", 1)], now=now)
    assert (body["startDate"], body["endDate"]) == ("2024-01-02", "2025-01-01")
    assert (body["totalOrders"], body["previousPeriod"]["totalOrders"]) == (1, 0)
