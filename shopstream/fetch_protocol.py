"""Fetches of a consumer that name only what changed since the one before (KIP-227), each encoded and decoded in one
pass.

A fetch of aiokafka names every partition, and so does the response; it handles each of their fields by itself. Here the
broker keeps what was named, in a session. One that it does not know any more is answered by an error, and the next
fetch names everything again. A partition without records, error and preferred replica is left out of the response, so
that aiokafka's fetcher does not look at it; `watermarks` gives those of every partition that the broker named, and it
names each whose high watermark is another one than in the fetch before, unless the response `is_withheld`. All of this
is for version 11 of the fetch (Kafka 2.3), the newest that aiokafka 0.14 speaks; with an older broker each fetch is
whole and aiokafka's own.
https://kafka.apache.org/protocol#The_Messages_Fetch
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from io import BytesIO
from random import sample
from struct import Struct
from typing import Any

from aiokafka import TopicPartition
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v11, FetchResponse_v11

MAX_BYTES, PARTITION_BYTES = 50 * 1024 * 1024, 1024 * 1024
"""Of a response, and of each partition in it, as aiokafka's where nothing else is said."""
READ_COMMITTED = 1
REPLICA = -1
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
LAST_EPOCH = 2**31 - 1

Offsets = Mapping[TopicPartition, int]


class FetchSession:
    """What one broker knows of our fetches. After `begin` the next one names everything."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """The broker knows nothing: so it was, or it is not known what it does."""
        self._id = self._epoch = 0
        self._known: dict[TopicPartition, int] = {}

    def fetch(
        self,
        offsets: Offsets,
        max_wait_ms: int,
        min_bytes: int,
        partition_bytes: int = PARTITION_BYTES,
        max_bytes: int = MAX_BYTES,
    ) -> FetchRequest:
        """A fetch of these partitions from these offsets on; `answered` or `begin` follows. `partition_bytes`: at most
        of each, alike in all fetches; `max_bytes`: of all together, and one batch whatever its size."""
        if self._epoch:
            named = [one for one in offsets.items() if self._known.get(one[0]) != one[1]]
            forgotten = self._known.keys() - offsets.keys()
        else:  # without a session a broker fills its response in the order of the fetch
            named, forgotten = sample(list(offsets.items()), len(offsets)), set()
        self._known = dict(offsets)
        limits = (max_wait_ms, min_bytes, max_bytes, READ_COMMITTED)
        session = self._id, self._epoch
        return _Fetch(limits, partition_bytes, session, offsets, named, forgotten)

    def answered(self, response: Any) -> bool:
        """Takes the head of a response; False where it is an error, such as a session that the broker has dropped."""
        session = getattr(response, "session_id", 0)
        if getattr(response, "error_code", 0) or not session:
            self.begin()
        else:
            self._id, self._epoch = session, self._epoch % LAST_EPOCH + 1
        return not getattr(response, "error_code", 0)


class _Fetch(FetchRequest):  # type: ignore[misc]
    """Whole for a broker that is older than version 11."""

    def __init__(
        self,
        limits: tuple[int, ...],
        partition_bytes: int,
        session: tuple[int, int],
        offsets: Offsets,
        named: Iterable[tuple[TopicPartition, int]],
        forgotten: Iterable[TopicPartition],
    ) -> None:
        self._limits = limits
        self._partition_bytes = partition_bytes
        self._session = session
        self._offsets = offsets
        self._named = named
        self._forgotten = forgotten

    def build(self, version: type[Any]) -> Any:
        """The fetch as it is sent."""
        most = self._partition_bytes
        if version is not FetchRequest_v11:
            whole = [(tp, (tp.partition, at, most)) for tp, at in self._offsets.items()]
            return FetchRequest(*self._limits, _by_topic(whole)).build(version)
        named = [(tp, (tp.partition, -1, at, -1, most)) for tp, at in self._named]
        forgotten = [(tp, tp.partition) for tp in self._forgotten]
        head = (REPLICA, *self._limits, *self._session)
        built = FetchRequest_v11(*head, _by_topic(named), _by_topic(forgotten), "")
        built.RESPONSE_TYPE = FetchResponse
        built.encode = partial(encode, built)
        return built


def _by_topic(items: Iterable[tuple[TopicPartition, Any]]) -> list[tuple[str, list[Any]]]:
    found: dict[str, list[Any]] = {}
    for tp, item in items:
        found.setdefault(tp.topic, []).append(item)
    return list(found.items())


def encode(request: Any) -> bytes:
    """The body of a fetch."""
    head = (request.replica_id, request.max_wait_time, request.min_bytes, request.max_bytes)
    session = (request.isolation_level, request.session_id, request.session_epoch)
    parts = [_REQUEST.pack(*head, *session, len(request.topics))]
    for topic, partitions in request.topics:
        parts += (_text(topic), _INT.pack(len(partitions)))
        parts += [_REQUESTED.pack(*partition) for partition in partitions]
    parts.append(_INT.pack(len(request.forgotten_topics_data)))
    for topic, numbers in request.forgotten_topics_data:
        parts += (_text(topic), _INT.pack(len(numbers)), *map(_INT.pack, numbers))
    return b"".join((*parts, _text(request.rack_id)))


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


def is_withheld(response: Any) -> bool:
    """Whether a quota of the broker keeps it from naming any partition, whatever news it has."""
    throttled = bool(getattr(response, "throttle_time_ms", 0))
    return throttled and not response.topics and not any(watermarks(response))


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
