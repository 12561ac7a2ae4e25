"""From the bytes of a record to what is pushed of it, or to nothing where it is refused."""

import logging
import re
import traceback
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from pipeline import decode
from shopstream.contracts import events, values
from shopstream.contracts.cursor import Partition
from shopstream.contracts.envelope import Headers, structured
from shopstream.contracts.json_text import MAX_BYTES, NotJson, parse, signs, too_complex
from shopstream.contracts.order import NO_WORDS, STATUSES, StatusMaps
from shopstream.contracts.reject import Refused
from shopstream.contracts.topics import INPUTS, ORDERS, TOPIC_OF_TYPE
from shopstream.logs import RateLimit

log = logging.getLogger(__name__)
log.addFilter(RateLimit())

BIG_BYTES = 16 * 1024
BIG_SIGNS = 1_000
"""Beyond either a record is checked beside the event loop; the largest order takes some 20 ms."""
_SHOP = b'"shopid"'
_NAMED = re.compile(rb'"shopid"\s*:\s*"([^"\\]*)"')


class PushEvent(NamedTuple):
    """`user` None: for everyone in the shop. `value` is the CloudEvent as it came, on one line."""

    shop: str
    type: str
    user: str | None
    value: bytes


class Worded(NamedTuple):
    """An order whose status is none of ours; it breaks no other rule. `known`: whether that is a word of its shop, by
    the maps that it was read with."""

    event: PushEvent
    known: bool


def by_known_words(found: PushEvent | Worded | None) -> PushEvent | None:
    """What is pushed where the known words are those of the pipeline."""
    if isinstance(found, Worded):
        return found.event if found.known else None
    return found


def log_unforeseen(partition: Partition, offset: int, error: Exception) -> None:
    """Says where a record lies that cannot be pushed, and which line raised what; not the message, which may repeat
    texts of the record."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    log.error(
        "the record at %s:%d:%d cannot be pushed: %s in %s, line %s",
        *partition,
        offset,
        type(error).__name__,
        frame.name,
        frame.lineno,
    )


def event_of(value: bytes | None, headers: Headers) -> bytes | None:
    """The event of a record in structured mode; None where its headers refuse it."""
    try:
        return structured(value, headers)
    except Refused:
        return None


def parse_envelope(value: bytes | None) -> dict[str, Any] | None:
    """A look into a record: its members, None where it is no object."""
    try:
        document = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        document = _parse_carefully(value or b"")
    return document if isinstance(document, dict) else None


def shop_of(value: bytes) -> str | None:
    """The shop that a record names, which is that of the event if the record is not refused. None: it is refused.

    Not by the record key, which no rule binds to the event. Where the name of the member stands there once, and no
    escape can hide another one, the text behind it is that of the envelope, or the envelope has none.
    """
    at = value.find(_SHOP)
    named = _NAMED.match(value, at) if at >= 0 else None
    if named is not None and value.find(_SHOP, named.end()) < 0 and not _may_hide_letters(value):
        try:
            return named[1].decode()
        except UnicodeDecodeError:
            return None
    envelope = parse_envelope(value)
    shop = envelope.get("shopid") if envelope else None
    return shop if isinstance(shop, str) else None


def _may_hide_letters(value: bytes) -> bool:
    """Whether a letter of `shopid` may be written as an escape: those of U+0060 to U+007F."""
    return b"\\" in value and (b"\\u006" in value or b"\\u007" in value)


def _parse_carefully(value: bytes) -> Any:
    """Numbers beyond those of binary floating point are JSON too."""
    try:
        return parse(value) if len(value) <= MAX_BYTES else None
    except NotJson:
        return None


def read_record(
    value: bytes | None, topic: str, arrived: int | None = None, maps: StatusMaps = NO_WORDS
) -> PushEvent | Worded | None:
    """What is pushed of a record of `topic` that arrived in this second (Unix time); None where it breaks a rule, or is
    history. `maps` as `read_event`."""
    if not value or too_much(value):
        return None
    try:
        document = parse(value)
        if topic == ORDERS and (named := _word(document)):
            shop, word = named
            found = _event(document, topic, arrived, {shop: {word: STATUSES[0]}})
            known = word in maps.get(shop, ())
            return found and Worded(PushEvent(*found, one_line(value)), known)
        found = _event(document, topic, arrived, maps)
    except (Refused, NotJson, values.Invalid):
        return None
    return found and PushEvent(*found, one_line(value))


def read_records(
    values: Sequence[bytes | None],
    topic: str,
    arrived: Sequence[int],
    maps: StatusMaps = NO_WORDS,
) -> list[PushEvent | Worded | None]:
    """The same of many records of one topic, as columns; releases the GIL for most of its time."""
    if topic not in INPUTS:
        return [read_record(value, topic) for value in values]
    read: list[PushEvent | Worded | None] = []
    found = decode.envelopes(topic, values, arrived, maps)
    for value, at, one in zip(values, arrived, found, strict=True):
        event: PushEvent | Worded | None = None
        if one and value and not one.backfill:
            event = PushEvent(one.shop, one.type, one.user, one_line(value))
        may_have_word = topic == ORDERS and (one is None or one.shop in maps)
        if may_have_word and _word(parse_envelope(value)):
            event = read_record(value, topic, at, maps)
        read.append(event)
    return read


def is_big(value: bytes | None) -> bool:
    """Whether checking a record would keep the event loop from its streams for long."""
    if value is None or len(value) <= BIG_SIGNS:
        return False
    return len(value) > BIG_BYTES or signs(value) > BIG_SIGNS


def too_much(value: bytes) -> bool:
    """Whether a record is refused before it is read."""
    return len(value) > MAX_BYTES or too_complex(value)


def _word(document: Any) -> tuple[str, str] | None:
    """The shop of an order, and its status; None where that is one of ours, or none at all."""
    shop, data = (
        document.get(name) if isinstance(document, dict) else None for name in ("shopid", "data")
    )
    status = data.get("status") if isinstance(data, dict) else None
    if isinstance(shop, str) and isinstance(status, str) and status not in STATUSES:
        return shop, status
    return None


def _event(
    document: Any, topic: str, arrived: int | None, maps: StatusMaps
) -> tuple[str, str, str | None] | None:
    kind = document.get("type") if isinstance(document, dict) else None
    if not isinstance(kind, str) or TOPIC_OF_TYPE.get(kind) != topic:
        return None
    if kind in events.DATA:
        event = events.read_document(document, topic, arrived, maps)
        return None if event.backfill else (event.shop_id, event.type, event.user_id)
    return _envelope(document, kind)


def _envelope(document: dict[str, Any], kind: str) -> tuple[str, str, str | None] | None:
    """The rules of the envelope, for an event that the system writes."""
    if document.get("specversion") != "1.0" or not isinstance(document.get("data"), dict):
        return None
    values.attribute(document.get("id"))
    values.attribute(document.get("source"))
    user, time = document.get("userid"), document.get("time")
    if time is not None:
        values.time(time)
    return (
        values.identifier(document.get("shopid")),
        kind,
        None if user is None else values.identifier(user),
    )


def one_line(value: bytes) -> bytes:
    """The same JSON without line breaks: valid JSON has them only between tokens, never within a string."""
    return value.translate(None, b"\r\n") if b"\n" in value or b"\r" in value else value
