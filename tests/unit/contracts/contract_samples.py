"""A valid order event to start from, and what the contract says of a changed one."""

import json
import re
from typing import Any

from schema_agreement import agree

from shopstream.contracts.events import Event, read_event
from shopstream.contracts.reject import Refused
from shopstream.contracts.topics import ORDERS

GONE = object()
"""As a value: the field is left out."""


def number(text: str) -> str:
    """A JSON number that is written exactly so."""
    return f"@@{text}"


def item(**changes: Any) -> dict[str, Any]:
    return changed({"productId": "p-1", "quantity": 2, "unitPrice": "9.50"}, changes)


def order(**changes: Any) -> dict[str, Any]:
    plain = {
        "orderId": "o-1",
        "status": "paid",
        "currency": "EUR",
        "createdAt": "2026-11-22T10:15:30Z",
        "updatedAt": "2026-11-22T10:15:31Z",
        "items": [item()],
    }
    return changed(plain, changes)


def event(**changes: Any) -> dict[str, Any]:
    plain = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/checkout",
        "type": "order:created",
        "shopid": "s-17",
        "data": order(),
    }
    return changed(plain, changes)


def bytes_of(document: Any) -> bytes:
    return re.sub(r'"@@([^"]*)"', r"\1", json.dumps(document)).encode()


def read(document: Any, topic: str = ORDERS) -> Event:
    """The event; its JSON Schema has to say the same of it."""
    value = document if isinstance(document, bytes | None) else bytes_of(document)
    try:
        found = read_event(value, topic)
    except Refused as error:
        agree(value, error.refusal)
        raise
    agree(value, None)
    return found


def read_order(**changes: Any) -> dict[str, Any]:
    """The typed members of an order."""
    return read(event(data=order(**changes))).data


def refused(document: Any, topic: str = ORDERS) -> tuple[str, str | None] | None:
    """(reason, field), or None where the record is accepted."""
    try:
        read(document, topic)
    except Refused as error:
        return error.refusal.reason.value, error.refusal.field
    return None


def refused_order(**changes: Any) -> tuple[str, str | None] | None:
    return refused(event(data=order(**changes)))


def refused_item(**changes: Any) -> tuple[str, str | None] | None:
    return refused_order(items=[item(**changes)])


def changed(plain: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """With other members; those that are `GONE` are left out."""
    both = {**plain, **changes}
    return {name: value for name, value in both.items() if value is not GONE}
