"""Metrics and trends: one day, many days, visitors, payments, the days before."""

from typing import Any

from report_cases.case import SHOP, Case, on, product, sold, sums, zone
from support import events


def _visits(*seen: tuple[str, str]) -> list[dict[str, Any]]:
    return [events.visit(SHOP, session, at) for session, at in seen]


def _paid(number: str, at: str, amount: Any = 1, **more: Any) -> dict[str, Any]:
    return events.payment(SHOP, number, at=at, amount=amount, **more)


def _payments(received: tuple[int, Any], failed: tuple[int, Any], rate: Any) -> dict[str, Any]:
    def counted(of: tuple[int, Any]) -> dict[str, Any]:
        return {"count": of[0], "amount": of[1]}

    return {"received": counted(received), "failed": counted(failed), "failureRate": rate}


def _before(revenue: Any, orders: int, items: int, average: Any) -> dict[str, Any]:
    return {
        **sums(revenue, orders, items),
        "averageOrderValue": average,
        "grossRevenue": revenue,
        "refunds": {"count": 0, "amount": 0},
    }


def _span(first: str, last: str) -> str:
    return f"startDate={first}&endDate={last}"


NOTHING = _payments((0, 0), (0, 0), None)
CASES = [
    Case(
        "metrics of an empty shop",
        "/reports/metrics",
        {
            "startDate": "2026-10-24",
            "endDate": "2026-11-22",
            "currency": None,
            "timezone": "UTC",
            "partial": True,
            **sums(0, 0, 0),
            "averageOrderValue": None,
            "averageItemsPerOrder": None,
            "sessions": 0,
            "conversionRate": None,
            "topProducts": [],
            "payments": NOTHING,
            "previousPeriod": _before(0, 0, 0, None),
            "otherCurrencies": [],
        },
    ),
    Case(
        "metrics of one day",
        "/reports/metrics?days=1",
        {
            "startDate": "2026-11-22",
            "endDate": "2026-11-22",
            **sums(10, 2, 5),
            "averageOrderValue": 5,
            "averageItemsPerOrder": 2.5,
            "previousPeriod": _before(7, 1, 1, 7),
            "topProducts": [product("p1", 5, 10)],
        },
        (
            [
                sold("2026-11-20T23:59:59Z", 99),
                sold("2026-11-21T00:00:00Z", 7),
                sold("2026-11-22T00:00:00Z", 2, 3),
                sold("2026-11-22T23:59:59Z", 2, 2),
            ],
        ),
    ),
    Case(
        "metrics of 366 days",
        "/reports/metrics?days=366",
        {
            "startDate": "2025-11-22",
            "endDate": "2026-11-22",
            **sums(3, 2, 2),
            "previousPeriod": _before(12, 2, 2, 6),
            "topProducts": [product("p1", 2, 3)],
        },
        (
            [
                sold("2024-11-20T23:59:59Z", 64),
                sold("2024-11-21T00:00:00Z", 8),
                sold("2025-11-21T23:59:59Z", 4),
                sold("2025-11-22T00:00:00Z", 2),
                sold("2026-11-22T12:00:00Z", 1),
            ],
        ),
    ),
    Case(
        "products of 366 days in a zone with a half hour",
        f"/reports/metrics?{_span('2025-03-10', '2026-03-10')}",
        {"totalRevenue": 15, "topProducts": [product("p2", 2, 12), product("p1", 2, 3)]},
        (
            [
                zone("Asia/Kolkata"),
                sold("2025-03-09T18:29:59Z", 64),
                sold("2025-03-09T18:30:00Z", 1),
                sold("2025-05-01T00:00:00Z", 2),
                sold("2026-02-28T20:00:00Z", 4, product="p2"),
                sold("2026-03-10T18:29:59Z", 8, product="p2"),
                sold("2026-03-10T18:30:00Z", 32),
            ],
        ),
    ),
    Case(
        "rates are rounded half to even, to four decimals",
        f"/reports/metrics?{_span('2026-11-22', '2026-11-22')}",
        {"sessions": 3, "conversionRate": 0.6667, "payments": _payments((2, 3), (1, 5.5), 0.3333)},
        (
            [
                sold("2026-11-22T01:00:00Z"),
                sold("2026-11-22T02:00:00Z"),
                *_visits(
                    ("a", "2026-11-22T00:00:00Z"),
                    ("b", "2026-11-22T10:00:00Z"),
                    ("b", "2026-11-22T10:20:00Z"),
                    ("c", "2026-11-22T23:59:59Z"),
                    ("c", "2026-11-22T00:00:01Z"),
                ),
                _paid("y1", "2026-11-22T00:00:00Z"),
                _paid("y2", "2026-11-22T23:59:59Z", 2),
                _paid("y3", "2026-11-22T12:00:00Z", "5.50", failed=True),
                _paid("y4", "2026-11-22T12:00:00Z", 100, currency="USD"),
                _paid("y5", "2026-11-23T00:00:00Z", 100),
            ],
        ),
    ),
    Case(
        "a payment counts as its latest event says, at its time",
        f"/reports/metrics?{_span('2026-11-22', '2026-11-22')}",
        {"currency": "EUR", "payments": _payments((1, 3), (0, 0), 0)},
        (
            [
                zone("UTC"),
                _paid("y1", "2026-11-22T10:00:00Z", 3, failed=True),
                _paid("y2", "2026-11-22T10:00:00Z", 3),
            ],
            [
                _paid("y1", "2026-11-22T10:00:01Z", 3),
                _paid("y2", "2026-11-23T10:00:00Z", 3, failed=True),
            ],
        ),
    ),
    Case(
        "a session counts once on each local day",
        f"/reports/metrics?{_span('2026-11-21', '2026-11-22')}",
        {"timezone": "America/New_York", "sessions": 4, "conversionRate": 0},
        (
            [
                zone("America/New_York"),
                *_visits(
                    ("over midnight", "2026-11-22T04:59:00Z"),
                    ("over midnight", "2026-11-22T05:01:00Z"),
                    ("over midnight in utc", "2026-11-21T23:59:00Z"),
                    ("over midnight in utc", "2026-11-22T00:01:00Z"),
                    ("before", "2026-11-21T04:59:59Z"),
                    ("last", "2026-11-23T04:59:59Z"),
                    ("after", "2026-11-23T05:00:00Z"),
                ),
            ],
        ),
    ),
    Case(
        "sessions of a day with 25 hours",
        f"/reports/metrics?{_span('2026-10-25', '2026-10-25')}",
        {"sessions": 2},
        (
            [
                zone("Europe/Berlin"),
                *_visits(
                    ("all day", "2026-10-24T22:00:00Z"),
                    ("all day", "2026-10-25T22:59:00Z"),
                    ("late", "2026-10-25T22:45:00Z"),
                    ("next", "2026-10-25T23:00:00Z"),
                ),
            ],
        ),
    ),
    Case(
        "another time zone re-assigns sessions too",
        f"/reports/metrics?{_span('2026-11-22', '2026-11-22')}",
        {"timezone": "Asia/Tokyo", "sessions": 1},
        (
            _visits(("a", "2026-11-21T15:00:00Z"), ("a", "2026-11-22T14:00:00Z")),
            [zone("Asia/Tokyo")],
        ),
    ),
    Case(
        "trends of an empty shop",
        "/reports/trends?days=2",
        {
            "startDate": "2026-11-21",
            "endDate": "2026-11-22",
            "entries": 2,
            "series": [],
            "movingAverage7": [0, 0],
            "change": {"totalRevenue": None, "totalOrders": None, "totalItems": None},
        },
    ),
    Case(
        "the moving average reaches back before the series",
        "/reports/trends?days=2",
        {
            "series": [on("2026-11-22", 6, 1, 2)],
            "movingAverage7": [3, 2.86],
            "change": {"totalRevenue": 0.2, "totalOrders": 0, "totalItems": 1},
            "entries": 2,
        },
        (
            [
                sold("2026-11-14T23:59:59Z", 100),
                sold("2026-11-15T00:00:00Z", 7),
                sold("2026-11-16T00:00:00Z", 9),
                sold("2026-11-19T23:59:59Z", 0, order_id="free", status="cancelled"),
                sold("2026-11-20T12:00:00Z", 5),
                sold("2026-11-22T12:00:00Z", 3, 2),
            ],
        ),
    ),
    Case(
        "days of 23 and 25 hours in one series",
        f"/reports/trends?{_span('2026-03-28', '2026-03-30')}",
        {
            "entries": 3,
            "series": [
                on("2026-03-28", 1, 1, 1),
                on("2026-03-29", 6, 2, 2),
                on("2026-03-30", 8, 1, 1),
            ],
            "movingAverage7": [0.14, 1, 2.14],
        },
        (
            [
                zone("Europe/Berlin"),
                sold("2026-03-28T22:59:59Z", 1),
                sold("2026-03-28T23:00:00Z", 2),
                sold("2026-03-29T21:59:59Z", 4),
                sold("2026-03-29T22:00:00Z", 8),
            ],
        ),
    ),
    Case(
        "change against days that were worth more",
        f"/reports/trends?{_span('2026-11-22', '2026-11-22')}",
        {"change": {"totalRevenue": -0.6667, "totalOrders": -0.5, "totalItems": -0.5}},
        (
            [
                sold("2026-11-21T10:00:00Z", 1),
                sold("2026-11-21T11:00:00Z", 2),
                sold("2026-11-22T11:00:00Z", 1),
            ],
        ),
    ),
    Case(
        "no change can be told against days that lost money",
        f"/reports/trends?{_span('2026-11-22', '2026-11-22')}",
        {"change": {"totalRevenue": None, "totalOrders": 0, "totalItems": 0}},
        (
            [
                sold("2026-11-21T10:00:00Z", 1, refundedTotal=5),
                sold("2026-11-22T11:00:00Z", 1),
            ],
        ),
    ),
    Case(
        "a series over a year's border with a day to come",
        f"/reports/trends?{_span('2026-12-31', '2027-01-01')}",
        {
            "partial": True,
            "series": [on("2026-12-31", 1, 1, 1), on("2027-01-01", 2, 1, 1)],
            "movingAverage7": [0.14, 0.43],
        },
        ([sold("2026-12-31T23:59:59Z", 1), sold("2027-01-01T00:00:00Z", 2)],),
    ),
]
