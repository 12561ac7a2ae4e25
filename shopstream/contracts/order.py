"""The order: the whole of it as it now stands, in every event."""

import json
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import reduce
from typing import Any

from shopstream.contracts import values
from shopstream.contracts.schema import Document, Field, Many, Shape
from shopstream.contracts.values import CENT_OF_CENT, MONEY_LIMIT, REVISION_LIMIT, Invalid

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
MAY_COUNT = tuple(status for status in STATUSES if status not in ("cancelled", "failed"))
"""Those that a shop may choose to count."""
KINDS = ("product", "return", "shipping", "gift_card", "fee", "tip")
MAX_WORDS = 100
"""Of a shop's own words for statuses."""
StatusMaps = Mapping[str, Mapping[str, str]]
"""By shop: the status that each of its own words stands for."""
NO_WORDS: StatusMaps = {}
MAX_ITEMS = 1000
MAX_REFUNDS = 1000
_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
"""More digits than any product, sum or quotient here needs before it is rounded to 4 decimals."""
_ZERO = Decimal(0)


def line_amount(item: Document) -> Decimal:
    """What a line adds to its order: its `total`, else quantity x unitPrice, half-even to 4 decimals.

    `item` has what the rules of `ITEM` return.
    """
    if item["total"] is not None:
        return Decimal(item["total"])
    return _rounded(_EXACT.multiply(item["quantity"], item["unitPrice"]))


def line_refund(item: Document) -> Decimal:
    """What was paid back of a line: its `refundedTotal`, else the part of its amount that the refunded quantity is."""
    refunded = item["refundedQuantity"] or _ZERO
    if item["refundedTotal"] is not None:
        return Decimal(item["refundedTotal"])
    if not refunded:
        return _ZERO
    if item["total"] is None:
        return _rounded(_EXACT.multiply(refunded, item["unitPrice"]))
    part = _EXACT.multiply(item["total"], refunded)
    return _rounded(_EXACT.divide(part, item["quantity"]))


def _rounded(number: Decimal) -> Decimal:
    return _EXACT.quantize(number, CENT_OF_CENT)


def negative_where_returned(quantity: Decimal, item: Document) -> None:
    """Only what comes back has a negative quantity."""
    if quantity < 0 and item.get("kind") != "return":
        raise Invalid("must not be negative in a line whose kind is not return")


def at_most_quantity(refunded: Decimal, item: Document) -> None:
    """No more comes back than went out."""
    try:
        quantity = values.LEVEL(item["quantity"])
    except Invalid:
        return
    if refunded > max(quantity, _ZERO):
        raise Invalid("must not be above quantity")


def amounts_known(items: list[dict[str, Any]], data: Document) -> None:
    """An order without `total` has lines to compute it from, and what is computed keeps the bounds of what is sent."""
    if data.get("total") is None:
        if not items:
            raise Invalid("must have a line where the order has no total")
        for number, item in enumerate(items):
            if not item["quantity"] and item["total"] is None:
                rule = "must not be 0 where neither the line nor the order has a total"
                raise Invalid(rule, f"[{number}].quantity")
        if not 0 <= _sum(map(line_amount, items)) < MONEY_LIMIT:
            raise Invalid("must have a sum of the lines' amounts from 0 to below 10^12")
    alone = data.get("refundedTotal") is None and not data.get("refunds")
    if alone and not 0 <= _sum(map(line_refund, items)) < MONEY_LIMIT:
        raise Invalid("must have a sum of the lines' refunds from 0 to below 10^12")


def distinct_refunds(refunds: list[dict[str, Any]], data: Document) -> None:
    """A refund is told once in an order, and all of them stay below 10^12."""
    seen = set()
    for number, refund in enumerate(refunds):
        if refund["id"] in seen:
            raise Invalid("must not be the id of another refund of the order", f"[{number}].id")
        seen.add(refund["id"])
    if _sum(refund["amount"] for refund in refunds) >= MONEY_LIMIT:
        raise Invalid("must have a sum of amounts below 10^12")


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return reduce(_EXACT.add, amounts, _ZERO)


def status_map(value: object) -> str:
    """A shop's own words for statuses, each with ours, as JSON whose members are sorted."""
    if not isinstance(value, dict) or len(value) > MAX_WORDS:
        raise Invalid(f"must be an object of at most {MAX_WORDS} members")
    for word, status in value.items():
        try:
            values.identifier(word)
        except Invalid as error:
            raise Invalid(f"must have names of which each {error}") from None
        if word in STATUSES:
            raise Invalid(f"must not give {word} another meaning")
        if status not in STATUSES:
            raise Invalid(f"must have members that are one of {', '.join(STATUSES)}")
    return json.dumps(dict(sorted(value.items())), ensure_ascii=False)


def counted_statuses(value: object) -> str:
    """The statuses whose orders count, divided by commas in the order of `STATUSES`; '' for the default."""
    if not isinstance(value, list) or not value or not all(s in MAY_COUNT for s in value):
        raise Invalid(f"must be a list of at least one of {', '.join(MAY_COUNT)}")
    found = [status for status in MAY_COUNT if status in value]
    return "" if found == [s for s in STATUSES if s not in NOT_COUNTED] else ",".join(found)


def in_our_words(document: Document, maps: StatusMaps) -> Document:
    """An order's event whose status is a word of its shop, with the status that it stands for."""
    shop, data = document.get("shopid"), document.get("data")
    if not isinstance(shop, str) or shop not in maps or not isinstance(data, dict):
        return document
    word = data.get("status")
    status = maps[shop].get(word) if isinstance(word, str) else None
    return {**document, "data": {**data, "status": status}} if status else document


ITEM = Shape(
    (
        Field("productId", values.identifier, "The product.", required=True),
        Field(
            "quantity",
            values.LEVEL,
            "Units that are sold; negative only in a line of kind `return`, and 0 only where the line or the "
            "order has a `total`.",
            required=True,
            relation=negative_where_returned,
            example=2,
        ),
        Field("unitPrice", values.money, "The price of one unit.", required=True),
        Field("name", values.text, "The product's name for people.", example="Blue cup"),
        Field(
            "refundedQuantity",
            values.PART,
            "Units that came back, at most `quantity`.",
            default=0,
            relation=at_most_quantity,
            example=0,
        ),
        Field(
            "kind",
            values.OneOf(KINDS),
            "What the line is; only `product` and `return` are in the sales of products.",
            default="product",
        ),
        Field(
            "total",
            values.amount,
            "What the line comes to after discounts; `quantity` x `unitPrice` without it, half-even to 4 "
            "decimals.",
            example="35.80",
        ),
        Field(
            "refundedTotal",
            values.money,
            "What was paid back of the line; without it the part of its amount that `refundedQuantity` is, "
            "half-even to 4 decimals.",
            example="0",
        ),
        Field(
            "discount",
            values.amount,
            "What was taken off the line; `total` is after it.",
            example="4.00",
        ),
        Field("tax", values.amount, "The tax of the line.", example="5.72"),
        Field("unit", values.text, "What the quantity counts.", example="kg"),
        Field("variantId", values.identifier, "The variant of the product."),
        Field("category", values.text, "The category of the product.", example="Cups"),
    ),
    about="One line of an order.",
)
REFUND = Shape(
    (
        Field("id", values.identifier, "The refund, unique in its order.", required=True),
        Field("amount", values.money, "What was paid back.", required=True, example="0"),
        Field("at", values.time, "When it was paid back.", required=True),
    ),
    about="One refund. Other members, such as `lines`, are stored with the event and not counted.",
)
ORDER = Shape(
    (
        Field("orderId", values.identifier, "The order, unique in its shop.", required=True),
        Field(
            "status",
            values.OneOf(STATUSES),
            "Orders that are cancelled, failed or refunded are in no total.",
            required=True,
            example="paid",
        ),
        Field(
            "currency", values.currency, "The currency of all amounts of the order.", required=True
        ),
        Field(
            "createdAt",
            values.time,
            "When the order was made; the first accepted one counts.",
            required=True,
        ),
        Field(
            "placedAt",
            values.time,
            "Decides the local date of the order; `createdAt` without it. A later version with another one, or "
            "without one, moves the order.",
        ),
        Field(
            "updatedAt",
            values.time,
            "When the order became this; the latest one stands unless it is more than 24 h ahead.",
            required=True,
        ),
        Field(
            "items",
            Many(ITEM, 0, MAX_ITEMS),
            "The lines, none only in an order with `total`; what is summed over them for an absent total "
            "is from 0 to below 10^12.",
            required=True,
            relation=amounts_known,
        ),
        Field(
            "revision",
            values.Whole(0, REVISION_LIMIT - 1),
            "Of two versions with the same `updatedAt` the greater one is later.",
            default=0,
        ),
        Field("customerId", values.identifier, "Who ordered."),
        Field(
            "total",
            values.money,
            "What is to be paid; the sum of the lines' amounts without it.",
            example="39.80",
        ),
        Field(
            "refundedTotal",
            values.money,
            "What was paid back, also above `total`; without it the sum of `refunds`, without those the "
            "sum of the lines' refunds.",
            example="0",
        ),
        Field(
            "refunds",
            Many(REFUND, 0, MAX_REFUNDS),
            "Refunds with their dates; together below 10^12.",
            relation=distinct_refunds,
        ),
        Field("taxTotal", values.money, "The tax in `total`.", example="6.35"),
        Field("shippingTotal", values.money, "The shipping in `total`.", example="4.00"),
        Field("discountTotal", values.money, "What was taken off.", example="4.00"),
        Field("tipTotal", values.money, "The tip in `total`.", example="0"),
    ),
    about="The whole order as it now stands.",
    latest_by="updatedAt",
)
EVENTS = {"order:created": ORDER, "order:updated": ORDER}
