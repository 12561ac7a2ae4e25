"""The daily report: rows of the windows to its body. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shopstream.api.reports import days, money
from shopstream.api.reports.profile import Profile
from shopstream.clickhouse.client import Row

Body = dict[str, Any]


@dataclass(slots=True)
class Totals:
    """Sums over some quarters of an hour in one currency."""

    revenue: Decimal = money.ZERO
    orders: int = 0
    items: int = 0

    def add(self, other: "Totals") -> None:
        """Exact."""
        self.revenue = money.add(self.revenue, other.revenue)
        self.orders += other.orders
        self.items += other.items

    def body(self) -> Body:
        """As every breakdown entry carries it."""
        return {
            "totalRevenue": money.number(self.revenue),
            "totalOrders": self.orders,
            "totalItems": self.items,
        }

    def __bool__(self) -> bool:
        return bool(self.orders or self.items or self.revenue)


def daily_sales(
    shop: str,
    day: date,
    now: datetime,
    profile: Profile,
    quarters: Iterable[Row],
    top: Sequence[Row],
    names: Mapping[str, str | None],
) -> Body:
    """The body without `asOf`.

    Args:
        now: decides whether the day is over.
        quarters: `begin` (Unix seconds), `currency`, `orders`, `revenue`, `items` of the day's quarters.
        top: `product_id`, `quantity`, `revenue`, in their order.
        names: by product; one without a name may be missing.
    """
    marks = days.hours(day, profile.zone)
    hours, others = _by_hour(marks, profile.currency, quarters)
    total = Totals()
    for hour in hours:
        total.add(hour)
    return {
        "shopId": shop,
        "date": day.isoformat(),
        "currency": profile.currency,
        "timezone": profile.zone.key,
        "partial": now < marks[-1],
        **total.body(),
        "averageOrderValue": money.number(money.average(total.revenue, total.orders)),
        "hourlyBreakdown": [
            {"start": days.local_text(mark, profile.zone), **hour.body()}
            for mark, hour in zip(marks, hours, strict=False)
        ],
        "topProducts": [_product(row, names) for row in top],
        "otherCurrencies": [
            {"currency": code, **others[code].body()} for code in sorted(others) if others[code]
        ],
    }


def _by_hour(
    marks: Sequence[datetime], currency: str | None, quarters: Iterable[Row]
) -> tuple[list[Totals], dict[str, Totals]]:
    first = int(marks[0].timestamp())
    hours = [Totals() for _ in marks[1:]]
    others: dict[str, Totals] = {}
    for row in quarters:
        sums = Totals(Decimal(row["revenue"]), row["orders"], row["items"])
        if row["currency"] == currency:
            hours[(row["begin"] - first) // 3600].add(sums)
        else:
            others.setdefault(row["currency"], Totals()).add(sums)
    return hours, others


def _product(row: Row, names: Mapping[str, str | None]) -> Body:
    return {
        "productId": row["product_id"],
        "name": names.get(row["product_id"]),
        "quantity": row["quantity"],
        "revenue": money.number(Decimal(row["revenue"])),
    }


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of the local day and the one after its last (UTC)."""
    marks = days.hours(day, zone)
    return marks[0], marks[-1]
