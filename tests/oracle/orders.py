"""Every order in its latest version."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from oracle.exact import difference, times, total
from oracle.reading import Event, Latest, Place, instant, money

UNCOUNTED = {"cancelled", "failed", "refunded"}


class Line(NamedTuple):
    product: str
    name: str | None
    quantity: int
    refunded: int
    price: Decimal

    @property
    def left(self) -> int:
        """Units that were sold and not given back."""
        return self.quantity - self.refunded

    @property
    def revenue(self) -> Decimal:
        return times(self.left, self.price)


@dataclass(frozen=True)
class Version:
    shop: str
    order_id: str
    place: Place
    created: datetime
    status: str
    currency: str
    customer: str | None
    total: Decimal
    refund: Decimal
    lines: tuple[Line, ...]

    @property
    def counted(self) -> bool:
        return self.status not in UNCOUNTED

    @property
    def revenue(self) -> Decimal:
        return difference(self.total, self.refund)

    @property
    def items(self) -> int:
        return sum(line.left for line in self.lines)

    @property
    def names(self) -> dict[str, str]:
        """What it calls its products: the last line that names one wins."""
        return {line.product: line.name for line in self.lines if line.name is not None}


class Orders:
    """`latest` by (shop, order id)."""

    def __init__(self) -> None:
        self.latest: dict[tuple[str, str], Version] = {}
        self._created: dict[tuple[str, str], datetime] = {}
        self._versions = Latest()

    def take(self, event: Event) -> None:
        data = event["data"]
        key = (event["shopid"], data["orderId"])
        created = self._created.setdefault(key, instant(data["createdAt"]))
        place = self._versions.take(key, event, "updatedAt", data.get("revision") or 0)
        if place is not None:
            self.latest[key] = read(event, place, created)


def read(event: Event, place: Place, created: datetime) -> Version:
    """The version that an event tells of; `created` is the first that any version gave."""
    data = event["data"]
    lines = tuple(_line(item) for item in data["items"])
    sold = total(times(line.quantity, line.price) for line in lines)
    returned = total(times(line.refunded, line.price) for line in lines)
    return Version(
        event["shopid"],
        data["orderId"],
        place,
        created,
        data["status"],
        data["currency"],
        data.get("customerId"),
        sold if data.get("total") is None else money(data["total"]),
        returned if data.get("refundedTotal") is None else money(data["refundedTotal"]),
        lines,
    )


def _line(item: dict[str, Any]) -> Line:
    refunded = item.get("refundedQuantity") or 0
    price = money(item["unitPrice"])
    return Line(item["productId"], item.get("name"), item["quantity"], refunded, price)
