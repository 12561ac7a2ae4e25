"""Weeks and months, at the borders of days, months and years."""

from report_cases.case import Case, on, product, sold, sums, zone

NONE = sums(0, 0, 0)


def _week(start: str, **says: object) -> tuple[str, dict[str, object]]:
    return f"/reports/weekly-sales?startDate={start}", {"startDate": start, "entries": 7, **says}


def _month(year: int, month: int, **says: object) -> tuple[str, dict[str, object]]:
    path = f"/reports/monthly-sales?year={year}&month={month}"
    return path, {"year": year, "month": month, **says}


def _part(
    week: int, first: str, last: str, revenue: int, orders: int, items: int
) -> dict[str, object]:
    return sums(revenue, orders, items, week=week, startDate=first, endDate=last)


CASES = [
    Case(
        "week 53 of the year before",
        *_week(
            "2021-01-01",
            week=53,
            weekYear=2020,
            endDate="2021-01-07",
            dailyBreakdown=[on("2021-01-01", 1, 1, 1), on("2021-01-07", 2, 1, 1)],
            **sums(3, 2, 2),
            averageOrderValue=1.5,
        ),
        (
            [
                sold("2020-12-31T23:59:59Z", 8),
                sold("2021-01-01T00:00:00Z", 1),
                sold("2021-01-07T23:59:59Z", 2),
                sold("2021-01-08T00:00:00Z", 4),
            ],
        ),
    ),
    Case(
        "week 1 that begins in december",
        *_week("2024-12-30", week=1, weekYear=2025, endDate="2025-01-05", **NONE),
    ),
    Case(
        "week 53 of a leap year",
        *_week("2020-12-28", week=53, weekYear=2020, endDate="2021-01-03", averageOrderValue=None),
    ),
    Case(
        "a week from a wednesday on over a leap day",
        *_week(
            "2024-02-28",
            week=9,
            weekYear=2024,
            endDate="2024-03-05",
            dailyBreakdown=[on("2024-02-29", 5, 1, 1), on("2024-03-01", 6, 1, 2)],
            topProducts=[product("p1", 3, 11)],
        ),
        ([sold("2024-02-29T10:00:00Z", 5), sold("2024-03-01T00:00:00Z", 3, 2)],),
    ),
    Case(
        "this week by default, in the shop's zone",
        "/reports/weekly-sales",
        {
            "startDate": "2026-11-23",
            "week": 48,
            "weekYear": 2026,
            "partial": True,
            "totalOrders": 1,
        },
        ([zone("Asia/Tokyo"), sold("2026-11-22T15:00:00Z"), sold("2026-11-22T14:59:59Z", 2)],),
        now="2026-11-22T16:00:00+00:00",
    ),
    Case(
        "a week with 167 hours",
        *_week(
            "2026-03-23",
            timezone="Europe/Berlin",
            dailyBreakdown=[on("2026-03-28", 1, 1, 1), on("2026-03-29", 6, 2, 2)],
            **sums(7, 3, 3),
            averageOrderValue=2.33,
            topProducts=[product("p1", 3, 7)],
        ),
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
        "a week with a day that the zone skips",
        *_week(
            "2011-12-28",
            dailyBreakdown=[on("2011-12-29", 1, 1, 1), on("2011-12-31", 2, 1, 1)],
            topProducts=[product("p1", 2, 3)],
        ),
        ([zone("Pacific/Apia"), sold("2011-12-30T09:59:59Z", 1), sold("2011-12-30T10:00:00Z", 2)],),
    ),
    Case(
        "a week that is over",
        *_week("2026-11-15", endDate="2026-11-21", partial=False),
        now="2026-11-22T00:00:00+00:00",
    ),
    Case(
        "a week that ends this instant",
        *_week("2026-11-15", endDate="2026-11-21", partial=True),
        now="2026-11-21T23:59:59.999999+00:00",
    ),
    Case(
        "weeks of november are clipped to it",
        *_month(
            2026,
            11,
            entries=6,
            weeklyBreakdown=[
                _part(44, "2026-11-01", "2026-11-01", 1, 1, 1),
                _part(45, "2026-11-02", "2026-11-08", 2, 1, 1),
                _part(49, "2026-11-30", "2026-11-30", 4, 1, 1),
            ],
            **sums(7, 3, 3),
            topProducts=[product("p1", 3, 7)],
        ),
        (
            [
                sold("2026-10-31T23:59:59Z", 16),
                sold("2026-11-01T23:59:59Z", 1),
                sold("2026-11-02T00:00:00Z", 2),
                sold("2026-11-30T23:59:59Z", 4),
                sold("2026-12-01T00:00:00Z", 32),
            ],
        ),
    ),
    Case(
        "a february of four weeks",
        *_month(2027, 2, entries=4, partial=True),
    ),
    Case(
        "a february with a leap day, east of utc",
        *_month(
            2024,
            2,
            entries=5,
            weeklyBreakdown=[
                _part(5, "2024-02-01", "2024-02-04", 1, 1, 1),
                _part(9, "2024-02-26", "2024-02-29", 2, 1, 1),
            ],
            topProducts=[product("p1", 2, 3)],
        ),
        (
            [
                zone("Asia/Kathmandu"),
                sold("2024-01-31T18:14:59Z", 16),
                sold("2024-01-31T18:15:00Z", 1),
                sold("2024-02-29T18:14:59Z", 2),
                sold("2024-02-29T18:15:00Z", 32),
            ],
        ),
    ),
    Case(
        "a month with a change of the clocks, west of utc",
        *_month(2026, 11, entries=6, **sums(3, 2, 2), topProducts=[product("p1", 2, 3)]),
        (
            [
                zone("America/New_York"),
                sold("2026-11-01T03:59:59Z", 16),
                sold("2026-11-01T04:00:00Z", 1),
                sold("2026-12-01T04:59:59Z", 2),
                sold("2026-12-01T05:00:00Z", 32),
            ],
        ),
    ),
    Case(
        "week 1 at the end of december",
        *_month(
            2024, 12, entries=6, weeklyBreakdown=[_part(1, "2024-12-30", "2024-12-31", 1, 1, 1)]
        ),
        ([sold("2024-12-31T12:00:00Z")],),
    ),
    Case(
        "week 53 at the beginning of january",
        *_month(2027, 1, weeklyBreakdown=[_part(53, "2027-01-01", "2027-01-03", 1, 1, 1)]),
        ([sold("2027-01-03T23:59:59Z")],),
    ),
    Case(
        "the present month in the shop's zone",
        "/reports/monthly-sales",
        {"year": 2027, "month": 1, "totalOrders": 1, "partial": True},
        ([zone("Asia/Tokyo"), sold("2026-12-31T15:00:00Z")],),
        now="2026-12-31T15:30:00+00:00",
    ),
]
