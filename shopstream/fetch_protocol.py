"""Encodes the fetches of an aiokafka consumer and decodes their responses, each in one pass.

Both name every partition; aiokafka handles each of their fields by itself. A partition without records, error and
preferred replica is left out of the response, so that the fetcher does not look at it; `highwater` and
`last_stable_offset` of the consumer are then those of the last fetch that brought records, and `watermarks` gives those
of every partition. This is for version 11 of the fetch (Kafka 2.3), the newest that aiokafka 0.14 speaks; with an older
broker everything is as before.
https://kafka.apache.org/protocol#The_Messages_Fetch
"""

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from struct import Struct
from typing import Any

from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v11, FetchResponse_v11

_REQUEST = Struct(">iiiibiii")
"""Replica, maximum wait, minimum and maximum bytes, isolation level, session, its epoch, count of topics."""
_REQUESTED = Struct(">iiqqi")
"""Partition, leader epoch, offset, log start offset, maximum bytes."""
_RESPONSE = Struct(">ihii")
"""Throttle time, error, session, count of topics."""
_PARTITION = Struct(">ihqqqi")
"""Partition, error, high watermark, last stable offset, log start offset, count of aborted transactions (-1: null)."""
_ABORTED = Struct(">qq")
_RECORDS = Struct(">ii")
"""Preferred replica, bytes of records (-1: null)."""
_SHORT, _INT = Struct(">h"), Struct(">i")


def use_one_pass(request: FetchRequest) -> None:
    """Makes a fetch encode itself, and decode its response, in one pass."""
    request.build = partial(_build, request)


def _build(request: Any, version: type[Any]) -> Any:
    built = FetchRequest.build(request, version)
    if version is FetchRequest_v11:
        built.RESPONSE_TYPE = FetchResponse
        built.encode = partial(encode, built)
    return built


def encode(request: Any) -> bytes:
    """The body of a fetch that names no forgotten partitions."""
    head = (request.replica_id, request.max_wait_time, request.min_bytes, request.max_bytes)
    session = (request.isolation_level, request.session_id, request.session_epoch)
    parts = [_REQUEST.pack(*head, *session, len(request.topics))]
    for topic, partitions in request.topics:
        parts += (_text(topic), _INT.pack(len(partitions)))
        parts += [_REQUESTED.pack(*partition) for partition in partitions]
    return b"".join((*parts, _INT.pack(0), _text(request.rack_id)))


Watermark = tuple[str, int, int]
"""Topic, partition, high watermark."""


def watermarks(response: Any) -> Iterator[Watermark]:
    """Of the partitions of a response that have no error."""
    if isinstance(response, FetchResponse):
        yield from response.watermarks
        return
    for topic, partitions in response.topics:
        for partition, error, watermark, *_ in partitions:
            if not error:
                yield topic, partition, watermark


class FetchResponse(FetchResponse_v11):  # type: ignore[misc]
    """Has the partitions with news only; `watermarks` are those of all of them.

    Raises:
        struct.error: from `decode`, if the response is cut off.
    """

    @classmethod
    def decode(cls, data: BytesIO) -> "FetchResponse":
        """Reads from where the header ends."""
        with data.getbuffer() as buffer:
            throttle, error, session, count = _RESPONSE.unpack_from(buffer, data.tell())
            at = data.tell() + _RESPONSE.size
            topics = []
            marks: list[Watermark] = []
            for _ in range(count):
                (length,) = _SHORT.unpack_from(buffer, at)
                at += _SHORT.size + length
                topic = bytes(buffer[at - length : at]).decode()
                partitions, at = _partitions(topic, buffer, at, marks)
                if partitions:
                    topics.append((topic, partitions))
        response = cls(throttle, error, session, topics)
        response.watermarks = marks
        return response


def _partitions(
    topic: str, buffer: memoryview, at: int, marks: list[Watermark]
) -> tuple[list[tuple[Any, ...]], int]:
    """The partitions of a topic that have news, and where they end; adds the high watermarks of those without an
    error."""
    found = []
    (count,) = _INT.unpack_from(buffer, at)
    at += _INT.size
    for _ in range(count):
        *fields, transactions = _PARTITION.unpack_from(buffer, at)
        at += _PARTITION.size
        aborted = [
            _ABORTED.unpack_from(buffer, at + i * _ABORTED.size) for i in range(transactions)
        ]
        at += len(aborted) * _ABORTED.size
        if not fields[1]:
            marks.append((topic, fields[0], fields[2]))
        replica, size = _RECORDS.unpack_from(buffer, at)
        at += _RECORDS.size
        if size > 0 or fields[1] or replica >= 0:
            records = bytes(buffer[at : at + size]) if size >= 0 else None
            found.append((*fields, aborted, replica, records))
        at += max(size, 0)
    return found, at


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _SHORT.pack(len(encoded)) + encoded
