"""Records to send, each with what must become of it."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

_ids = itertools.count(1)


@dataclass(frozen=True)
class Refusal:
    """What a record that breaks a rule must be refused with."""

    reason: str
    field: str | None = None


@dataclass(frozen=True)
class Sent:
    """A record. `refusal` None: it keeps every rule.

    `event` is what it says, where that is not in its value alone.
    """

    key: bytes | None
    value: bytes | None
    refusal: Refusal | None = None
    partition: int | None = None
    topic: str = "shop.orders"
    headers: tuple[tuple[str, bytes | None], ...] = ()
    event: bytes | None = None


HOMES: dict[str, tuple[str, str | None]] = {
    "order": ("shop.orders", "orderId"),
    "inventory": ("shop.inventory", "productId"),
    "payment": ("shop.payments", "paymentId"),
    "supplier": ("shop.suppliers", "supplierId"),
    "purchase": ("shop.purchases", "purchaseId"),
    "storefront": ("shop.traffic", "sessionId"),
    "shop": ("shop.settings", None),
}
"""The topic of an event, by the first word of its type, and what names its thing in the key."""
TOPICS = tuple(topic for topic, _ in HOMES.values())


def at(second: float, day: str = "2026-11-22") -> str:
    """A time of that day, to the microsecond."""
    micros = round(second * 1_000_000)
    hours, rest = divmod(micros // 1_000_000, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{day}T{hours:02}:{minutes:02}:{seconds:02}.{micros % 1_000_000:06}Z"


def moment(version: float) -> str:
    """When a version is from: `version` is a second of the day."""
    return at(40_000 + version)


def item(product: str, quantity: int | str, price: Any, **more: Any) -> dict[str, Any]:
    return {"productId": product, "quantity": quantity, "unitPrice": price, **more}


def bought(product: str, quantity: int | str, cost: Any = "1.50") -> dict[str, Any]:
    """A line of a purchase."""
    return {"productId": product, "quantity": quantity, "unitCost": cost}


def event(
    kind: str, shop: str, data: dict[str, Any], event_id: str | None = None, source: str = "/shop"
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id or f"e-{next(_ids)}",
        "source": source,
        "type": kind,
        "time": "2026-11-22T10:15:30.123456Z",
        "shopid": shop,
        "data": data,
    }


def order(
    shop: str,
    order_id: str,
    *,
    version: float = 0,
    created: str = "2026-11-22T10:15:30.123456Z",
    status: str = "paid",
    currency: str = "EUR",
    items: list[dict[str, Any]] | None = None,
    event_id: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The event of one version of an order; `version` is the second of the day it was updated at."""
    kind = "order:updated" if version else "order:created"
    data = {
        "orderId": order_id,
        "status": status,
        "currency": currency,
        "createdAt": created,
        "updatedAt": moment(version),
        "items": items if items is not None else [item("p-1", 2, "9.99", name="Tea")],
        **more,
    }
    return {**event(kind, shop, data, event_id, "/checkout"), "time": created}


def level(
    shop: str,
    product: str,
    quantity: int | str,
    *,
    version: float = 0,
    event_id: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Units on hand; `more`: name, sku, locationId, lowStockThreshold, updatedAt."""
    data = {"productId": product, "quantity": quantity, "updatedAt": moment(version), **more}
    return event("inventory:updated", shop, data, event_id)


def payment(
    shop: str,
    payment_id: str,
    *,
    failed: bool = False,
    version: float = 0,
    amount: Any = "19.98",
    currency: str = "EUR",
    event_id: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """`more`: at, orderId, method, reason."""
    kind = "payment:failed" if failed else "payment:received"
    data = {"paymentId": payment_id, "amount": amount, "currency": currency}
    return event(kind, shop, {**data, "at": moment(version), **more}, event_id)


def purchase(
    shop: str,
    purchase_id: str,
    *,
    received: bool = False,
    version: float = 0,
    items: list[dict[str, Any]] | None = None,
    event_id: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """`more`: supplierId, at, expectedAt."""
    kind = "purchase:received" if received else "purchase:created"
    lines = items if items is not None else [bought("p-1", 12)]
    data = {"purchaseId": purchase_id, "supplierId": "sup-1", "items": lines}
    return event(kind, shop, {**data, "at": moment(version), **more}, event_id)


def supplier(
    shop: str,
    supplier_id: str,
    name: str = "Potters United",
    *,
    version: float = 0,
    event_id: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """`more`: leadTimeDays, email, updatedAt."""
    data = {"supplierId": supplier_id, "name": name, "updatedAt": moment(version), **more}
    return event("supplier:updated", shop, data, event_id)


def visit(shop: str, session: str, when: str, event_id: str | None = None) -> dict[str, Any]:
    return event("storefront:visited", shop, {"sessionId": session, "at": when}, event_id)


def settings(
    shop: str,
    timezone: str = "UTC",
    currency: str = "EUR",
    *,
    version: float = 0,
    event_id: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """`more`: name, lowStockThreshold, updatedAt."""
    data = {"name": f"Shop {shop}", "timezone": timezone, "currency": currency}
    return event("shop:updated", shop, {**data, "updatedAt": moment(version), **more}, event_id)


def record(event: dict[str, Any], refusal: Refusal | None = None, **more: Any) -> Sent:
    """The event with the topic and the key that the contract asks for."""
    topic, entity = HOMES[event["type"].partition(":")[0]]
    key = event["shopid"] if entity is None else f"{event['shopid']}/{event['data'][entity]}"
    return Sent(key.encode(), encode(event), refusal, **{"topic": topic, **more})


def encode(event: Any) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def binary(found: dict[str, Any], *more: tuple[str, bytes | None], **about: Any) -> Sent:
    """An event in the binary mode of CloudEvents: attributes in headers."""
    heads = [(f"ce_{name}", value.encode()) for name, value in found.items() if name != "data"]
    data = encode(found["data"])
    return Sent(b"k", data, headers=(*heads, *more), event=encode(found), **about)


def bare(value: bytes | None, reason: str, field: str | None = None, **more: Any) -> Sent:
    """Bytes that are refused."""
    return Sent(b"k", value, Refusal(reason, field), **more)
