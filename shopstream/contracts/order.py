"""The order: the whole of it as it now stands, in every event."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from shopstream.contracts import values
from shopstream.contracts.schema import Document, Field, Many, Shape
from shopstream.contracts.values import MONEY_LIMIT, REVISION_LIMIT, Invalid

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


def at_most_quantity(refunded: int, item: Document) -> None:
    """No more comes back than went out."""
    try:
        quantity = values.QUANTITY(item["quantity"])
    except Invalid:
        return
    if refunded > quantity:
        raise Invalid("must not be above quantity")


def sums_below_limit(items: list[dict[str, Any]], data: Document) -> None:
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


ITEM = Shape(
    (
        Field("productId", values.identifier, required=True, about="The product."),
        Field("quantity", values.QUANTITY, required=True, about="Units that are sold.", example=2),
        Field("unitPrice", values.money, required=True, about="The price of one unit."),
        Field("name", values.text, about="The product's name for people.", example="Blue cup"),
        Field(
            "refundedQuantity",
            values.COUNT,
            default=0,
            relation=at_most_quantity,
            about="Units that came back, at most `quantity`.",
            example=0,
        ),
    ),
    about="One line of an order.",
)
ORDER = Shape(
    (
        Field(
            "orderId",
            values.identifier,
            required=True,
            about="The order, unique in its shop.",
        ),
        Field(
            "status",
            values.OneOf(STATUSES),
            required=True,
            about="Orders that are cancelled, failed or refunded are in no total.",
            example="paid",
        ),
        Field(
            "currency",
            values.currency,
            required=True,
            about="The currency of all amounts of the order.",
        ),
        Field(
            "createdAt",
            values.time,
            required=True,
            about="Decides the local date of the order; the first accepted one counts.",
        ),
        Field(
            "updatedAt",
            values.time,
            required=True,
            about="When the order became this; the latest one stands unless it is more than 24 h ahead.",
        ),
        Field(
            "items",
            Many(ITEM, 1, MAX_ITEMS),
            required=True,
            relation=sums_below_limit,
            about="The lines; what is summed over them for an absent total stays below 10^12.",
        ),
        Field(
            "revision",
            values.Whole(0, REVISION_LIMIT - 1),
            default=0,
            about="Of two versions with the same `updatedAt` the greater one is later.",
        ),
        Field("customerId", values.identifier, about="Who ordered."),
        Field(
            "total",
            values.money,
            about="What is to be paid; the sum of `quantity` x `unitPrice` without it.",
            example="39.80",
        ),
        Field(
            "refundedTotal",
            values.money,
            about="What was paid back, also above `total`; "
            "the sum of `refundedQuantity` x `unitPrice` without it.",
            example="0",
        ),
    ),
    about="The whole order as it now stands.",
    latest_by="updatedAt",
)
EVENTS = {"order:created": ORDER, "order:updated": ORDER}


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
