"""What the pipeline says on `shop.notices`: numbers that changed, and how far it has come."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shopstream.contracts.cursor import Partition

SOURCE = "/shopstream/pipeline"
UPDATED = "report:updated"
PROGRESS = "pipeline:progress"


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one partition: every record before offset `next` is in the reports.

    Everything that reached Kafka before `as_of` (UTC) is included. `epoch` tells one incarnation of the
    topic from the next.
    """

    epoch: int
    next: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class PipelineState:
    """One worker's word: progress of its partitions, and its counters since it started."""

    worker: str
    partitions: Mapping[Partition, Progress]
    counters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Today:
    """Totals of a local date in the shop's currency."""

    date: date
    revenue: Decimal
    orders: int
    items: int


def report_updated(
    shop: str, event_id: str, at: datetime, dates: Iterable[date], today: Today
) -> bytes:
    """A `report:updated` CloudEvent; money is a JSON number with exactly its digits."""
    data = {
        "dates": [day.isoformat() for day in sorted(dates)],
        "today": {
            "date": today.date.isoformat(),
            "totalRevenue": "\0",
            "totalOrders": today.orders,
            "totalItems": today.items,
        },
    }
    text = _event(event_id, UPDATED, at, data, shopid=shop)
    return text.replace('"\\u0000"', plain(today.revenue)).encode()


def pipeline_progress(state: PipelineState, event_id: str, at: datetime) -> bytes:
    """A `pipeline:progress` event: for the API processes, of no shop."""
    partitions = [
        [place.topic, place.partition, p.epoch, p.next, _iso(p.as_of)]
        for place, p in state.partitions.items()
    ]
    data = {"worker": state.worker, "partitions": partitions, "counters": dict(state.counters)}
    return _event(event_id, PROGRESS, at, data).encode()


def read_progress(data: Mapping[str, Any]) -> PipelineState:
    """From the `data` of a `pipeline:progress` event."""
    return PipelineState(
        data["worker"],
        {
            Partition(topic, partition): Progress(epoch, offset, datetime.fromisoformat(as_of))
            for topic, partition, epoch, offset, as_of in data["partitions"]
        },
        data["counters"],
    )


def plain(amount: Decimal) -> str:
    """A JSON number with exactly the digits of the amount: no exponent, no trailing zeros."""
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _event(event_id: str, kind: str, at: datetime, data: Any, **more: str) -> str:
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": kind,
        "time": _iso(at),
        **more,
        "data": data,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")
