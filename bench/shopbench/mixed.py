"""Events of every topic in the order of their time: orders as `orders` makes them, and what goes with them."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from shopbench import orders
from shopstream.contracts.topics import (
    INVENTORY,
    ORDERS,
    PAYMENTS,
    PURCHASES,
    SETTINGS,
    SUPPLIERS,
    TRAFFIC,
)

UPDATES = 0.10
"""Of all events of a thing that can change; levels, suppliers and settings change each time they are told."""
SHARES = {
    ORDERS: 40,
    INVENTORY: 20,
    PAYMENTS: 20,
    TRAFFIC: 14,
    PURCHASES: 4,
    SUPPLIERS: 1,
    SETTINGS: 1,
}
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC")
Event = tuple[str, bytes, bytes]
"""Topic, key, value."""


class Mixed:
    """The same seed gives the same events."""

    def __init__(self, clock: Callable[[int], datetime], seed: int = 20260105) -> None:
        self._clock = clock
        self._orders = orders.Generator(clock, seed=seed, updates=UPDATES)
        self._random = random.Random(seed)
        self._made = 0
        self.size = 0

    def events(self, count: int) -> Iterator[Event]:
        """This many."""
        topics, weights = list(SHARES), list(SHARES.values())
        makers = {
            INVENTORY: self._level,
            PAYMENTS: self._payment,
            TRAFFIC: self._visit,
            PURCHASES: self._purchase,
            SUPPLIERS: self._supplier,
            SETTINGS: self._settings,
        }
        for _ in range(count):
            (topic,) = self._random.choices(topics, weights)
            self._made += 1
            key, value = self._orders.event() if topic == ORDERS else makers[topic]()
            self.size += len(value)
            yield topic, key, value

    def _event(self, kind: str, entity: str | None, **data: Any) -> tuple[bytes, bytes]:
        shop = orders.shop_name(1 + int(self._random.random() ** 2 * orders.SHOPS))
        event = {
            "specversion": "1.0",
            "id": f"m-{self._made}",
            "source": "/bench",
            "type": kind,
            "time": self._now(),
            "shopid": shop,
            "data": data,
        }
        key = shop if entity is None else f"{shop}/{data[entity]}"
        return key.encode(), json.dumps(event, separators=(",", ":")).encode()

    def _now(self) -> str:
        return orders.text(self._clock(self._made))

    def _one(self, name: str) -> str:
        """A new thing, or one of the last thousand."""
        number = self._made
        if self._random.random() < UPDATES:
            number -= self._random.randrange(1000)
        return f"{name}-{number}"

    def _product(self) -> str:
        return f"product-{int(self._random.random() ** 2 * orders.PRODUCTS):04d}"

    def _level(self) -> tuple[bytes, bytes]:
        place = {"locationId": "store"} if self._random.random() < 0.3 else {}
        return self._event(
            "inventory:updated",
            "productId",
            productId=self._product(),
            quantity=self._random.randrange(60),
            updatedAt=self._now(),
            sku=f"SKU-{self._made % 997}",
            **place,
        )

    def _payment(self) -> tuple[bytes, bytes]:
        failed = self._random.random() < 0.08
        return self._event(
            "payment:failed" if failed else "payment:received",
            "paymentId",
            paymentId=self._one("payment"),
            orderId=f"order-{self._made}",
            amount=f"{self._random.randrange(100, 50_000) / 100:.2f}",
            currency="EUR",
            method="card",
            at=self._now(),
        )

    def _visit(self) -> tuple[bytes, bytes]:
        return self._event(
            "storefront:visited", "sessionId", sessionId=self._one("session"), at=self._now()
        )

    def _purchase(self) -> tuple[bytes, bytes]:
        received = self._random.random() < 0.4
        items = [
            {"productId": self._product(), "quantity": 10 + n, "unitCost": "4.20"} for n in range(2)
        ]
        return self._event(
            "purchase:received" if received else "purchase:created",
            "purchaseId",
            purchaseId=self._one("purchase"),
            supplierId=f"supplier-{self._made % 20}",
            items=items,
            at=self._now(),
        )

    def _supplier(self) -> tuple[bytes, bytes]:
        number = self._random.randrange(20)
        return self._event(
            "supplier:updated",
            "supplierId",
            supplierId=f"supplier-{number}",
            name=f"Supplier {number}",
            leadTimeDays=number,
            updatedAt=self._now(),
        )

    def _settings(self) -> tuple[bytes, bytes]:
        return self._event(
            "shop:updated",
            None,
            name="A shop",
            timezone=self._random.choice(ZONES),
            currency="EUR",
            updatedAt=self._now(),
        )
