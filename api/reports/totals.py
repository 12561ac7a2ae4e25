"""Sums of a report: rows of the windows, cut at its marks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from api.reports import money
from clickhouse.client import Row

Body = dict[str, Any]


class Totals(NamedTuple):
    """Sums over some quarters of an hour in one currency."""

    revenue: Decimal = money.ZERO
    orders: int = 0
    items: int = 0

    def plus(self, other: "Totals") -> "Totals":
        """Exact."""
        return Totals(
            money.add(self.revenue, other.revenue),
            self.orders + other.orders,
            self.items + other.items,
        )

    def body(self) -> Body:
        """As every entry of a breakdown carries it."""
        return {
            "totalRevenue": money.number(self.revenue),
            "totalOrders": self.orders,
            "totalItems": self.items,
        }

    def whole(self) -> Body:
        """As a report carries it for its whole period."""
        average = money.average(self.revenue, self.orders)
        return {**self.body(), "averageOrderValue": money.number(average)}

    def __bool__(self) -> bool:
        return bool(self.orders or self.items or self.revenue)


NOTHING = Totals()


def entries(label: str, texts: Iterable[str], parts: Iterable[Totals]) -> list[Body]:
    """A breakdown: the body of each part behind its text."""
    return [
        {
            label: text,
            "totalRevenue": money.number(revenue),
            "totalOrders": orders,
            "totalItems": items,
        }
        for text, (revenue, orders, items) in zip(texts, parts, strict=True)
    ]


@dataclass(slots=True)
class Sums:
    """`parts` in the shop's currency, one between two marks; `others` by currency, over the period."""

    parts: list[Totals]
    others: dict[str, Totals] = field(default_factory=dict)

    def total(self, start: int = 0, end: int | None = None) -> Totals:
        """Of the parts from `start` to before `end`."""
        if not (parts := self.parts[start:end]):
            return NOTHING
        revenues, orders, items = zip(*parts, strict=True)
        return Totals(money.total(revenues), sum(orders), sum(items))

    def other_currencies(self) -> list[Body]:
        """Sorted; one without anything in it is left out."""
        found = sorted(self.others.items())
        return [{"currency": code, **sums.body()} for code, sums in found if sums]


def read_sums(
    rows: Iterable[Row], marks: Sequence[datetime], since: int, currency: str | None
) -> Sums:
    """Args:
        rows: `begin` (Unix seconds, one of the marks), `currency`, `orders`, `revenue` (a decimal or its
            text), `items`.
        since: the mark at which the period begins; the ones before it are for comparison.

    Of two marks at the same instant (a day that the zone skips) the later one begins the part.
    """
    parts, others = [NOTHING] * (len(marks) - 1), dict[str, Totals]()
    place = {int(mark.timestamp()): number for number, mark in enumerate(marks[:-1])}
    for row in rows:
        part = Totals(Decimal(row["revenue"]), row["orders"], row["items"])
        number, code = place[row["begin"]], row["currency"]
        if code == currency:
            known = parts[number]
            parts[number] = part if known is NOTHING else known.plus(part)
        elif number >= since:
            others[code] = others.get(code, NOTHING).plus(part)
    return Sums(parts, others)
