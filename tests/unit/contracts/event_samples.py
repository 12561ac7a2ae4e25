"""A valid event of every type but orders, and what the contract says of a changed one."""

from typing import Any

from contract_samples import changed, event, order, read, refused

from shopstream.contracts.topics import TOPIC_OF_TYPE

LEVEL = {"productId": "p-1", "quantity": 7, "updatedAt": "2026-11-22T10:15:30Z"}
PAYMENT = {
    "paymentId": "y-1",
    "amount": "19.90",
    "currency": "EUR",
    "at": "2026-11-22T10:15:30Z",
}
SUPPLIER = {"supplierId": "u-1", "name": "Potters", "updatedAt": "2026-11-22T10:15:30Z"}
LINE = {"productId": "p-1", "quantity": 2, "unitCost": "4.50"}
PURCHASE = {
    "purchaseId": "b-1",
    "supplierId": "u-1",
    "items": [LINE],
    "at": "2026-11-22T10:15:30Z",
}
VISIT = {"sessionId": "v-1", "at": "2026-11-22T10:15:30Z"}
SHOP = {
    "name": "Cups",
    "timezone": "Europe/Berlin",
    "currency": "EUR",
    "updatedAt": "2026-11-22T10:15:30Z",
}
PLAIN: dict[str, dict[str, Any]] = {
    "order:created": order(),
    "order:updated": order(),
    "inventory:updated": LEVEL,
    "payment:received": PAYMENT,
    "payment:failed": PAYMENT,
    "supplier:updated": SUPPLIER,
    "purchase:created": PURCHASE,
    "purchase:received": PURCHASE,
    "storefront:visited": VISIT,
    "shop:updated": SHOP,
}
"""`data` with what is required and no more."""


def event_of(kind: str, **changes: Any) -> dict[str, Any]:
    """An event with a changed `data`."""
    return event(type=kind, data=changed(PLAIN[kind], changes))


def read_data(kind: str, **changes: Any) -> dict[str, Any]:
    """The typed members of `data`."""
    return read(event_of(kind, **changes), TOPIC_OF_TYPE[kind]).data


def refused_data(kind: str, **changes: Any) -> tuple[str, str | None] | None:
    """(reason, field), or None where the record is accepted."""
    return refused(event_of(kind, **changes), TOPIC_OF_TYPE[kind])


def line(**changes: Any) -> dict[str, Any]:
    """A line of a purchase."""
    return changed(LINE, changes)
