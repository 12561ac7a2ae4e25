"""What the pipeline says: numbers that changed, how far it has come, and stock that crossed its threshold."""

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shopstream.contracts.cursor import Partition

SOURCE = "/shopstream/pipeline"
UPDATED = "report:updated"
LOW, RECOVERED = "stock:low", "stock:recovered"
ALERT_TEXT = 1_000
"""Characters of a name or a sku in an alert: in events each may fill a record."""
PROGRESS = "pipeline:progress"

SALES, PAYMENTS, SESSIONS = "sales", "payments", "sessions"
NAMES, FIRST_ORDER, ON_ORDER = "names", "firstOrder", "onOrder"
KINDS = frozenset({SALES, PAYMENTS, SESSIONS, NAMES, FIRST_ORDER, ON_ORDER})
"""Kinds of what reports are made of: sums by time, names of products, a shop's earliest order, units on order."""

Days = Set[int] | None
"""Days (UTC, counted from 1970-01-01); None: any."""
ChangedDays = Mapping[str, Mapping[str, Days] | None]
"""Shops of which anything more is in the reports, each with the kinds that may be others now, and on which days; None:
anything of the shop, its time zone and currency too."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one partition: every record before offset `next` is in the reports.

    Everything that reached Kafka before `as_of` (UTC) is included. `epoch` tells the topic from a
    former one of the same name.
    """

    epoch: int
    next: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class PipelineState:
    """A worker's progress message: progress of its partitions, and its counters since it started.

    `changed` is what it has written since its message before; None where that may be anything of any shop. `at`: its
    clock as it wrote this, where that is known.
    """

    worker: str
    partitions: Mapping[Partition, Progress]
    counters: Mapping[str, float] = field(default_factory=dict)
    changed: ChangedDays | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Today:
    """Totals of a local date in the shop's currency."""

    date: date
    revenue: Decimal
    orders: int
    items: Decimal


@dataclass(frozen=True, slots=True)
class Alert:
    """A level that crossed its threshold; `low` or else recovered. `daily_sales` in units a day."""

    id: str
    low: bool
    shop: str
    product: str
    location: str | None
    name: str | None
    sku: str | None
    quantity: Decimal
    threshold: int
    on_order: Decimal
    daily_sales: Decimal
    days_of_cover: Decimal | None
    at: datetime


def stock_alert(alert: Alert) -> bytes:
    """A `stock:low` or `stock:recovered` CloudEvent; its time is that of the event that crossed."""
    data = {
        "productId": alert.product,
        "locationId": alert.location,
        "name": alert.name and alert.name[:ALERT_TEXT],
        "sku": alert.sku and alert.sku[:ALERT_TEXT],
        "quantity": alert.quantity,
        "threshold": alert.threshold,
        "onOrder": alert.on_order,
        "dailySales": alert.daily_sales,
        "daysOfCover": alert.days_of_cover,
    }
    return _event(alert.id, LOW if alert.low else RECOVERED, alert.at, data, shopid=alert.shop)


def report_updated(
    shop: str, event_id: str, at: datetime, dates: Iterable[date], today: Today
) -> bytes:
    """A `report:updated` CloudEvent; money and quantities are JSON numbers with exactly their digits."""
    data = {
        "dates": [day.isoformat() for day in sorted(dates)],
        "today": {
            "date": today.date.isoformat(),
            "totalRevenue": today.revenue,
            "totalOrders": today.orders,
            "totalItems": today.items,
        },
    }
    return _event(event_id, UPDATED, at, data, shopid=shop)


def pipeline_progress(state: PipelineState, event_id: str, at: datetime) -> bytes:
    """A `pipeline:progress` event: for the API processes, of no shop."""
    # most partitions are at rest, and have the same
    instants = {as_of: _iso(as_of) for as_of in {p.as_of for p in state.partitions.values()}}
    partitions = [
        [place.topic, place.partition, p.epoch, p.next, instants[p.as_of]]
        for place, p in state.partitions.items()
    ]
    changed = state.changed
    data: dict[str, Any] = {
        "worker": state.worker,
        "partitions": partitions,
        "counters": dict(state.counters),
        "kinds": changed and {shop: _list_kinds(kinds) for shop, kinds in changed.items()},
    }
    return _event(event_id, PROGRESS, at, data)


def read_progress(data: Mapping[str, Any], at: str | None = None) -> PipelineState:
    """From the `data` and the `time` of a `pipeline:progress` event."""
    changed = data.get("kinds")
    if changed is not None:
        changed = {shop: _read_kinds(kinds) for shop, kinds in changed.items()}
    return PipelineState(
        data["worker"],
        {
            Partition(topic, partition): Progress(epoch, offset, datetime.fromisoformat(as_of))
            for topic, partition, epoch, offset, as_of in data["partitions"]
        },
        data["counters"],
        changed,
        datetime.fromisoformat(at) if at else None,
    )


def _list_kinds(kinds: Mapping[str, Days] | None) -> Mapping[str, list[int] | None] | None:
    if kinds is None:
        return None
    return {kind: None if days is None else sorted(days) for kind, days in kinds.items()}


def _read_kinds(kinds: Mapping[str, list[int] | None] | None) -> Mapping[str, Days] | None:
    """One that is not known here may be anything."""
    if kinds is None or not kinds.keys() <= KINDS:
        return None
    return {kind: None if days is None else frozenset(days) for kind, days in kinds.items()}


def plain(amount: Decimal) -> str:
    """A JSON number with exactly the digits of the amount: no exponent, no trailing zeros."""
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _event(event_id: str, kind: str, at: datetime, data: Any, **more: str) -> bytes:
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": kind,
        "time": _iso(at),
        **more,
        "data": data,
    }
    return _json(event).encode()


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""`json.dumps` with options makes an encoder for each value."""


def _json(value: Any) -> str:
    """A decimal becomes a number with exactly its digits."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(k)}:{_json(v)}" for k, v in value.items()) + "}"
    return _encode(value)


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")
