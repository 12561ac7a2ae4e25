"""Where an event belongs: its topic and its record key. Pure."""

from dataclasses import dataclass
from typing import Any

import orjson

from shopstream.contracts import topics
from shopstream.contracts.envelope import Headers
from shopstream.contracts.events import Event, read_event
from shopstream.contracts.json_text import NotJson, parse
from shopstream.contracts.order import NO_WORDS, StatusMaps
from shopstream.contracts.reject import Reason, Refused


@dataclass(frozen=True, slots=True)
class Record:
    """What goes to Kafka. `value` is what was given, byte for byte."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers = ()


def route(value: bytes) -> Record:
    """The record of one event, to the topic of its type, whatever else is wrong with it.

    Raises:
        Refused: not JSON, not an object, or not a type that shops send.
    """
    try:
        event = _document(value)
    except NotJson as error:
        raise Refused(Reason.NOT_JSON, None, f"not JSON ({error})") from None
    kind = event.get("type") if isinstance(event, dict) else None
    topic = topics.TOPIC_OF_TYPE.get(kind) if isinstance(kind, str) else None
    if topic not in topics.INPUTS:
        rule = (
            "it has no type" if kind is None else f"{kind!r} is not a type of event that shops send"
        )
        raise Refused(Reason.UNKNOWN_TYPE, "type", rule)
    return Record(topic, record_key(topic, event), value)


def checked(value: bytes, arrived: int, maps: StatusMaps = NO_WORDS) -> tuple[Event, Record]:
    """An event that keeps every rule in this second (Unix time), and its record, which is that of `route`. `maps` as
    `read_event`.

    Raises:
        Refused: with what the pipeline would refuse it for.
    """
    event = read_event(value, None, arrived, maps)
    topic = topics.TOPIC_OF_TYPE[event.type]
    return event, Record(topic, _key(topic, event.shop_id, event.data), value)


def as_it_is(line: bytes, topic: str) -> Record:
    """The record of any bytes to `topic`, with the key of the event if they are one, else none."""
    try:
        event = _document(line)
    except NotJson:
        event = None
    return Record(topic, record_key(topic, event), line)


def _document(value: bytes) -> Any:
    """Fast where it can be: orjson takes no number beyond binary floating point, of which the contract has no bound
    where nothing reads it.

    Raises:
        NotJson: the contract's reader takes it for none.
    """
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return parse(value)


def record_key(topic: str, event: Any) -> bytes | None:
    """`shopid/<entity id>`, `shopid` for settings, or None where the event does not name them."""
    shop = event.get("shopid") if isinstance(event, dict) else None
    if not isinstance(shop, str) or topic not in topics.INPUTS:
        return None
    return _key(topic, shop, event.get("data"))


def _key(topic: str, shop: str, data: Any) -> bytes | None:
    name = topics.BY_NAME[topic].entity
    if name is None:
        return shop.encode()
    entity = data.get(name) if isinstance(data, dict) else None
    return f"{shop}/{entity}".encode() if isinstance(entity, str) else None
