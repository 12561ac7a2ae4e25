"""Every order in its latest version, from the records in the order of their arrival."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from support.events import Refusal, Sent

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNCOUNTED = {"cancelled", "failed", "refunded"}
MOVED = Refusal("order_moved", "data.createdAt")


class Line(NamedTuple):
    product: str
    name: str | None
    quantity: int
    refunded: int
    price: Decimal


class Place(NamedTuple):
    """Where a version stands among those of its order: the greatest is the latest."""

    micros: int
    revision: int
    tie: int


@dataclass(frozen=True)
class Version:
    shop: str
    order_id: str
    place: Place
    created: datetime
    status: str
    currency: str
    total: Decimal
    refund: Decimal
    lines: tuple[Line, ...]

    @property
    def counted(self) -> bool:
        return self.status not in UNCOUNTED

    @property
    def revenue(self) -> Decimal:
        return self.total - self.refund

    @property
    def items(self) -> int:
        return sum(line.quantity - line.refunded for line in self.lines)


class Book:
    """`orders` by (shop, order id). Give it every record that was ever sent, also those sent again."""

    def __init__(self) -> None:
        self.orders: dict[tuple[str, str], Version] = {}
        self.records = 0
        self._created: dict[tuple[str, str], datetime] = {}

    def take(self, sent: Sent) -> Refusal | None:
        """One record arrives; why it is refused, or None."""
        self.records += 1
        if sent.refusal is not None:
            return sent.refusal
        version = read(sent.value or b"")
        key = (version.shop, version.order_id)
        if self._created.setdefault(key, version.created) != version.created:
            return MOVED
        before = self.orders.get(key)
        if before is None or version.place > before.place:
            self.orders[key] = version
        return None

    def take_all(self, records: Iterable[Sent]) -> list[Refusal | None]:
        return [self.take(sent) for sent in records]

    @property
    def shops(self) -> list[str]:
        return sorted({shop for shop, _ in self.orders})


def read(value: bytes) -> Version:
    """The version that an event tells of."""
    event = json.loads(value, parse_float=Decimal)
    data = event["data"]
    lines = tuple(_line(item) for item in data["items"])
    sold = sum((line.quantity * line.price for line in lines), Decimal(0))
    returned = sum((line.refunded * line.price for line in lines), Decimal(0))
    return Version(
        event["shopid"],
        data["orderId"],
        Place(micros(data["updatedAt"]), data.get("revision") or 0, tie(event)),
        instant(data["createdAt"]),
        data["status"],
        data["currency"],
        sold if data.get("total") is None else Decimal(data["total"]),
        returned if data.get("refundedTotal") is None else Decimal(data["refundedTotal"]),
        lines,
    )


def _line(item: dict[str, Any]) -> Line:
    refunded = item.get("refundedQuantity") or 0
    price = Decimal(item["unitPrice"])
    return Line(item["productId"], item.get("name"), item["quantity"], refunded, price)


def tie(event: dict[str, Any]) -> int:
    text = f"{event['source']}\n{event['id']}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def instant(text: str) -> datetime:
    """RFC 3339; what is finer than a microsecond is cut."""
    text = text.upper().replace("Z", "+00:00")
    whole, offset = text[:-6], text[-6:]
    whole, _, fraction = whole.partition(".")
    moment = datetime.fromisoformat(whole + offset).astimezone(UTC)
    return moment + timedelta(microseconds=int(fraction[:6].ljust(6, "0")))


def micros(text: str) -> int:
    return (instant(text) - EPOCH) // timedelta(microseconds=1)
