"""Purchases: created once, closed by any receipt; whichever comes first."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oracle.reading import Event, Place, instant, money, place, units

Key = tuple[str, str]
"""Shop, purchase id."""


@dataclass(frozen=True)
class Fact:
    """That a purchase was created, or that it was received. `items`: (product, quantity, unit cost)."""

    shop: str
    purchase_id: str
    place: Place
    supplier: str
    at: datetime
    expected: datetime | None
    items: tuple[tuple[str, Decimal, Decimal], ...]


class Purchases:
    """Of two creations the earlier one stands, of the same instant the first that arrived; and so of two receipts."""

    def __init__(self) -> None:
        self.created: dict[Key, Fact] = {}
        self.received: dict[Key, Fact] = {}

    def take(self, event: Event) -> None:
        facts = self.created if event["type"] == "purchase:created" else self.received
        fact = read(event)
        key = (fact.shop, fact.purchase_id)
        known = facts.get(key)
        if known is None or fact.at < known.at:
            facts[key] = fact

    @property
    def on_order(self) -> dict[tuple[str, str], Decimal]:
        """(shop, product): units in purchases that were created and not received."""
        found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for key, fact in self.created.items():
            if key not in self.received:
                for product, quantity, _ in fact.items:
                    found[fact.shop, product] += quantity
        return found


def read(event: Event) -> Fact:
    data = event["data"]
    expected = data.get("expectedAt")
    return Fact(
        event["shopid"],
        data["purchaseId"],
        place(event, "at"),
        data["supplierId"],
        instant(data["at"]),
        None if expected is None else instant(expected),
        tuple((i["productId"], units(i["quantity"]), money(i["unitCost"])) for i in data["items"]),
    )
