"""The exact path: events that were read one by one, as the same columns."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from shopstream.contracts.events import Event
from shopstream.contracts.order import Order, order
from shopstream.pipeline.decode import shape


def order_rows(events: Sequence[Event]) -> pa.Table:
    """One row an event, in the schema `shape.ORDERS`."""
    return pa.Table.from_pylist([_row(event, order(event.data)) for event in events], shape.ORDERS)


def _row(event: Event, read: Order) -> dict[str, Any]:
    return {
        "shop_id": event.shop_id,
        "order_id": read.order_id,
        "event_id": event.id,
        "source": event.source,
        "created_at": read.created_at,
        "day": read.created_at.date(),
        "updated_at": read.updated_at,
        "revision": read.revision,
        "status": read.status,
        "currency": read.currency,
        "customer_id": read.customer_id,
        "total": read.total,
        "refunded_total": read.refunded_total,
        "item_product_id": [item.product_id for item in read.items],
        "item_name": [item.name for item in read.items],
        "item_quantity": [item.quantity for item in read.items],
        "item_refunded": [item.refunded_quantity for item in read.items],
        "item_price": [item.unit_price for item in read.items],
    }
