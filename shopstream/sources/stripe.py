"""Stripe's events, charges and invoices as events. docs/sources.md says what cannot be known."""

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
    unit_price,
)
from shopstream.sources.payload import Payload

NO_DECIMALS = frozenset(
    {
        *("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"),
        *("PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"),
    }
)
THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""docs.stripe.com/currencies: ISK and UGX have no decimals any more, but are written with two."""
CHARGES = ("charge.succeeded", "charge.captured", "charge.failed")
INVOICES = tuple(
    f"invoice.{what}"
    for what in ("created", "finalized", "updated", "paid", "voided", "marked_uncollectible")
)
_STATUSES = {
    "open": "pending",
    "paid": "completed",
    "void": "cancelled",
    "uncollectible": "failed",
}
_REVISIONS = {"uncollectible": 1, "paid": 2, "void": 2}
"""Stripe sends the events of one second in any order; an invoice only goes on from `open` to these."""
_ORDER_IDS = ("order_id", "orderId", "order")


def map_payload(topic: str | None, payload: Payload, shop: Shop) -> Mapped:
    """The events of one Event object, charge or invoice; `topic` is of no use, an Event names its own.

    Raises:
        Unmapped: a member is missing or of another kind than documented.
    """
    kind = payload.text("object")
    if kind == "event":
        return _event(payload, shop)
    if kind == "charge":
        return _charge(payload, payload.unix("created"), shop)
    if kind == "invoice":
        return _invoice(payload, _latest(payload), shop)
    return Mapped(ignored=f"an object {shown(kind)}")


def _event(event: Payload, shop: Shop) -> Mapped:
    kind, data = event.text("type"), event.object("data")
    found = None if data is None else data.object("object")
    if kind not in CHARGES and kind not in INVOICES:
        return Mapped(ignored=f"topic {shown(kind)}")
    if found is None:
        raise event.fault("data.object", "is missing")
    if kind == "charge.captured":
        # later than what was said when it was authorized, perhaps with another amount
        return _charge(found, event.unix("created"), shop)
    if kind in CHARGES:
        return _charge(found, found.unix("created"), shop)
    return _invoice(found, event.unix("created"), shop)


def _charge(charge: Payload, at: str, shop: Shop) -> Mapped:
    """One that is only authorized is no payment yet; what went back later is not taken off."""
    if not charge.flag("livemode"):
        return Mapped(ignored="test mode")
    status = charge.text("status")
    if status == "pending" or (status == "succeeded" and not charge.flag("captured")):
        return Mapped(ignored="a charge without money yet")
    failed = status == "failed"
    currency = charge.text("currency").upper()
    # a capture may take less than was authorized
    taken = None if failed else charge.maybe_whole("amount_captured")
    details = charge.object("payment_method_details")
    data = {
        "paymentId": charge.id("id"),
        "amount": money(major(charge.whole("amount") if taken is None else taken, currency)),
        "currency": currency,
        "at": at,
        "orderId": _order_id(charge),
        "method": details and details.maybe_text("type"),
        "reason": (charge.maybe_text("failure_code") or charge.maybe_text("failure_message"))
        if failed
        else None,
    }
    return Mapped((shop.event("payment:failed" if failed else "payment:received", at, data),))


def _order_id(charge: Payload) -> str | None:
    """What the shop has written into the metadata, else the invoice."""
    about = charge.object("metadata")
    named = next((about.maybe_id(name) for name in _ORDER_IDS if about and name in about), None)
    return named or charge.maybe_id("invoice")


def major(amount: Decimal, currency: str) -> Decimal:
    """From the minor unit, in which Stripe counts, to the currency itself."""
    places = 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    return amount.scaleb(-places)


def _latest(invoice: Payload) -> str:
    """When an invoice that came without an event became what it is."""
    moves = invoice.object("status_transitions")
    names = ("finalized_at", "paid_at", "voided_at", "marked_uncollectible_at")
    times = [moves.unix(name) for name in names if moves and name in moves]
    return max([invoice.unix("created"), *times])


def _invoice(invoice: Payload, at: str, shop: Shop) -> Mapped:
    if not invoice.flag("livemode"):
        return Mapped(ignored="test mode")
    status = invoice.text("status")
    if status == "draft":
        return Mapped(ignored="a draft")
    if status not in _STATUSES:
        raise invoice.fault("status", f"must be one of draft, {', '.join(_STATUSES)}")
    currency = invoice.text("currency").upper()
    lines = invoice.object("lines")
    if lines is None or lines.flag("has_more"):
        raise invoice.fault("lines", "must have all lines of the invoice (has_more is false)")
    whole = major(invoice.whole("total"), currency)
    # the customer's balance pays a total below 0: the shop owes that much
    back = max(-whole, Decimal(0)) + major(_credited(invoice), currency)
    created = invoice.unix("created")
    issued = invoice.unix("effective_at") if "effective_at" in invoice else created
    data = {
        "orderId": invoice.id("id"),
        "status": _STATUSES[status],
        "currency": currency,
        "createdAt": created,
        "updatedAt": at,
        "revision": _REVISIONS.get(status),
        "placedAt": issued if issued != created else None,
        "customerId": invoice.maybe_id("customer"),
        "total": money(max(whole, Decimal(0))),
        "refundedTotal": nonzero(back),
        "discountTotal": _part(_amounts(invoice, "total_discount_amounts"), currency),
        "taxTotal": _part(_taxes(invoice), currency),
        "items": [_line(line, currency) for line in lines.objects("data")],
    }
    first = shop.backfill and at == created
    return Mapped((shop.event("order:created" if first else "order:updated", at, data),))


def _credited(invoice: Payload) -> Decimal:
    names = ("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
    return total(invoice.maybe_whole(name) or Decimal(0) for name in names)


def _part(amount: Decimal, currency: str) -> str | None:
    """Of the total; below 0, as where more is paid back than sold, there is none."""
    return nonzero(max(major(amount, currency), Decimal(0)))


def _amounts(payload: Payload, name: str) -> Decimal:
    return total(part.whole("amount") for part in payload.objects(name))


def _taxes(invoice: Payload) -> Decimal:
    """`total_taxes` since the API's version of 2025-03-31, `total_tax_amounts` before it."""
    return _amounts(invoice, "total_taxes") or _amounts(invoice, "total_tax_amounts")


def _line(line: Payload, currency: str) -> dict[str, Any]:
    amount = major(line.whole("amount"), currency)
    off = major(_amounts(line, "discount_amounts"), currency)
    quantity = line.maybe_amount("quantity")
    if quantity is None:
        quantity = Decimal(1)
    return present(
        {
            "productId": _product_id(line),
            "quantity": number(-quantity if amount < 0 else quantity),
            "unitPrice": unit_price(amount, quantity),
            "name": line.maybe_text("description"),
            # a proration pays back what was not used
            "kind": "return" if amount < 0 else None,
            "total": money(amount - off),
            "discount": nonzero(off),
        }
    )


def _product_id(line: Payload) -> str:
    """The product of the price, in the API's version of 2025-03-31 and those before; else the text of the line."""
    pricing = line.object("pricing")
    details = pricing and pricing.object("price_details")
    price = line.object("price") or line.object("plan")
    known = (details and details.maybe_id("product")) or (price and price.maybe_id("product"))
    return known or identifier(f"custom/{line.maybe_text('description') or line.id('id')}")
