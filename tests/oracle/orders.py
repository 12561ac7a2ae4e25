"""Every order in its latest version."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from oracle.exact import difference, half_even, times, total
from oracle.reading import Event, Latest, Place, instant, money, some_money, units

UNCOUNTED = {"cancelled", "failed", "refunded"}
SOLD = {"product", "return"}


class Line(NamedTuple):
    product: str
    name: str | None
    quantity: Decimal
    refunded: Decimal
    price: Decimal
    kind: str = "product"
    total: Decimal | None = None
    refunded_total: Decimal | None = None
    discount: Decimal | None = None
    tax: Decimal | None = None
    unit: str | None = None
    variant: str | None = None
    category: str | None = None

    @property
    def amount(self) -> Decimal:
        """What it adds to the order."""
        if self.total is not None:
            return self.total
        return half_even(times(self.quantity, self.price), 1, 4)

    @property
    def refund(self) -> Decimal:
        """What was given back of that."""
        if self.refunded_total is not None:
            return self.refunded_total
        if self.total is None:
            return half_even(times(self.refunded, self.price), 1, 4)
        if not self.refunded:
            return Decimal(0)
        return half_even(Fraction(self.total) * Fraction(self.refunded), self.quantity, 4)

    @property
    def sold(self) -> bool:
        """Whether it is in the sales of its product."""
        return self.kind in SOLD

    @property
    def left(self) -> Decimal:
        """Units that were sold and not given back."""
        return self.quantity - self.refunded if self.sold else Decimal(0)

    @property
    def revenue(self) -> Decimal:
        return difference(self.amount, self.refund) if self.sold else Decimal(0)


class Refund(NamedTuple):
    id: str
    amount: Decimal
    at: datetime


@dataclass(frozen=True)
class Version:
    shop: str
    order_id: str
    place: Place
    created: datetime
    placed: datetime
    status: str
    currency: str
    customer: str | None
    total: Decimal
    refund: Decimal
    lines: tuple[Line, ...]
    dated: tuple[Refund, ...] = ()
    tax: Decimal | None = None
    shipping: Decimal | None = None
    discount: Decimal | None = None
    tip: Decimal | None = None
    statuses: frozenset[str] | None = None
    """Those that its shop counts, where it has said."""

    @property
    def gross(self) -> Decimal | None:
        """None where not even that counts."""
        return self.total if self.counted or self.status == "refunded" else None

    @property
    def refunds(self) -> list[tuple[datetime, Decimal]]:
        """When how much was paid back: what has no date of its own has that of the order, and an order that is
        refunded as a whole is paid back as a whole."""
        if self.gross is None:
            return []
        dated = [(refund.at, refund.amount) for refund in self.dated]
        whole = self.refund if self.counted else self.total
        rest = difference(whole, total(amount for _, amount in dated))
        return [*dated, (self.placed, rest)] if rest else dated

    @property
    def counted(self) -> bool:
        if self.statuses is not None:
            return self.status in self.statuses
        return self.status not in UNCOUNTED

    @property
    def revenue(self) -> Decimal:
        return difference(self.total, self.refund)

    @property
    def items(self) -> Decimal:
        return sum((line.left for line in self.lines), Decimal(0))

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
    sold = total(line.amount for line in lines)
    dated = tuple(
        Refund(one["id"], money(one["amount"]), instant(one["at"]))
        for one in data.get("refunds") or ()
    )
    returned = total((one.amount for one in dated) if dated else (line.refund for line in lines))
    return Version(
        event["shopid"],
        data["orderId"],
        place,
        created,
        instant(data["placedAt"]) if data.get("placedAt") else created,
        data["status"],
        data["currency"],
        data.get("customerId"),
        sold if data.get("total") is None else money(data["total"]),
        returned if data.get("refundedTotal") is None else money(data["refundedTotal"]),
        lines,
        dated,
        *(
            some_money(data.get(name))
            for name in ("taxTotal", "shippingTotal", "discountTotal", "tipTotal")
        ),
    )


def _line(item: dict[str, Any]) -> Line:
    return Line(
        item["productId"],
        item.get("name"),
        units(item["quantity"]),
        units(item.get("refundedQuantity") or 0),
        money(item["unitPrice"]),
        item.get("kind") or "product",
        *(some_money(item.get(name)) for name in ("total", "refundedTotal", "discount", "tax")),
        *(item.get(name) for name in ("unit", "variantId", "category")),
    )
