"""Rows of the windows, and reports made of them."""

from datetime import UTC, datetime
from typing import Any

import orjson

from api.reports import days
from api.reports.profiles import Profile
from api.reports.report import Report, ReportData, report_body
from shopstream.contracts.zones import zone_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def made(
    report: Report,
    sales: list[tuple[str, str, int, str, int]] = (),  # type: ignore[assignment]
    zone: str = "UTC",
    now: datetime = NOON,
    currency: str | None = "EUR",
    **data: Any,
) -> dict[str, Any]:
    """The body as it leaves. `sales`: instant, currency, orders, revenue, items."""
    profile = Profile(currency, zone_of(zone))
    period = report.period(days.today(now, profile.zone), profile.zone)
    rows = [_row(period.boundaries, *one) for one in sales]
    body = report_body(report, "s1", now, profile, period, ReportData(rows, **data))
    found: dict[str, Any] = orjson.loads(orjson.dumps(body))
    return found


def _row(
    boundaries: Any, at: str, currency: str, orders: int, revenue: str, items: int
) -> dict[str, Any]:
    """As the engine sums: by the boundary before."""
    instant = datetime.fromisoformat(at)
    begin = max(boundary for boundary in boundaries if boundary <= instant)
    assert instant < boundaries[-1]
    sums = {"orders": orders, "revenue": revenue, "items": items}
    return {"begin": int(begin.timestamp()), "currency": currency, **sums}


def sums(revenue: float, orders: int, items: int) -> dict[str, Any]:
    return {"totalRevenue": revenue, "totalOrders": orders, "totalItems": items}


NONE = sums(0, 0, 0)


def busy(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those with anything in them."""
    return [entry for entry in entries if any(entry[name] for name in NONE)]
