"""From the bytes of a record to an event, or to the reason why it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shopstream.contracts import inventory, order, payment, purchase, shop, supplier, values, visit
from shopstream.contracts.envelope import other_document, other_format
from shopstream.contracts.json_text import MAX_BYTES, MAX_SIGNS, NotJson, parse, too_complex
from shopstream.contracts.reject import Reason, Refusal, Refused, Unread
from shopstream.contracts.schema import Document, Field, Shape, read_all
from shopstream.contracts.topics import TOPIC_OF_TYPE

DATA: Mapping[str, Shape] = {
    **order.EVENTS,
    **inventory.EVENTS,
    **payment.EVENTS,
    **supplier.EVENTS,
    **purchase.EVENTS,
    **visit.EVENTS,
    **shop.EVENTS,
}
"""The shape of `data` by event type."""


@dataclass(frozen=True, slots=True)
class Event:
    """A CloudEvent that keeps every rule. `data` holds the typed members by their contract names."""

    id: str
    source: str
    type: str
    shop_id: str
    user_id: str | None
    time: datetime | None
    data: dict[str, Any]
    backfill: bool = False


AHEAD = timedelta(hours=24)
"""How far the time of a version may be ahead of its arrival: one with a wrong clock would stand for as long."""
_END = int(values.LATEST.timestamp())
_ATTRIBUTES = ("specversion", "id", "source", "type")
"""Without these a JSON object is no CloudEvent."""
_NOT_CLOUDEVENT = {
    name: Refusal(
        Reason.NOT_CLOUDEVENT,
        name,
        name + (' must be "1.0"' if name == "specversion" else " must be text that is not empty"),
    )
    for name in _ATTRIBUTES
}

ENVELOPES = {
    kind: Shape(
        (
            Field(
                "id",
                values.identifier,
                "With `shopid` and `source` it names the event.",
                required=True,
                example="8f14e45f",
            ),
            Field("source", values.attribute, "Who says it.", required=True, example="/checkout"),
            Field("time", values.time, "When it happened."),
            Field("shopid", values.identifier, "The shop whose event it is.", required=True),
            Field("userid", values.identifier, "The only user to whom it is pushed."),
            Field(
                "shopstreambackfill",
                values.flag,
                "History: reports count it, nothing is pushed and no alert is given.",
                example=False,
            ),
            Field("data", shape, required=True),
        ),
        about=shape.about,
    )
    for kind, shape in DATA.items()
}
"""The shape of the whole event by type, without what makes it a CloudEvent."""


def future_limit(arrived: int | None) -> datetime | None:
    """The last instant that a version may have which reached Kafka in this second (Unix time).

    None where nothing is known of its arrival: no timestamp, or one before the year 2000.
    """
    if arrived is None or arrived < values.EARLIEST.timestamp():
        return None
    return datetime.fromtimestamp(min(arrived, _END), UTC) + AHEAD


_UNCLEAR = frozenset(b' \t\r\n\v\f{["-0123456789tfnNI\0')
"""First bytes of JSON, of blanks, and of Confluent's wire format, of which the refusal speaks."""
_NO_JSON = Refusal(Reason.NOT_JSON, None, "not JSON: Expecting value at character 0")


def refused_by_first_byte(value: bytes | None) -> Refusal | None:
    """What `read_event` would raise of a record whose first byte begins no JSON, in a tenth of the time; None where
    that has to be asked. A flood of records that are none is refused by this."""
    if not value or value[0] in _UNCLEAR:
        return None
    return _NO_JSON if len(value) <= MAX_SIGNS and value.isascii() else None


def read_event(
    value: bytes | None,
    topic: str | None,
    arrived: int | None = None,
    maps: order.StatusMaps = order.NO_WORDS,
) -> Event:
    """Reads one record of `topic`, which is one that shops write; None: whichever its type belongs to. `arrived` is its
    Kafka timestamp in whole seconds, `maps` has the words of shops for statuses.

    Raises:
        Refused: with the first reason that applies, in the order of `Reason`; the message lists all faults.
    """
    if isinstance(value, Unread):
        raise Refused(value.reason, None, value.why)
    if value is not None and len(value) > MAX_BYTES:
        raise Refused(Reason.TOO_LARGE, None, f"the record has more than {MAX_BYTES} bytes")
    if value is not None and too_complex(value):
        message = f"the record has more than {MAX_SIGNS} commas and brackets"
        raise Refused(Reason.TOO_COMPLEX, None, message)
    return read_document(_document(value), topic, arrived, maps)


def read_document(
    found: object,
    topic: str | None,
    arrived: int | None = None,
    maps: order.StatusMaps = order.NO_WORDS,
) -> Event:
    """Reads what `json_text.parse` gave of a record; raises as `read_event`."""
    document = _cloudevent(found)
    kind = document["type"]
    home = TOPIC_OF_TYPE.get(kind)
    here = topic is None or home == topic
    if home is None or (here and kind not in ENVELOPES):
        raise Refused(Reason.UNKNOWN_TYPE, "type", "type is not one of the event types")
    if not here:
        raise Refused(Reason.WRONG_TOPIC, "type", f"{kind} belongs to {home}")
    if maps and kind in order.EVENTS:
        document = order.in_our_words(document, maps)
    found, faults = read_all(ENVELOPES[kind], document)
    if faults:
        if faults[0].field == "data" and document.get("data_base64") is not None:
            message = "data is required: data_base64 is not read, send JSON in data"
            faults[0] = replace(faults[0], message=message)
        raise Refused.of(faults)
    _not_in_the_future(DATA[kind].latest_by, found["data"], arrived)
    return Event(
        id=found["id"],
        source=found["source"],
        type=kind,
        shop_id=found["shopid"],
        user_id=found["userid"],
        time=found["time"],
        data=found["data"],
        backfill=bool(found["shopstreambackfill"]),
    )


def _not_in_the_future(name: str | None, data: dict[str, Any], arrived: int | None) -> None:
    limit = future_limit(arrived)
    if name is not None and limit is not None and data[name] > limit:
        at = f"{limit - AHEAD:%Y-%m-%dT%H:%M:%SZ}"
        message = f"data.{name} must not be more than 24 h after the record reached Kafka ({at})"
        raise Refused(Reason.IN_THE_FUTURE, f"data.{name}", message)


def _document(value: bytes | None) -> Any:
    try:
        return parse(value or b"")
    except NotJson as error:
        why = other_format(value or b"") or str(error)
        raise Refused(Reason.NOT_JSON, None, f"not JSON: {why}") from None


def _cloudevent(document: object) -> Document:
    if other := other_document(document):
        raise Refused(Reason.NOT_CLOUDEVENT, None, other)
    if not isinstance(document, dict):
        raise Refused(Reason.NOT_CLOUDEVENT, None, "the record is not a JSON object")
    wrong = [name for name in _ATTRIBUTES if not _is_valid(name, document.get(name))]
    if wrong:
        names = list(document)
        wrong.sort(key=lambda name: 1 + names.index(name) if document.get(name) is not None else 0)
        raise Refused.of([_NOT_CLOUDEVENT[name] for name in wrong])
    return document


def _is_valid(name: str, attribute: object) -> bool:
    if name == "specversion":
        return attribute == "1.0"
    return isinstance(attribute, str) and bool(attribute)
