"""The CloudEvent of a Kafka record, whatever its content mode (CloudEvents Kafka protocol binding 1.0.2), and the name
of what is none, where it can be told. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from shopstream.contracts.json_text import MAX_BYTES, NotJson, parse, too_complex
from shopstream.contracts.reject import Reason, Refused, Unread

Headers = Sequence[tuple[str, bytes | None]]
"""Of a record, as Kafka clients give them."""

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MAX_HEADER_BYTES = 64 * 1024
"""Of all headers of a record: they travel in its dead letter too, which Kafka must take."""
HEADER_BYTES = 64
"""What each header counts beside its name and value."""
SHOWN = 64
"""Characters of a header's name that a refusal repeats."""
BACKFILL = "shopstreambackfill"
"""The one attribute that is no text."""
_BOOLEANS = {"true": True, "false": False}
"""As headers spell them (CloudEvents 1.0, type system)."""
_PREFIX = "ce_"
_NOT_ATTRIBUTES = frozenset({"data", "data_base64"})
_JSON = re.compile(r"(?:application|text)/json|[^/]+/[^/]+\+json")
_CONFLUENT_HEAD = 5


def structured(value: bytes | None, headers: Headers) -> bytes | None:
    """The event as one JSON document: the value itself in structured mode, and where there are no headers; in binary
    mode the attributes of the `ce_` headers with the value as `data`, byte for byte.

    Raises:
        Refused: what the headers say of the value cannot be read.
    """
    if not headers or value is None or isinstance(value, Unread):
        return value
    if header_bytes(headers) > MAX_HEADER_BYTES:
        message = f"the headers of the record have more than {MAX_HEADER_BYTES} bytes"
        raise Refused(Reason.TOO_LARGE, None, message)
    named = dict(headers)
    content_type = _content_type(named)
    if content_type.startswith("application/cloudevents"):
        _require_structured(content_type)
        return value
    if f"{_PREFIX}specversion" not in named or len(value) > MAX_BYTES or too_complex(value):
        return value
    return joined(_attributes(headers), content_type, value)


def joined(attributes: Mapping[str, str], content_type: str, data: bytes) -> bytes:
    """An event in structured mode from the parts of one in binary mode; `content_type` empty: none was given.

    Raises:
        Refused: the data is not one JSON document, or is said to be of another format.
    """
    if wrong := _NOT_ATTRIBUTES & attributes.keys():
        name = min(wrong)
        raise _refused(name, f"{name} is no attribute: in binary mode the value is the data")
    media_type = content_type.partition(";")[0].strip()
    if media_type and not _JSON.fullmatch(media_type):
        raise _refused("datacontenttype", f"the data is {media_type[:64]!r}; only JSON is read")
    event: dict[str, Any] = dict(attributes)
    if (mark := event.get(BACKFILL)) in _BOOLEANS:
        event[BACKFILL] = _BOOLEANS[mark]
    if media_type:
        event["datacontenttype"] = media_type
    if data.strip():
        _require_json(data)
        event["data"] = orjson.Fragment(data)
    return orjson.dumps(event)


def header_bytes(headers: Headers) -> int:
    """What they count together."""
    return sum(HEADER_BYTES + len(name) + len(value or b"") for name, value in headers)


def shop_of(headers: Headers) -> str | None:
    """The shop that the headers of a record in binary mode name."""
    value = dict(headers).get(f"{_PREFIX}shopid")
    return None if value is None else value.decode(errors="replace")


def other_format(value: bytes) -> str | None:
    """What bytes that are not JSON are, where that can be told."""
    if value[:1] == b"\0" and len(value) >= _CONFLUENT_HEAD:
        schema = int.from_bytes(value[1:_CONFLUENT_HEAD], "big")
        return (
            f"it begins with the magic byte 0 of Confluent's wire format (schema {schema}):"
            " send JSON without a serializer of a schema registry"
        )
    return None


def other_document(document: object) -> str | None:
    """What a JSON document that is no CloudEvent is, where that can be told."""
    if isinstance(document, list):
        return "the record is a JSON array: send one event a record, or the batch to POST /events"
    if not isinstance(document, dict) or "specversion" in document:
        return None
    if {"schema", "payload"} <= document.keys():
        payload = document["payload"]
        if isinstance(payload, dict) and _is_change(payload):
            return _CHANGE
        return (
            'the record is JSON with a schema ({"schema": …, "payload": …}):'
            " set schemas.enable=false of Kafka Connect's JsonConverter"
        )
    return _CHANGE if _is_change(document) else None


_CHANGE = (
    "the record is a change event of Debezium, not an event of the contract:"
    " make a CloudEvent of it first, for instance of a row of an outbox table"
)


def _is_change(document: Mapping[str, Any]) -> bool:
    return "op" in document and bool({"before", "after"} & document.keys())


def _content_type(named: Mapping[str, bytes | None]) -> str:
    for name, value in named.items():
        if value and name.lower() == "content-type":
            return value.decode(errors="replace").strip().lower()
    return ""


def _require_structured(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip()
    if media_type.startswith("application/cloudevents-batch"):
        raise _refused(
            None, "the record is a batch of events: send one event a record, or it to POST /events"
        )
    if media_type != STRUCTURED:
        raise _refused(None, f"the record is {media_type[:64]!r}; only {STRUCTURED} is read")


def _attributes(headers: Headers) -> dict[str, str]:
    """Each stands once: of two shops a reader in between may have taken the other one."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name.startswith(_PREFIX) and value is not None:
            attribute = name.removeprefix(_PREFIX)
            if attribute in found:
                raise _misfit(name, "must stand once")
            try:
                found[attribute] = value.decode()
            except UnicodeDecodeError:
                raise _misfit(name, "must be UTF-8") from None
    return found


def _require_json(data: bytes) -> None:
    """As one document: a second member behind it would become an attribute."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            parse(data)
        except NotJson as error:
            why = other_format(data) or str(error)
            raise Refused(Reason.NOT_JSON, None, f"the data is not JSON: {why}") from None


def _misfit(name: str, rule: str) -> Refused:
    shown = name[:SHOWN]
    return _refused(shown.removeprefix(_PREFIX), f"the header {shown} {rule}")


def _refused(field: str | None, message: str) -> Refused:
    return Refused(Reason.NOT_CLOUDEVENT, field, message)
