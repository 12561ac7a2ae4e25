"""The order: the whole of it as it now stands, in every event."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from shopstream.contracts import values
from shopstream.contracts.schema import Document, Field, Many, Shape
from shopstream.contracts.values import MONEY_LIMIT, QUANTITY_LIMIT, REVISION_LIMIT, Invalid

STATUSES = (
    "pending",
    "paid",
    "processing",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
    "failed",
    "refunded",
)
NOT_COUNTED = frozenset({"cancelled", "failed", "refunded"})
MAX_ITEMS = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """One line. `unit_price` has scale 4."""

    product_id: str
    quantity: int
    unit_price: Decimal
    name: str | None
    refunded_quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """Money has scale 4; `total` and `refunded_total` are None where the event leaves them out."""

    order_id: str
    status: str
    currency: str
    created_at: datetime
    updated_at: datetime
    revision: int
    customer_id: str | None
    total: Decimal | None
    refunded_total: Decimal | None
    items: tuple[Item, ...]


def _at_most_quantity(refunded: int, item: Document) -> None:
    try:
        quantity = _QUANTITY(item["quantity"])
    except Invalid:
        return
    if refunded > quantity:  # type: ignore[operator]
        raise Invalid("must not be above quantity")


def _sums_below_limit(items: list[dict[str, Any]], data: Document) -> None:
    """Contract: totals and refunds that are computed from the items stay below 10^12 too."""
    if data.get("total") is None and _sum(items, "quantity") >= MONEY_LIMIT:
        raise Invalid("must have a sum of quantity x unitPrice below 10^12")
    if data.get("refundedTotal") is None and _sum(items, "refundedQuantity") >= MONEY_LIMIT:
        raise Invalid("must have a sum of refundedQuantity x unitPrice below 10^12")


def _sum(items: list[dict[str, Any]], count: str) -> Decimal:
    total = Decimal(0)
    for item in items:
        total += (item[count] or 0) * item["unitPrice"]
    return total


_QUANTITY = values.whole(1, QUANTITY_LIMIT - 1)

ITEM = Shape(
    (
        Field("productId", values.identifier, required=True),
        Field("quantity", _QUANTITY, required=True),
        Field("unitPrice", values.money, required=True),
        Field("name", values.text),
        Field("refundedQuantity", values.whole(0, QUANTITY_LIMIT - 1), relation=_at_most_quantity),
    )
)
ORDER = Shape(
    (
        Field("orderId", values.identifier, required=True),
        Field("status", values.one_of(frozenset(STATUSES), ", ".join(STATUSES)), required=True),
        Field("currency", values.currency, required=True),
        Field("createdAt", values.time, required=True),
        Field("updatedAt", values.time, required=True),
        Field("items", Many(ITEM, 1, MAX_ITEMS), required=True, relation=_sums_below_limit),
        Field("revision", values.whole(0, REVISION_LIMIT - 1)),
        Field("customerId", values.identifier),
        Field("total", values.money),
        Field("refundedTotal", values.money),
    )
)


def order(data: dict[str, Any]) -> Order:
    """From the members that `schema.read(ORDER, …)` returns."""
    return Order(
        order_id=data["orderId"],
        status=data["status"],
        currency=data["currency"],
        created_at=data["createdAt"],
        updated_at=data["updatedAt"],
        revision=data["revision"] or 0,
        customer_id=data["customerId"],
        total=data["total"],
        refunded_total=data["refundedTotal"],
        items=tuple(
            Item(
                item["productId"],
                item["quantity"],
                item["unitPrice"],
                item["name"],
                item["refundedQuantity"] or 0,
            )
            for item in data["items"]
        ),
    )
