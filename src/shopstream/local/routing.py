"""Where an event given as a line of text belongs: its topic and its record key. Pure."""

from dataclasses import dataclass
from typing import Any

import orjson

from shopstream.contracts import topics

ENTITY = {
    topics.ORDERS: "orderId",
    topics.INVENTORY: "productId",
    topics.PAYMENTS: "paymentId",
    topics.SUPPLIERS: "supplierId",
    topics.PURCHASES: "purchaseId",
    topics.TRAFFIC: "sessionId",
    topics.SETTINGS: None,
}
"""The member of `data` that names the thing of an event; None: the shop itself."""


class Unroutable(ValueError):
    """The line belongs to no topic; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """What goes to Kafka. `value` is the line, byte for byte."""

    topic: str
    key: bytes | None
    value: bytes


def route(line: bytes) -> Record:
    """The record of a line that holds one event, to the topic of its type.

    Raises:
        Unroutable: not JSON, not an object, or not a type that shops send.
    """
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Unroutable(f"not JSON ({error})") from None
    kind = event.get("type") if isinstance(event, dict) else None
    topic = topics.TOPIC_OF_TYPE.get(kind) if isinstance(kind, str) else None
    if topic not in ENTITY:
        raise Unroutable(f"{kind!r} is not a type of event that shops send")
    return Record(topic, record_key(topic, event), line)


def as_it_is(line: bytes, topic: str) -> Record:
    """The record of any line to `topic`, with the key of the event if it is one, else none."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        event = None
    return Record(topic, record_key(topic, event), line)


def record_key(topic: str, event: Any) -> bytes | None:
    """`shopid/<entity id>`, `shopid` for settings, or None where the event does not name them."""
    shop = event.get("shopid") if isinstance(event, dict) else None
    if not isinstance(shop, str) or topic not in ENTITY:
        return None
    name = ENTITY[topic]
    if name is None:
        return shop.encode()
    data = event.get("data")
    entity = data.get(name) if isinstance(data, dict) else None
    return f"{shop}/{entity}".encode() if isinstance(entity, str) else None
