"""A place in a shop's stream: for each partition the next offset to be seen, and the epoch of its topic.

Text form: base64url without padding of a version byte, then for each partition, sorted: index of the topic
in `TOPICS` (1 byte), partition (LEB128), epoch (4 bytes, big-endian), next offset (LEB128).
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from shopstream.contracts.topics import TOPICS

_VERSION = 1
_NAMES = tuple(topic.name for topic in TOPICS)
_INDEX = {name: i for i, name in enumerate(_NAMES)}
MAX_TEXT = 64 * 1024
_MAX_PARTITION = 2**31 - 1
_MAX_OFFSET = 2**63 - 1
"""Of Kafka's protocol."""


class Partition(NamedTuple):
    topic: str
    partition: int


class Position(NamedTuple):
    """`epoch` tells one incarnation of a topic from the next (UInt32); `next` is the first offset not seen."""

    epoch: int
    next: int


Cursor = Mapping[Partition, Position]


class BadCursor(ValueError):
    """The text is not a cursor of ours."""


def encode(cursor: Cursor) -> str:
    """The text of a cursor; equal cursors have equal texts."""
    out = bytearray((_VERSION,))
    for index, partition, position in sorted(
        (_INDEX[place.topic], place.partition, position) for place, position in cursor.items()
    ):
        out.append(index)
        _put(out, partition)
        out += position.epoch.to_bytes(4, "big")
        _put(out, position.next)
    return base64.urlsafe_b64encode(out).decode().rstrip("=")


def decode(text: str) -> dict[Partition, Position]:
    """The cursor of a text.

    Raises:
        BadCursor: for any text that `encode` does not make.
    """
    if len(text) > MAX_TEXT:
        raise BadCursor("the cursor is too long")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = dict(_entries(raw))
    except (binascii.Error, IndexError, ValueError):
        raise BadCursor("the text is not a cursor") from None
    if encode(found) != text:
        raise BadCursor("the text is not a cursor")
    return found


def _entries(raw: bytes) -> Iterator[tuple[Partition, Position]]:
    if raw[0] != _VERSION:
        raise BadCursor("the cursor is of another version")
    at = 1
    while at < len(raw):
        topic = _NAMES[raw[at]]
        partition, at = _take(raw, at + 1)
        epoch = int.from_bytes(raw[at : at + 4], "big")
        offset, at = _take(raw, at + 4)
        if partition > _MAX_PARTITION or offset > _MAX_OFFSET:
            raise BadCursor("the text is not a cursor")
        yield Partition(topic, partition), Position(epoch, offset)


def _put(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _take(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = raw[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at
        if shift > 63:
            raise BadCursor("the text is not a cursor")
