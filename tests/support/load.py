"""Orders by the thousand, the same for the same seed."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from support.events import Sent, item, order, record

STATUSES = (
    "pending",
    "paid",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
    "refunded",
    "failed",
)
PRODUCTS = 40
START = datetime(2026, 9, 1)


def versions(seed: int, orders: int, shops: int = 5, prefix: str = "load") -> list[Sent]:
    """One to four versions of each order, in the order in which a shop would write them."""
    chance = random.Random(seed)
    return [
        record(event)
        for number in range(orders)
        for event in _versions(chance, f"{prefix}-{chance.randrange(shops)}", f"o-{seed}-{number}")
    ]


def stirred(seed: int, records: list[Sent], repeats: float = 0.15) -> list[Sent]:
    """Shuffled, a share of them twice."""
    chance = random.Random(seed)
    mixed = records + chance.sample(records, round(len(records) * repeats))
    chance.shuffle(mixed)
    return mixed


def _versions(chance: random.Random, shop: str, order_id: str) -> Iterator[dict[str, Any]]:
    created = START + timedelta(microseconds=chance.randrange(90 * 86_400_000_000))
    items = _items(chance)
    second = 0.0
    for revision in range(chance.choice((1, 1, 2, 3, 4))):
        # now and then the same instant: then the revision decides
        second += chance.choice((0, 1, 2.5))
        yield order(
            shop,
            order_id,
            version=second,
            created=created.isoformat(timespec="microseconds") + "Z",
            status=chance.choice(STATUSES),
            currency=chance.choice(("EUR", "EUR", "EUR", "USD", "JPY")),
            items=_refunded(chance, items),
            event_id=f"{order_id}-{revision}",
            revision=revision,
            **_amounts(chance),
        )
        if chance.random() < 0.3:
            items = _items(chance)


def _items(chance: random.Random) -> list[dict[str, Any]]:
    return [
        item(
            f"p-{number}",
            chance.randrange(1, 6),
            str(Decimal(chance.randrange(1, 100_000)) / chance.choice((1, 100, 10_000))),
            **({"name": f"Thing {number}/{chance.randrange(3)}"} if chance.random() < 0.8 else {}),
        )
        for number in chance.sample(range(PRODUCTS), chance.randrange(1, 5))
    ]


def _refunded(chance: random.Random, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**line, "refundedQuantity": chance.randrange(line["quantity"] + 1)}
        if chance.random() < 0.2
        else line
        for line in items
    ]


def _amounts(chance: random.Random) -> dict[str, Any]:
    """Some events say what was paid or given back, whatever their lines add up to."""
    found = {}
    if chance.random() < 0.3:
        found["total"] = str(Decimal(chance.randrange(10_000_000)) / 10_000)
    if chance.random() < 0.2:
        found["refundedTotal"] = str(Decimal(chance.randrange(1_000_000)) / 100)
    return found
