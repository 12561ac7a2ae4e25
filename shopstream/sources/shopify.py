"""Shopify's REST payloads (orders, products, transactions) as events. docs/sources.md says what cannot be known."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shopstream.sources.mapped import (
    Mapped,
    Shop,
    identifier,
    money,
    nonzero,
    number,
    present,
    shown,
    total,
)
from shopstream.sources.payload import Payload

ORDERS = tuple(
    f"orders/{what}"
    for what in ("create", "updated", "paid", "cancelled", "fulfilled", "partially_fulfilled")
)
PRODUCTS = ("products/create", "products/update")
TRANSACTIONS = ("order_transactions/create",)
_NOT_PAID = {"voided": "failed", "expired": "failed", "refunded": "refunded"}
_PAID = frozenset({"paid", "partially_refunded"})
_FULFILLED = {"fulfilled": "shipped", "partial": "processing"}
_OUTCOMES = {"success": "payment:received", "failure": "payment:failed", "error": "payment:failed"}


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
    if kind in TRANSACTIONS:
        return _transaction(payload, shop)
    return Mapped(ignored=f"topic {shown(kind)}")


def _topic_of(payload: Payload) -> str:
    if "line_items" in payload:
        return "orders/updated"
    if "variants" in payload:
        return "products/update"
    if "kind" in payload and "order_id" in payload:
        return "order_transactions/create"
    return "unknown from its members"


def _order(topic: str, order: Payload, shop: Shop) -> Mapped:
    if order.flag("test"):
        return Mapped(ignored="a test order")
    created, updated = order.text("created_at"), order.text("updated_at")
    placed = order.maybe_text("processed_at")
    currency = order.text("currency")
    refunds = [_Refund(refund, currency) for refund in order.objects("refunds")]
    customer = order.object("customer")
    data = {
        "orderId": order.id("id"),
        "status": _status(order),
        "currency": currency,
        "createdAt": created,
        "updatedAt": updated,
        "placedAt": placed if placed != created else None,
        "customerId": customer and customer.maybe_id("id"),
        "total": money(_money(order, "total_price")),
        "refundedTotal": nonzero(total(refund.amount for refund in refunds)),
        "taxTotal": money(_maybe_money(order, "total_tax")),
        "shippingTotal": money(_shipping(order)),
        "discountTotal": money(_maybe_money(order, "total_discounts")),
        "tipTotal": nonzero(order.maybe_amount("total_tip_received")),
        "items": [_line(line, refunds) for line in order.objects("line_items")],
        "refunds": [refund.data() for refund in refunds] or None,
    }
    first = topic == "orders/create" or (shop.backfill and created == updated)
    return Mapped((shop.event("order:created" if first else "order:updated", updated, data),))


def _status(order: Payload) -> str:
    if "cancelled_at" in order:
        return "cancelled"
    paid = order.maybe_text("financial_status")
    if paid in _NOT_PAID:
        return _NOT_PAID[paid]
    if paid not in _PAID:
        return "pending"
    fulfilled = order.maybe_text("fulfillment_status")
    if fulfilled == "fulfilled" and "closed_at" in order:
        return "completed"
    return _FULFILLED.get(fulfilled or "", "paid")


def _line(line: Payload, refunds: list["_Refund"]) -> dict[str, Any]:
    quantity, price = line.amount("quantity"), _money(line, "price")
    discount = total(_money(part, "amount") for part in line.objects("discount_allocations"))
    back = [part for refund in refunds for part in refund.lines if part.line == line.maybe_id("id")]
    return present(
        {
            "productId": _product_id(line),
            "quantity": number(quantity),
            "unitPrice": money(price),
            "name": line.maybe_text("title") or line.maybe_text("name"),
            "variantId": line.maybe_id("variant_id"),
            "kind": "gift_card" if line.flag("gift_card") else None,
            "total": money(quantity * price - discount),
            "discount": nonzero(discount),
            "tax": nonzero(total(_money(tax, "price") for tax in line.objects("tax_lines"))),
            "refundedQuantity": number(total(part.quantity for part in back)) or None,
            "refundedTotal": nonzero(total(part.subtotal for part in back)),
        }
    )


def _product_id(line: Payload) -> str:
    """A custom line, and one whose product was deleted, has none: its title tells it from others."""
    known = line.maybe_id("product_id") or line.maybe_text("sku")
    return identifier(known or f"custom/{line.text('title')}")


def _shipping(order: Payload) -> Decimal:
    """After discounts; from the lines where the order does not sum it up."""
    summed = _maybe_money(order, "total_shipping_price")
    if summed is not None:
        return summed
    lines = order.objects("shipping_lines")
    prices = [_maybe_money(line, "discounted_price") for line in lines]
    return total(
        _money(line, "price") if price is None else price
        for line, price in zip(lines, prices, strict=True)
    )


def _maybe_money(payload: Payload, name: str) -> Decimal | None:
    """In the shop's currency: from the pair of amounts where there is one, which is exact text in both currencies."""
    both = payload.object(f"{name}_set")
    in_shop = both and both.object("shop_money")
    return payload.maybe_amount(name) if in_shop is None else in_shop.amount("amount")


def _money(payload: Payload, name: str) -> Decimal:
    found = _maybe_money(payload, name)
    if found is None:
        raise payload.fault(name, "is missing")
    return found


class _RefundLine:
    __slots__ = ("line", "product", "quantity", "subtotal", "tax")

    def __init__(self, line: Payload) -> None:
        sold = line.object("line_item")
        self.line = line.id("line_item_id")
        self.product = sold and _product_id(sold)
        self.quantity = line.amount("quantity")
        self.subtotal = _maybe_money(line, "subtotal") or Decimal(0)
        self.tax = _maybe_money(line, "total_tax") or Decimal(0)


class _Refund:
    """Money that went back, in the shop's currency: what the successful transactions moved.

    They are more than the value of the lines (shipping, goodwill) or less (a fee). Without any, as after an edit that
    takes out what was not paid for, or where they are in the customer's currency, the lines and adjustments decide.
    """

    def __init__(self, refund: Payload, currency: str) -> None:
        self._id = refund.id("id")
        self._at = refund.text("created_at")
        self.lines = [_RefundLine(line) for line in refund.objects("refund_line_items")]
        moves = [move for move in refund.objects("transactions") if move.text("kind") == "refund"]
        if moves and all(move.maybe_text("currency") in (None, currency) for move in moves):
            done = [move for move in moves if move.text("status") == "success"]
            self.amount = total(move.amount("amount") for move in done)
        else:
            worth = total(line.subtotal + line.tax for line in self.lines)
            worth += _shipping_refund(refund) - _adjustments(refund)
            # what is taken off may be a cent more: each amount is rounded into the shop's currency
            self.amount = max(worth, Decimal(0))

    def data(self) -> Mapping[str, Any]:
        """Its form in the order."""
        lines = [
            {
                "productId": line.product,
                "quantity": number(line.quantity),
                "amount": money(line.subtotal),
            }
            for line in self.lines
            if line.product
        ]
        return present(
            {"id": self._id, "amount": money(self.amount), "at": self._at, "lines": lines or None}
        )


def _adjustments(refund: Payload) -> Decimal:
    """Below 0 where more went back than the lines are worth."""
    return total(
        _money(part, "amount") + (_maybe_money(part, "tax_amount") or 0)
        for part in refund.objects("order_adjustments")
    )


def _shipping_refund(refund: Payload) -> Decimal:
    """Since version 2024-10 of the API shipping that is paid back is no adjustment."""
    return total(
        _maybe_money(part, name) or Decimal(0)
        for part in refund.objects("refund_shipping_lines")
        for name in ("subtotal_amount", "tax_amount")
    )


def _product(product: Payload, shop: Shop) -> Mapped:
    """Units on hand of all variants that Shopify counts, over all locations."""
    variants = product.objects("variants")
    if len(product.objects("variant_gids")) > len(variants):
        return Mapped(ignored="a product with more variants than its payload has")
    counted = [one for one in variants if one.maybe_text("inventory_management") == "shopify"]
    if not counted:
        return Mapped(ignored="a product whose stock is not counted")
    skus = {variant.maybe_text("sku") for variant in counted}
    updated = product.text("updated_at")
    data = {
        "productId": product.id("id"),
        "quantity": number(total(variant.amount("inventory_quantity") for variant in counted)),
        "updatedAt": updated,
        "name": product.maybe_text("title"),
        "sku": skus.pop() if len(skus) == 1 else None,
    }
    return Mapped((shop.event("inventory:updated", updated, data),))


def _transaction(move: Payload, shop: Shop) -> Mapped:
    if move.flag("test"):
        return Mapped(ignored="a test transaction")
    kind, status = move.text("kind"), move.text("status")
    outcome = _OUTCOMES.get(status)
    if kind not in ("sale", "capture") or outcome is None:
        return Mapped(ignored=f"a transaction of kind {shown(kind)} that is {shown(status)}")
    at = move.maybe_text("processed_at") or move.text("created_at")
    failed = outcome == "payment:failed"
    data = {
        "paymentId": move.id("id"),
        "amount": money(move.amount("amount")),
        "currency": move.text("currency"),
        "at": at,
        "orderId": move.maybe_id("order_id"),
        "method": move.maybe_text("gateway"),
        "reason": (move.maybe_text("error_code") or move.maybe_text("message")) if failed else None,
    }
    return Mapped((shop.event(outcome, at, data),))
