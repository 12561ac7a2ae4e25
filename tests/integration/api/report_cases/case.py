"""One case, and short words for what is in many."""

from dataclasses import dataclass
from typing import Any

from support import events

SHOP = "shop"
"""Stands for the case's own."""
Event = dict[str, Any]
BREAKDOWNS = ("hourlyBreakdown", "dailyBreakdown", "weeklyBreakdown", "series")


@dataclass(frozen=True)
class Case:
    """`says` are fields of the answer; of a breakdown only the entries with anything in them, and
    `entries` is how many there are in all. `waves` of events arrive one after the other."""

    name: str
    path: str
    says: dict[str, Any]
    waves: tuple[list[Event], ...] = ()
    now: str = "2026-11-22T12:00:00+00:00"


def zone(name: str, currency: str = "EUR", **more: Any) -> Event:
    return events.settings(SHOP, name, currency, **more)


def sold(created: str, price: Any = 1, quantity: int = 1, **more: Any) -> Event:
    """An order of one line; `more` as in `support.events.order`."""
    order_id = more.pop("order_id", f"o-{created}-{price}")
    product = more.pop("product", "p1")
    named = {"name": name} if (name := more.pop("name", None)) else {}
    refunded = {"refundedQuantity": back} if (back := more.pop("back", None)) else {}
    line = events.item(product, quantity, price, **named, **refunded)
    return events.order(SHOP, order_id, created=created, items=[line], **more)


def sums(revenue: Any, orders: int, items: int, **more: Any) -> Event:
    return {**more, "totalRevenue": revenue, "totalOrders": orders, "totalItems": items}


def on(date: str, revenue: Any, orders: int, items: int) -> Event:
    return sums(revenue, orders, items, date=date)


def hour(start: str, revenue: Any = 1, orders: int = 1, items: int = 1) -> Event:
    return sums(revenue, orders, items, start=start)


def product(name: str, quantity: int, revenue: Any, called: str | None = None) -> Event:
    return {"productId": name, "name": called, "quantity": quantity, "revenue": revenue}
