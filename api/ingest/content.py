"""From a request to the events in it, each as one JSON document (CloudEvents HTTP protocol binding 1.0.2). Pure."""

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import unquote_to_bytes

import numpy as np

from api.faults import ContentTooLarge, InvalidEvents, UnsupportedContent
from shopstream.contracts.envelope import BATCH, STRUCTURED, joined
from shopstream.contracts.json_text import JSON_BLANKS, STEPS
from shopstream.contracts.order import NO_WORDS, StatusMaps
from shopstream.contracts.reject import Reason, Refusal, Refused
from shopstream.contracts.routing import Record, checked

MAX_EVENTS = 5_000
"""Of one request."""
BLOCK = 64 * 1024
"""Bytes of a batch that are looked at together."""
_JSON = "application/json"
_PREFIX = "ce-"
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
CONTENT_TYPES = (STRUCTURED, BATCH, _JSON)
HeaderList = Iterable[tuple[str, str]]
"""Names in lower case."""


@dataclass(frozen=True, slots=True)
class CheckedEvents:
    """The records of events that keep every rule, in their order, and the shops that they are of; `digest` is equal
    for equal events."""

    records: Sequence[Record]
    shops: frozenset[str]
    digest: bytes


def check_events(headers: HeaderList, body: bytes, maps: StatusMaps = NO_WORDS) -> CheckedEvents:
    """Every event of a request, checked by the code of the pipeline. `maps` as `read_event`.

    Raises:
        InvalidEvents: with the faults of each event that has any.
        UnsupportedContent, ContentTooLarge: nothing was looked at.
    """
    values = events_of(headers, body)
    records, shops = [], set()
    faults: list[tuple[int, Refusal]] = []
    digest = hashlib.sha256()
    arrived = int(time.time())
    for index, value in enumerate(values):
        try:
            event, record = checked(value, arrived, maps)
        except Refused as error:
            faults.extend((index, fault) for fault in error.faults)
            continue
        records.append(record)
        shops.add(event.shop_id)
        digest.update(b"%d:" % len(value))
        digest.update(value)
    if faults:
        raise InvalidEvents(faults)
    return CheckedEvents(records, frozenset(shops), digest.digest())


def events_of(headers: HeaderList, body: bytes) -> list[bytes]:
    """The bytes of each event, unchecked.

    Raises:
        InvalidEvents: there is none, or the parts of one in binary mode do not fit.
        UnsupportedContent, ContentTooLarge: as `check_events`.
    """
    named = list(headers)
    content_type = next((value for name, value in named if name == "content-type"), "")
    media_type = content_type.partition(";")[0].strip().lower()
    if any(name == "content-encoding" and value.lower() != "identity" for name, value in named):
        raise UnsupportedContent("Send the body as it is, without a Content-Encoding.")
    if media_type == BATCH:
        return split(body)
    if media_type == STRUCTURED:
        return [body]
    if any(name == f"{_PREFIX}specversion" for name, _ in named):
        try:
            return [joined(_attributes(named), media_type, body)]
        except Refused as error:
            raise InvalidEvents([(0, error.refusal)]) from None
    if media_type == _JSON:
        return [body]
    raise UnsupportedContent(
        f"Content-Type must be one of {', '.join(CONTENT_TYPES)}; any JSON with ce- headers."
    )


def split(body: bytes) -> list[bytes]:
    """The elements of a JSON array, byte for byte.

    It is cut at the commas of the outermost level. Each part is read by itself afterwards, so an array that is not
    JSON has a part that is not.

    Raises:
        InvalidEvents: it is no array, or an empty one.
        ContentTooLarge: there are more than `MAX_EVENTS`.
    """
    text = body.strip(JSON_BLANKS)
    if len(text) < 2 or text[:1] != b"[" or text[-1:] != b"]":
        raise _no_batch(Reason.NOT_JSON, "the batch is not a JSON array")
    if not text[1:-1].strip(JSON_BLANKS):
        raise _no_batch(Reason.NOT_CLOUDEVENT, "the batch has no events")
    cuts = [0]
    for commas in _outermost_commas(text):
        cuts += commas
        if len(cuts) > MAX_EVENTS:
            raise ContentTooLarge(f"A batch has at most {MAX_EVENTS:,} events.")
    cuts.append(len(text) - 1)
    return [text[a + 1 : b].strip(JSON_BLANKS) for a, b in pairwise(cuts)]


def _outermost_commas(text: bytes) -> Iterator[list[int]]:
    """Where the commas of the outermost level are, block by block: other threads wait for each of these calls."""
    depth, in_text, escaped = 0, False, False
    for begin in range(0, len(text), BLOCK):
        block = text[begin : begin + BLOCK]
        if escaped:
            block = b"_" + block[1:]
        # a backslash at the end may be half of a pair
        escaped = (len(block) - len(block.rstrip(b"\\"))) % 2 == 1
        # of the same length, so that a place in it is one in the text
        plain = block.replace(b"\\\\", b"__").replace(b'\\"', b"__")
        signs = np.frombuffer(plain, np.uint8)
        quoted = (((signs == 0x22).cumsum(dtype=np.uint8) + in_text) & 1).view(np.bool_)
        steps = np.frombuffer(plain.translate(STEPS), np.int8).copy()
        steps[quoted] = 0
        depths = steps.cumsum(dtype=np.int32) + depth
        commas = np.flatnonzero((depths == 1) & (signs == 0x2C) & ~quoted) + begin
        yield commas.tolist()
        depth, in_text = int(depths[-1]), bool(quoted[-1])


def _attributes(headers: HeaderList) -> dict[str, str]:
    """Those of the `ce-` headers, without the quotes of a quoted string, then percent-decoded (section 3.1.3.2)."""
    found: dict[str, str] = {}
    for name, value in headers:
        if not name.startswith(_PREFIX):
            continue
        attribute = name.removeprefix(_PREFIX)
        if attribute in found:
            raise _misfit(attribute, f"the header {name} must stand once")
        try:
            found[attribute] = unquote_to_bytes(_unquoted(value).encode("latin-1")).decode()
        except UnicodeDecodeError:
            raise _misfit(attribute, f"the header {name} must be UTF-8") from None
    return found


def _unquoted(value: str) -> str:
    """Of a quoted string (RFC 9110, section 5.6.4) what it says."""
    if not _QUOTED.fullmatch(value):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])


def _misfit(field: str, message: str) -> Refused:
    return Refused(Reason.NOT_CLOUDEVENT, field, message)


def _no_batch(reason: Reason, message: str) -> InvalidEvents:
    return InvalidEvents([(None, Refusal(reason, None, message))])
