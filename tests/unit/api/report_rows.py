"""Rows of the windows, and reports made of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson

from api.reports import days
from api.reports.profiles import Profile
from api.reports.report import Report, ReportData, report_body
from api.reports.windows import GRAIN_NUMBERS, WindowRows
from clickhouse.native import INT128
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
    sums = {"orders": orders, "revenue": revenue, "items": items, "gross": revenue}
    return {"begin": int(begin.timestamp()), "currency": currency, **NO_REFUNDS, **sums}


BEFORE_REFUNDS: dict[str, Any] = {"grossRevenue": 0, "refunds": {"count": 0, "amount": 0}}
NEVER_REVISED: dict[str, Any] = {
    "revisedAt": None,
    "revised": {"orders": None, "refunds": None, "payments": None},
}
NO_REFUNDS = {"gross": 0, "refunds": 0, "refunded": 0, "revised": 0, "refunds_revised": 0}
"""Numbers of a row that few tests are about."""


def window_rows(rows: Iterable[tuple[Any, ...]]) -> WindowRows:
    """Columns of `order_windows.sql`. `rows`: grain by name, start, currency, product, orders, units and revenue in
    1/10000, and when they last changed; what is left out at the end is 0."""
    full = [(*row, *[0] * (8 - len(row))) for row in rows]
    grain, start, currency, product, orders, quantity, revenue, revised = (
        [list(column) for column in zip(*full, strict=True)] if full else [[] for _ in range(8)]
    )
    return WindowRows(
        np.array([GRAIN_NUMBERS[name] for name in grain], "i1"),
        np.array(start, "<u4"),
        np.array(currency, "S3"),
        product,
        np.array(orders, "<i8"),
        int128(quantity),
        int128(revenue),
        np.array(revised, "<u4"),
    )


def payment_columns(rows: Sequence[tuple[int, bytes, int, int, int]]) -> list[Any]:
    """Columns of `payments_15m.sql`. `rows`: slot, currency, payments, their amount in 1/10000, and when they last
    changed."""
    slot, currency, payments, amount, revised = zip(*rows, strict=True) if rows else [()] * 5
    return [
        np.array(slot, "<u4"),
        np.array(currency, "S3"),
        np.array(payments, "<i8"),
        int128(amount),
        np.array(revised, "<u4"),
    ]


def int128(numbers: Iterable[int]) -> Any:
    """A column of `INT128`."""
    return np.array([(number % 2**64, number >> 64) for number in numbers], INT128)


def sums(revenue: float, orders: int, items: int) -> dict[str, Any]:
    return {"totalRevenue": revenue, "totalOrders": orders, "totalItems": items}


NONE = sums(0, 0, 0)


def busy(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those with anything in them."""
    return [entry for entry in entries if any(entry[name] for name in NONE)]
