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
    """A record. `refusal` None: it keeps every rule (but may still be `order_moved`)."""

    key: bytes | None
    value: bytes | None
    refusal: Refusal | None = None
    partition: int | None = None
    topic: str = "shop.orders"


def at(second: float, day: str = "2026-11-22") -> str:
    """A time of that day, to the microsecond."""
    micros = round(second * 1_000_000)
    hours, rest = divmod(micros // 1_000_000, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{day}T{hours:02}:{minutes:02}:{seconds:02}.{micros % 1_000_000:06}Z"


def item(product: str, quantity: int, price: Any, **more: Any) -> dict[str, Any]:
    return {"productId": product, "quantity": quantity, "unitPrice": price, **more}


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
    return {
        "specversion": "1.0",
        "id": event_id or f"e-{next(_ids)}",
        "source": "/checkout",
        "type": "order:updated" if version else "order:created",
        "time": created,
        "shopid": shop,
        "data": {
            "orderId": order_id,
            "status": status,
            "currency": currency,
            "createdAt": created,
            "updatedAt": at(40_000 + version),
            "items": items if items is not None else [item("p-1", 2, "9.99", name="Tea")],
            **more,
        },
    }


def record(event: dict[str, Any], refusal: Refusal | None = None, **more: Any) -> Sent:
    """The event with the key that the contract asks for."""
    key = f"{event['shopid']}/{event['data']['orderId']}".encode()
    return Sent(key, encode(event), refusal, **more)


def encode(event: Any) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def bare(value: bytes | None, reason: str, field: str | None = None, **more: Any) -> Sent:
    """Bytes that are refused."""
    return Sent(b"k", value, Refusal(reason, field), **more)
