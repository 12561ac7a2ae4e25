"""The exact path: events that were read one by one, as the same columns."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pipeline.decode import shape
from shopstream.contracts.events import Event


def rows(topic: str, events: Sequence[Event]) -> pa.Table:
    """One row an event, in the schema `shape.staged(topic)`."""
    columns = shape.columns(topic)
    return pa.Table.from_pylist([_row(event, columns) for event in events], shape.staged(topic))


def _row(event: Event, columns: Sequence[shape.Column]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "shop_id": event.shop_id,
        "event_id": event.id,
        "source": event.source,
        "type": event.type,
        "backfill": event.backfill,
    }
    for name, field, item in columns:
        value = event.data.get(field.name, field.default)
        row[name] = [line[item.name] for line in value or ()] if item else value
    return row
