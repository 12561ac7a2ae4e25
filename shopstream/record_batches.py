"""What a record batch may become in memory, for every reader of the process.

Kafka bounds a batch as it is sent, not what it inflates to: 178 kB of zstd hold 4 GB of records, and neither aiokafka
nor kafka-python has a limit. Here a batch is inflated as a stream up to `MAX_INFLATED`; one beyond it is read as one
record, at its last offset, whose value is an `Unread`. Nor does aiokafka bound what one poll takes: here that is
`POLL_BYTES`; what is left stays with the fetcher for the next one.

`bound_aiokafka` and `bound_kafka_python` put this in place of the libraries' own names, before a consumer is made.
"""

import struct
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterator
from mmap import mmap
from typing import Any, NamedTuple

import cramjam

from shopstream.contracts.envelope import header_bytes
from shopstream.contracts.reject import Unread

MAX_INFLATED = 16 * 1024 * 1024
"""A batch is one MiB compressed unless the broker is set otherwise, and ten times that inflated at most, as far as
producers make them: those of librdkafka count bytes before they compress."""
POLL_BYTES, POLL_RECORDS = 32 * 1024 * 1024, 10_000
"""What one poll takes: so many bytes of all partitions, so many records of each."""
RECORD_BYTES = 200
"""What a record costs beside its key and value."""
COUNT_AT = 57
"""Where a batch has the number of its records, in four bytes (KIP-98, RecordBatch)."""
_XERIAL = b"\x82SNAPPY\0"
_XERIAL_HEAD = 16


class CannotInflate(ValueError):
    """A batch that is larger than `MAX_INFLATED`, or is not what its header says."""


class _Thread(threading.local):
    """`scratch`: what is inflated into; its pages cost nothing before they are written. `left`: of a poll, in bytes."""

    scratch: mmap | None = None
    left = POLL_BYTES


_own = _Thread()


def inflate_gzip(data: Any) -> bytes:
    """A batch that was compressed by gzip.

    Raises:
        CannotInflate: so do all four.
    """
    stream = zlib.decompressobj(wbits=31)
    try:
        inflated = stream.decompress(data, MAX_INFLATED + 1)
    except zlib.error as error:
        raise CannotInflate(str(error)) from None
    if len(inflated) > MAX_INFLATED or not stream.eof:
        raise CannotInflate("too large, or cut off")
    return inflated


def inflate_zstd(data: Any) -> bytes:
    """A batch that was compressed by zstd."""
    return _into_scratch(cramjam.zstd.decompress_into, data)


def inflate_lz4(data: Any) -> bytes:
    """A batch that was compressed by LZ4."""
    return _into_scratch(cramjam.lz4.decompress_into, data)


def inflate_snappy(data: Any) -> bytes:
    """A batch that was compressed by Snappy, as one block or in the framing of the Java library."""
    data = bytes(data)
    if not data.startswith(_XERIAL):
        return _snappy_block(data, MAX_INFLATED)
    blocks, left, at = [], MAX_INFLATED, _XERIAL_HEAD
    while at < len(data):
        try:
            (size,) = struct.unpack_from(">I", data, at)
        except struct.error as error:
            raise CannotInflate(str(error)) from None
        blocks.append(_snappy_block(data[at + 4 : at + 4 + size], left))
        left -= len(blocks[-1])
        at += 4 + size
    return b"".join(blocks)


def _snappy_block(data: bytes, limit: int) -> bytes:
    """The length that a block is to have stands before it."""
    try:
        if cramjam.snappy.decompress_raw_len(data) > limit:
            raise CannotInflate("too large")
        return bytes(cramjam.snappy.decompress_raw(data))
    except cramjam.DecompressionError as error:
        raise CannotInflate(str(error)) from None


def _into_scratch(decompress_into: Callable[[Any, mmap], int], data: Any) -> bytes:
    scratch = _own.scratch
    if scratch is None:
        scratch = _own.scratch = mmap(-1, MAX_INFLATED)
    try:
        size = decompress_into(data, scratch)
    except cramjam.DecompressionError as error:
        raise CannotInflate(str(error)) from None
    return scratch[:size]


INFLATE = {
    "gzip_decode": inflate_gzip,
    "snappy_decode": inflate_snappy,
    "lz4_decode": inflate_lz4,
    "zstd_decode": inflate_zstd,
}


def unread(first: int, last: int, count: int, size: int) -> Unread:
    """What stands for a batch that cannot be inflated; `size` is in bytes as it came."""
    why = (
        f"a batch of {count} records (offsets {first} to {last}) and {size} bytes does not inflate to "
        f"{MAX_INFLATED} bytes or less"
    )
    return Unread(why, size, first=first, records=count)


def bound_aiokafka() -> None:
    """Bounds every consumer of aiokafka that this process makes from now on; may be called again.

    Raises:
        AttributeError: the installed aiokafka lacks a name that is built on.
    """
    from aiokafka.consumer import fetcher
    from aiokafka.record._crecords import default_records, legacy_records

    if getattr(fetcher.Fetcher, "bounded", False):
        return
    _replace(default_records, INFLATE)
    _replace(legacy_records, {name: f for name, f in INFLATE.items() if name != "zstd_decode"})
    records, taken = fetcher.MemoryRecords, fetcher.Fetcher.fetched_records
    fetcher.FetchResult = type("BoundedResult", (fetcher.FetchResult,), {"getall": _getall})
    fetcher.MemoryRecords = lambda data: _Batches(data, records)
    fetcher.Fetcher.fetched_records = _in_turn(taken)
    fetcher.Fetcher.bounded = True


def _getall(self: Any, max_records: int | None = None) -> list[Any]:
    """`FetchResult.getall` that gives no more of a partition than the poll has left."""
    if _own.left <= 0 or not self.check_assignment(self._topic_partition):
        return []
    found = []
    while self.has_more():
        record = next(self._partition_records, None)
        self._update_position()
        if record is None:
            self._partition_records = None
            break
        found.append(record)
        _own.left -= RECORD_BYTES + len(record.key or b"") + len(record.value or b"")
        if record.headers:
            _own.left -= header_bytes(record.headers)
        if _own.left <= 0 or len(found) == (max_records or POLL_RECORDS):
            break
    return found


def _in_turn(fetched: Callable[..., Awaitable[dict[Any, Any]]]) -> Any:
    """`Fetcher.fetched_records`, after which what was not taken whole waits behind the others for the next poll."""

    async def fetched_records(self: Any, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        _own.left = POLL_BYTES
        found = await fetched(self, *args, **kwargs)
        for partition in found:
            if partition in self._records:
                self._records.move_to_end(partition)
        return found

    return fetched_records


def bound_kafka_python() -> None:
    """The same for kafka-python, of which only the command line reads: there a batch that cannot be inflated has no
    records."""
    from kafka import codec
    from kafka.record import default_records, legacy_records, memory_records

    class Bounded(default_records.DefaultRecordBatch):  # type: ignore[misc]
        """Without records where it cannot be inflated."""

        def _maybe_uncompress(self) -> None:
            try:
                super()._maybe_uncompress()
            except CannotInflate:
                self._buffer, self._pos, self._num_records = bytearray(), 0, 0
                self._decompressed = True

    _replace(default_records, INFLATE)
    _replace(legacy_records, {name: f for name, f in INFLATE.items() if name != "zstd_decode"})
    _replace(codec, {f"has_{name}": lambda: True for name in ("gzip", "snappy", "lz4", "zstd")})
    memory_records.DefaultRecordBatch = Bounded


def _replace(module: Any, names: Any) -> None:
    for name, value in names.items():
        getattr(module, name)
        setattr(module, name, value)


class _Stand(NamedTuple):
    """A record of aiokafka's in place of a whole batch."""

    offset: int
    timestamp: int
    value: Unread
    key: None = None
    timestamp_type: int = 0
    checksum: None = None
    headers: tuple[()] = ()


class _Batches:
    """What one fetch brought of a partition, as aiokafka's `MemoryRecords`."""

    def __init__(self, data: bytes, records: Callable[[bytes], Any]) -> None:
        self._records = records(data)
        self._data = data
        self._at = 0
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        start = self._at
        (length,) = struct.unpack_from(">i", self._data, start + 8)
        self._at += 12 + length
        if not batch.compression_type or batch.magic < 2:
            return batch
        (count,) = struct.unpack_from(">i", self._data, start + COUNT_AT)
        return _Batch(batch, count, 12 + length)


class _Batch:
    """A compressed batch as aiokafka's, of which one that cannot be inflated is a single record."""

    def __init__(self, batch: Any, count: int, size: int) -> None:
        self._batch = batch
        self._count = count
        self._size = size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        batch = self._batch
        try:
            records = iter(batch)
        except CannotInflate:
            first, last = batch.base_offset, batch.next_offset - 1
            value = unread(first, last, self._count, self._size)
            return iter((_Stand(last, batch.max_timestamp, value),))
        return iter(records)

    def __next__(self) -> Any:
        return next(self._batch)
