"""Answers as they look, for the OpenAPI document."""

from typing import Any

Example = dict[str, Any]

_SUMS = {"totalRevenue": 150.51, "totalOrders": 5, "totalItems": 12}
_NONE = {"totalRevenue": 0, "totalOrders": 0, "totalItems": 0}
_TOTALS = {**_SUMS, "averageOrderValue": 30.1}
_OF_SHOP = {"shopId": "s-17", "currency": "EUR", "timezone": "Europe/Berlin", "partial": True}
_TOP = [{"productId": "p-1", "name": "Blue cup", "quantity": 7, "revenue": 87.5}]
_OTHERS = [{"currency": "USD", "totalRevenue": 12, "totalOrders": 1, "totalItems": 1}]
_TAIL = {"otherCurrencies": _OTHERS, "asOf": "2026-11-22T10:15:30.123456Z"}
_SPAN = {"startDate": "2026-11-21", "endDate": "2026-11-22"}
_SERIES = [{"date": "2026-11-21", **_NONE}, {"date": "2026-11-22", **_SUMS}]

DAILY: Example = {
    **_OF_SHOP,
    "date": "2026-11-22",
    **_TOTALS,
    "hourlyBreakdown": [{"start": "2026-11-22T00:00:00+01:00", **_SUMS}],
    "topProducts": _TOP,
    **_TAIL,
}
WEEKLY: Example = {
    **_OF_SHOP,
    "week": 47,
    "weekYear": 2026,
    "startDate": "2026-11-16",
    "endDate": "2026-11-22",
    **_TOTALS,
    "dailyBreakdown": _SERIES,
    "topProducts": _TOP,
    **_TAIL,
}
MONTHLY: Example = {
    **_OF_SHOP,
    "year": 2026,
    "month": 11,
    **_TOTALS,
    "weeklyBreakdown": [{"week": 44, "startDate": "2026-11-01", "endDate": "2026-11-01", **_SUMS}],
    "topProducts": _TOP,
    **_TAIL,
}
METRICS: Example = {
    **_OF_SHOP,
    **_SPAN,
    **_TOTALS,
    "averageItemsPerOrder": 2.4,
    "sessions": 80,
    "conversionRate": 0.0625,
    "topProducts": _TOP,
    "payments": {
        "received": {"count": 5, "amount": 150.51},
        "failed": {"count": 1, "amount": 20},
        "failureRate": 0.1667,
    },
    "previousPeriod": {**_NONE, "averageOrderValue": None},
    **_TAIL,
}
TRENDS: Example = {
    **_OF_SHOP,
    **_SPAN,
    "series": _SERIES,
    "movingAverage7": [0, 21.5],
    "change": {"totalRevenue": None, "totalOrders": None, "totalItems": None},
    **_TAIL,
}
STOCK: Example = {
    "shopId": "s-17",
    "levels": [
        {
            "productId": "p-1",
            "locationId": None,
            "name": "Blue cup",
            "sku": "CUP-BLUE",
            "quantity": 8,
            "threshold": 10,
            "onOrder": 24,
            "dailySales": 0.5,
            "daysOfCover": 16,
            "low": True,
        }
    ],
    "next": "WyJwLTEiLCIiXQ",
    "asOf": "2026-11-22T10:15:30.123456Z",
}


def _problem(status: int, kind: str, title: str, detail: str, **more: str) -> Example:
    found = {"type": f"urn:shopstream:problem:{kind}", "title": title, "status": status}
    return {**found, "detail": detail, **more}


_DATE_RULE = "must be a date as YYYY-MM-DD"
PROBLEMS: dict[int, Example] = {
    400: _problem(
        400,
        "bad-parameter",
        "A parameter breaks its rule",
        f"date {_DATE_RULE}",
        parameter="date",
        rule=_DATE_RULE,
    ),
    401: _problem(401, "unauthorized", "A valid token is needed", "The token has expired."),
    403: _problem(
        403, "forbidden", "The token does not allow this", "The token does not allow this shop."
    ),
    429: _problem(
        429,
        "too-many-streams",
        "Too many streams",
        "This address has as many streams as it may have.",
    ),
    503: _problem(
        503,
        "not-yet",
        "Not there yet",
        "The place in includes was not reached within 5 s.",
    ),
}
"""By status."""
