"""WooCommerce's REST payloads (orders, products) as events. docs/sources.md says what cannot be known."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from shopstream.contracts.values import IDENTIFIER_LENGTH
from shopstream.sources.mapped import (
    Event,
    Mapped,
    Shop,
    identifier,
    money,
    nonzero,
    number,
    present,
    shown,
    total,
    unit_price,
)
from shopstream.sources.payload import Payload

ORDERS = ("order.created", "order.updated", "order.restored")
PRODUCTS = ("product.created", "product.updated", "product.restored")
_STATUSES = {
    "pending": "pending",
    "on-hold": "pending",
    "completed": "completed",
    "cancelled": "cancelled",
    "trash": "cancelled",
    "refunded": "refunded",
    "failed": "failed",
}
_DRAFTS = frozenset({"auto-draft", "checkout-draft", "draft"})


def map_payload(topic: str | None, payload: Payload, shop: Shop) -> Mapped:
    """The events of one payload. `topic` is that of the webhook; without it the payload's members decide.

    Raises:
        Unmapped: a member is missing or of another kind than documented.
    """
    kind = topic or _topic_of(payload)
    if kind in ORDERS:
        return _order(kind, payload, shop)
    if kind in PRODUCTS:
        return _product(payload, shop)
    return Mapped(ignored=f"topic {shown(kind)}")


def _topic_of(payload: Payload) -> str:
    if "line_items" in payload:
        return "order.updated"
    if "manage_stock" in payload:
        return "product.updated"
    return "unknown from its members"


def _order(topic: str, order: Payload, shop: Shop) -> Mapped:
    status = order.text("status")
    if status in _DRAFTS:
        return Mapped(ignored="a draft")
    created, updated = order.utc("date_created_gmt"), order.utc("date_modified_gmt")
    refunds = order.objects("refunds")
    data = {
        "orderId": order.id("id"),
        # a status that an extension has added stands for work on the order
        "status": _STATUSES.get(status, "processing"),
        "currency": order.text("currency"),
        "createdAt": created,
        "updatedAt": updated,
        # who runs the shop may set another date of the order, under which it then counts
        "placedAt": created,
        "customerId": order.maybe_id("customer_id"),
        "total": money(order.amount("total")),
        "refundedTotal": nonzero(total(_refunded(refund) for refund in refunds)),
        "taxTotal": money(order.maybe_amount("total_tax")),
        "shippingTotal": money(order.maybe_amount("shipping_total")),
        "discountTotal": money(order.maybe_amount("discount_total")),
        "items": [
            *(_line(line, refunds) for line in order.objects("line_items")),
            *(_fee(fee) for fee in order.objects("fee_lines")),
        ],
        "refunds": _refunds(refunds),
    }
    first = topic == "order.created" or (shop.backfill and created == updated)
    kind = "order:created" if first else "order:updated"
    return Mapped((shop.event(kind, updated, data), *_payment(order, status, shop)))


def _line(line: Payload, refunds: list[Payload]) -> dict[str, Any]:
    quantity, amount = line.amount("quantity"), line.amount("total")
    before = line.maybe_amount("subtotal")
    before = amount if before is None else before
    back = _back(line, refunds)
    return present(
        {
            "productId": line.maybe_id("product_id") or _unnamed("custom", line),
            "quantity": number(quantity),
            "unitPrice": unit_price(before, quantity),
            "name": line.maybe_text("name"),
            "variantId": line.maybe_id("variation_id"),
            "total": money(amount),
            "discount": nonzero(before - amount),
            "tax": nonzero(line.maybe_amount("total_tax")),
            "refundedQuantity": number(total(abs(one.amount("quantity")) for one in back)) or None,
            "refundedTotal": nonzero(total(abs(one.amount("total")) for one in back)),
        }
    )


def _back(line: Payload, refunds: list[Payload]) -> list[Payload]:
    """Lines of refunds that pay this line back; each names it among its metadata."""
    number_of_line = line.maybe_id("id")
    return [
        one
        for refund in refunds
        for one in refund.objects("line_items")
        for entry in one.objects("meta_data")
        if entry.maybe_text("key") == "_refunded_item_id"
        and entry.maybe_id("value") == number_of_line
    ]


def _fee(fee: Payload) -> dict[str, Any]:
    """A fee below 0 is a discount by hand."""
    amount = fee.amount("total")
    return present(
        {
            "productId": _unnamed("fee", fee),
            "quantity": 1,
            "unitPrice": unit_price(amount, Decimal(1)),
            "name": fee.maybe_text("name"),
            "kind": "fee",
            "total": money(amount),
            "tax": nonzero(fee.maybe_amount("total_tax")),
        }
    )


def _unnamed(prefix: str, line: Payload) -> str:
    return identifier(f"{prefix}/{line.maybe_text('name') or line.id('id')}")


def _refunded(refund: Payload) -> Decimal:
    """An order has it below 0 as `total`; a refund that was asked for by itself above 0 as `amount`."""
    amount = refund.maybe_amount("amount")
    return abs(refund.amount("total") if amount is None else amount)


def _refunds(refunds: list[Payload]) -> list[dict[str, Any]] | None:
    """None unless all have their time: an order names its refunds without."""
    if not refunds or not all("date_created_gmt" in refund for refund in refunds):
        return None
    return [
        {
            "id": refund.id("id"),
            "amount": money(_refunded(refund)),
            "at": refund.utc("date_created_gmt"),
        }
        for refund in refunds
    ]


def _payment(order: Payload, status: str, shop: Shop) -> Iterator[Event]:
    """The payment of an order has the order's id: WooCommerce has no payments of their own."""
    paid = order.maybe_utc("date_paid_gmt")
    if paid is None and status != "failed":
        return
    at = paid or order.utc("date_modified_gmt")
    data = {
        "paymentId": f"order-{order.id('id')}"[:IDENTIFIER_LENGTH],
        "amount": money(order.amount("total")),
        "currency": order.text("currency"),
        "at": at,
        "orderId": order.id("id"),
        "method": order.maybe_text("payment_method"),
    }
    yield shop.event("payment:received" if paid else "payment:failed", at, data)


def _product(product: Payload, shop: Shop) -> Mapped:
    # "parent" for a variation whose stock is that of its product
    if "stock_quantity" not in product or not _manages(product):
        return Mapped(ignored="a product whose stock is not counted")
    updated = product.utc("date_modified_gmt")
    threshold = product.maybe_amount("low_stock_amount")
    data = {
        "productId": product.id("id"),
        "quantity": number(product.amount("stock_quantity")),
        "updatedAt": updated,
        "name": product.maybe_text("name"),
        "sku": product.maybe_text("sku"),
        "lowStockThreshold": None if threshold is None else number(threshold),
    }
    return Mapped((shop.event("inventory:updated", updated, data),))


def _manages(product: Payload) -> bool:
    try:
        return product.flag("manage_stock")
    except ValueError:
        return False
