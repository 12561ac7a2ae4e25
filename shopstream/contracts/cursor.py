"""A place in a shop's stream: for each partition the next offset to be seen, and the epoch of its topic.

Text form: base64url without padding of a version byte, the time (4 bytes), then runs of partitions that follow each
other, sorted: index of the topic in `TOPICS` (1 byte), its epoch (4 bytes), first partition and count (LEB128), and
the next offset of each (LEB128). Numbers of fixed length are big-endian.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from shopstream.contracts.topics import TOPICS

_VERSION = 2
NAMES = tuple(topic.name for topic in TOPICS)
_INDEX = {name: i for i, name in enumerate(NAMES)}
MAX_TEXT = 64 * 1024
_MAX_PARTITION = 2**31 - 1
_MAX_OFFSET = 2**63 - 1
"""Of Kafka's protocol."""
_LATEST = 2**32 - 1


class Partition(NamedTuple):
    topic: str
    partition: int


class Position(NamedTuple):
    """`epoch` tells a topic from a former one of the same name (UInt32); `next` is the first offset not seen."""

    epoch: int
    next: int


Cursor = Mapping[Partition, Position]


class BadCursor(ValueError):
    """The text is not a cursor of ours."""


class Run(NamedTuple):
    """Partitions of one topic that follow each other; `topic` is its index in `TOPICS`."""

    topic: int
    epoch: int
    first: int
    offsets: list[int]


def encode(cursor: Cursor, at: int = 0) -> str:
    """The text of a cursor; equal cursors have equal texts. `at`: Unix seconds when its last event arrived."""
    return text_of(at, [segment(*run) for run in runs(cursor)])


def decode(text: str) -> dict[Partition, Position]:
    """The positions in a text.

    Raises:
        BadCursor: for any text that `encode` does not make.
    """
    return read(text)[0]


def segment(index: int, epoch: int, first: int, offsets: list[int]) -> bytes:
    """The bytes of one run of partitions; `index` is that of the topic in `TOPICS`."""
    out = bytearray((index,))
    out += epoch.to_bytes(4, "big")
    for number in (first, len(offsets), *offsets):
        while number > 127:
            out.append(number & 127 | 128)
            number >>= 7
        out.append(number)
    return bytes(out)


def text_of(at: int, segments: list[bytes]) -> str:
    """The text of a cursor whose runs are encoded already, in their order."""
    at = min(max(at, 0), _LATEST)
    whole = b"".join((bytes((_VERSION,)), at.to_bytes(4, "big"), *segments))
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


def runs(cursor: Cursor) -> list[Run]:
    """Sorted by topic and partition."""
    found: list[Run] = []
    for index, number, position in sorted(
        (_INDEX[place.topic], place.partition, position) for place, position in cursor.items()
    ):
        last = found[-1] if found else None
        follows = last is not None and number == last.first + len(last.offsets)
        if last is not None and follows and last[:2] == (index, position.epoch):
            last.offsets.append(position.next)
        else:
            found.append(Run(index, position.epoch, number, [position.next]))
    return found


def read(text: str) -> tuple[dict[Partition, Position], int]:
    """The positions in a text, and the Unix seconds when the last event before them arrived; raises as `decode`."""
    if len(text) > MAX_TEXT:
        raise BadCursor("the cursor is too long")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if raw[0] != _VERSION or len(raw) < 5:
            raise BadCursor("the cursor is of another version")
        at = int.from_bytes(raw[1:5], "big")
        found = dict(_entries(raw))
    except (binascii.Error, IndexError, ValueError):
        raise BadCursor("the text is not a cursor") from None
    if encode(found, at) != text:
        raise BadCursor("the text is not a cursor")
    return found, at


def _entries(raw: bytes) -> Iterator[tuple[Partition, Position]]:
    at = 5
    while at < len(raw):
        topic = NAMES[raw[at]]
        epoch = int.from_bytes(raw[at + 1 : at + 5], "big")
        first, at = _take(raw, at + 5)
        count, at = _take(raw, at)
        if not count or first + count > _MAX_PARTITION + 1:
            raise BadCursor("the text is not a cursor")
        for number in range(first, first + count):
            offset, at = _take(raw, at)
            if offset > _MAX_OFFSET:
                raise BadCursor("the text is not a cursor")
            yield Partition(topic, number), Position(epoch, offset)


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
