"""From the bytes of a record to an event, or to the reason why it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shopstream.contracts import inventory, order, payment, purchase, shop, supplier, values, visit
from shopstream.contracts.envelope import other_document, other_format
from shopstream.contracts.json_text import MAX_BYTES, MAX_SIGNS, NotJson, parse, too_complex
from shopstream.contracts.reject import Reason, Refused, Unread
from shopstream.contracts.schema import Field, Shape, read
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


_ATTRIBUTES = ("specversion", "id", "source", "type")
"""Without these a JSON object is no CloudEvent."""

ENVELOPES = {
    kind: Shape(
        (
            Field(
                "id",
                values.identifier,
                required=True,
                about="With `shopid` and `source` it names the event.",
                example="8f14e45f",
            ),
            Field(
                "source",
                values.attribute,
                required=True,
                about="Who says it.",
                example="/checkout",
            ),
            Field("time", values.time, about="When it happened."),
            Field("shopid", values.identifier, required=True, about="The shop whose event it is."),
            Field("userid", values.identifier, about="The only user to whom it is pushed."),
            Field(
                "shopstreambackfill",
                values.flag,
                about="History: reports count it, nothing is pushed and no alert is given.",
                example=False,
            ),
            Field("data", shape, required=True),
        ),
        about=shape.about,
    )
    for kind, shape in DATA.items()
}
"""The shape of the whole event by type, without what makes it a CloudEvent."""


def read_event(value: bytes | None, topic: str | None) -> Event:
    """Reads one record of `topic`, which is one that shops write; None: whichever its type belongs to.

    Raises:
        Refused: with the first reason that applies, in the order of `Reason`.
    """
    if isinstance(value, Unread):
        raise Refused(Reason.TOO_LARGE, None, value.why)
    if value is not None and len(value) > MAX_BYTES:
        raise Refused(Reason.TOO_LARGE, None, f"the record has more than {MAX_BYTES} bytes")
    if value is not None and too_complex(value):
        message = f"the record has more than {MAX_SIGNS} commas and brackets"
        raise Refused(Reason.TOO_COMPLEX, None, message)
    return read_document(_document(value), topic)


def read_document(found: object, topic: str | None) -> Event:
    """Reads what `json_text.parse` gave of a record; raises as `read_event`."""
    document = _cloudevent(found)
    kind = document["type"]
    home = TOPIC_OF_TYPE.get(kind)
    here = topic is None or home == topic
    if home is None or (here and kind not in ENVELOPES):
        raise Refused(Reason.UNKNOWN_TYPE, "type", "type is not one of the event types")
    if not here:
        raise Refused(Reason.WRONG_TOPIC, "type", f"{kind} belongs to {home}")
    try:
        found = read(ENVELOPES[kind], document)
    except Refused as error:
        if error.refusal.field == "data" and document.get("data_base64") is not None:
            message = "data is required: data_base64 is not read, send JSON in data"
            raise Refused(error.refusal.reason, "data", message) from None
        raise
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


def _document(value: bytes | None) -> Any:
    try:
        return parse(value or b"")
    except NotJson as error:
        why = other_format(value or b"") or str(error)
        raise Refused(Reason.NOT_JSON, None, f"not JSON: {why}") from None


def _cloudevent(document: object) -> dict[str, Any]:
    if other := other_document(document):
        raise Refused(Reason.NOT_CLOUDEVENT, None, other)
    if not isinstance(document, dict):
        raise Refused(Reason.NOT_CLOUDEVENT, None, "the record is not a JSON object")
    missing = [name for name in _ATTRIBUTES if document.get(name) is None]
    for name in (*missing, *document):
        if name == "specversion" and document.get(name) != "1.0":
            raise Refused(Reason.NOT_CLOUDEVENT, name, 'specversion must be "1.0"')
        attribute = document.get(name)
        if name in _ATTRIBUTES and not (isinstance(attribute, str) and attribute):
            message = f"{name} must be text that is not empty"
            raise Refused(Reason.NOT_CLOUDEVENT, name, message)
    return document
