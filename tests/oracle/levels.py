"""The level of each product at each location, and every crossing of a threshold."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from oracle.reading import Event, Latest, Place, instant, units

DEFAULT_THRESHOLD = 10
Key = tuple[str, str, str | None]
"""Shop, product, location or none."""


@dataclass(frozen=True)
class Level:
    """`low`: at or below the threshold as that stood when the event arrived."""

    shop: str
    product: str
    location: str | None
    place: Place
    quantity: Decimal
    updated: datetime
    name: str | None
    sku: str | None
    threshold: int | None
    low: bool
    unit: str | None = None

    @property
    def key(self) -> Key:
        return self.shop, self.product, self.location


class Crossing(NamedTuple):
    """`low`: it is `stock:low`, or else `stock:recovered`. `at` is the event's updatedAt."""

    shop: str
    product: str
    location: str | None
    low: bool
    quantity: Decimal
    threshold: int
    sku: str | None
    at: datetime


class Levels:
    """`crossings` in the order of arrival."""

    def __init__(self) -> None:
        self.latest: dict[Key, Level] = {}
        self.crossings: list[Crossing] = []
        self._versions = Latest()

    def take(self, event: Event, shop_threshold: int | None) -> None:
        """`shop_threshold` is what the shop says at this moment."""
        data = event["data"]
        key = event["shopid"], data["productId"], data.get("locationId")
        place = self._versions.take(key, event, "updatedAt")
        if place is None:
            return
        threshold = threshold_of(data.get("lowStockThreshold"), shop_threshold)
        level, before = read(event, place, threshold), self.latest.get(key)
        self.latest[level.key] = level
        crosses = level.low != (before is not None and before.low)
        if crosses and not event.get("shopstreambackfill"):
            self.crossings.append(
                Crossing(*level.key, level.low, level.quantity, threshold, level.sku, level.updated)
            )


def threshold_of(own: int | None, shop: int | None) -> int:
    """The event's own, else the shop's, else 10; 0 is one, too."""
    if own is not None:
        return own
    return DEFAULT_THRESHOLD if shop is None else shop


def read(event: Event, place: Place, threshold: int) -> Level:
    data = event["data"]
    return Level(
        event["shopid"],
        data["productId"],
        data.get("locationId"),
        place,
        units(data["quantity"]),
        instant(data["updatedAt"]),
        data.get("name"),
        data.get("sku"),
        data.get("lowStockThreshold"),
        units(data["quantity"]) <= threshold,
        data.get("unit"),
    )
