"""What a record batch may become in memory, for every reader of the process.

Kafka bounds a batch as it is sent, not what it inflates to: 178 kB of zstd hold 4 GB of records, and neither aiokafka
nor kafka-python has a limit. Here a batch is inflated as a stream up to `MAX_INFLATED`; one beyond it is read as one
record, at its last offset, whose value is an `Unread`. Nor does aiokafka bound what one poll takes: here that is
`POLL_BYTES`; what is left stays with the fetcher for the next one. Batches that were begun and not read to their end
are bounded in all (`HELD_BYTES`), however many partitions there are.

A batch whose checksum does not match is fetched again, after a pause in which the other partitions are read on; one
that came so `FETCHES` times is one record too. So are the records of a batch from the first on that cannot be unpacked,
or has an offset that is not the batch's to give. Reading goes on behind them.

`bound_aiokafka` and `bound_kafka_python` put this in place of the libraries' own names, before a consumer is made.
"""

import gc
import logging
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

from shopstream.contracts.envelope import header_bytes
from shopstream.contracts.reject import Reason, Unread
from shopstream.inflate import INFLATE, MAX_INFLATED, CannotInflate, own
from shopstream.logs import RateLimit

logger = logging.getLogger(__name__)
logger.addFilter(RateLimit())

POLL_BYTES, POLL_RECORDS = 32 * 1024 * 1024, 10_000
"""What one poll takes: so many bytes of all partitions, so many records of each."""
RECORD_BYTES = 200
"""What a record costs beside its key and value."""
HELD_BYTES = 64 * 1024 * 1024
"""Where batches take so much that were begun, only those go on, and beside them, up to twice as much, batches of at
most `SHORT_RECORDS`: each is read within a poll or two."""
SHORT_RECORDS = 1_000
FETCHES = 3
"""A batch that came damaged so often lies so with the broker, which checks what it is sent."""
PAUSE_SECONDS = 0.5
"""Before it is fetched the second time; twice as long before the third."""
DAMAGED_KEPT = 1_000
"""Damaged batches of which it is known how often they have come; that which came least recently is forgotten first."""
_HEAD = struct.Struct(">qiibIhiqqqhii")
"""Of a batch (KIP-98, RecordBatch): base offset, bytes behind this field, leader epoch, magic, checksum, attributes,
last offset delta, first and last timestamp, producer with epoch and sequence, number of records."""
_LENGTH_END = 12
_DAY_MS = 24 * 3600 * 1000


class DamagedBatch(Exception):
    """A batch that is not as it was written, and is to be fetched again, after a pause of so many seconds."""

    def __init__(self, why: str, pause: float) -> None:
        super().__init__(why)
        self.pause = pause


class Damaged(Unread):
    """Stands for records that the broker had accepted, and does not have any more."""


class _Poll(threading.local):
    """`left`: of a poll, in bytes."""

    left = POLL_BYTES


_poll = _Poll()
_held: "dict[Batches, int]" = {}
"""Bytes of the batches that were begun and not read to their end."""
_came: dict[tuple[str, bytes], int] = {}
"""How often each damaged batch has come, by its place and first bytes, in the order in which they came."""


def held_bytes() -> int:
    """What the batches take that were begun and not read to their end."""
    return sum(list(_held.values()))  # a copy: the garbage collector may end one in another thread


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
    unpack, taken = fetcher.PartitionRecords._unpack_records, fetcher.Fetcher.fetched_records
    backoff = fetcher.FetchResult.calculate_backoff
    sound = {"_unpack_records": lambda self: until_damaged(self, unpack(self))}
    fetcher.PartitionRecords = type("SoundRecords", (fetcher.PartitionRecords,), sound)
    bounded = {
        "getall": _getall,
        "rested_at": None,
        # aiokafka fetches nothing from a broker while one of its partitions backs off
        "calculate_backoff": lambda self: 0 if self.rested_at else backoff(self),
    }
    fetcher.FetchResult = type("BoundedResult", (fetcher.FetchResult,), bounded)
    fetcher.MemoryRecords = Batches
    fetcher.Fetcher.fetched_records = _in_turn(taken)
    fetcher.Fetcher.wanted = None
    fetcher.Fetcher.bounded = True


def _getall(self: Any, max_records: int | None = None) -> list[Any]:
    """`FetchResult.getall` that gives no more of a partition than the poll has left. Where a batch is damaged it stays
    until its pause is over: as long as there is one, the partition is not fetched."""
    if _poll.left <= 0 or not self.has_more() or not self.check_assignment(self._topic_partition):
        return []
    if self.rested_at:
        if time.monotonic() >= self.rested_at:
            self._partition_records = None
        return []
    found: list[Any] = []
    batches = self._partition_records._records
    left, most = _poll.left, max_records or POLL_RECORDS
    ended = False
    while left > 0 and len(found) < most and (not batches.between or batches.may_begin()):
        record = next(self._partition_records, None)
        if record is None:
            ended = True
            break
        found.append(record)
        left -= RECORD_BYTES + len(record.key or b"") + len(record.value or b"")
        if record.headers:
            left -= header_bytes(record.headers)
    _poll.left = left
    self._update_position()
    if batches.pause:
        self.rested_at = time.monotonic() + batches.pause
    elif ended:
        self._partition_records = None
    return found


def _in_turn(fetched: Callable[..., Awaitable[dict[Any, Any]]]) -> Any:
    """`Fetcher.fetched_records`, after which what was not taken whole waits behind the others for the next poll. Where
    too much is held, batches of the partitions that are not asked for are dropped, and fetched again."""

    async def fetched_records(self: Any, partitions: Any, *args: Any, **kwargs: Any) -> Any:
        _poll.left = POLL_BYTES
        self.wanted = partitions
        found = await fetched(self, partitions, *args, **kwargs)
        for partition in found:
            if partition in self._records:
                self._records.move_to_end(partition)
        if held_bytes() > HELD_BYTES:
            let_go(self, begun=True)
            if not found:  # what a seek left behind is part of a cycle
                gc.collect()
        return found

    return fetched_records


def let_go(fetcher: Any, begun: bool = False) -> None:
    """Drops what was fetched of the partitions that the latest poll did not ask for; `begun`: only where a batch of it
    is begun. It is fetched again."""
    for partition, records in _fetched(fetcher):
        unwanted = fetcher.wanted and partition not in fetcher.wanted
        if unwanted and (not begun or records._records in _held):
            del fetcher._records[partition]
            if records._records_iterator is not None:
                records._records_iterator.close()
            fetcher._notify(fetcher._wait_consume_future)


def fetched_bytes(fetcher: Any) -> int:
    """What was fetched of all partitions and is not read to its end, as it came."""
    return sum(records._records.size_in_bytes() for _, records in _fetched(fetcher))


def _fetched(fetcher: Any) -> list[tuple[Any, Any]]:
    found = [(tp, getattr(one, "_partition_records", None)) for tp, one in fetcher._records.items()]
    return [(tp, records) for tp, records in found if records]  # None of an error


def bound_kafka_python() -> None:
    """The same for kafka-python, of which only the command line reads: there a batch has no records that cannot be
    inflated or is damaged, and none from the first on that cannot be unpacked or has an offset beside the batch's."""
    from kafka import codec
    from kafka.errors import CorruptRecordError
    from kafka.record import default_records, legacy_records, memory_records

    class Bounded(default_records.DefaultRecordBatch):  # type: ignore[misc]
        """Without records where it cannot be read."""

        def validate_crc(self) -> bool:
            if not super().validate_crc():
                self._end("is damaged")
            return True

        def _maybe_uncompress(self) -> None:
            try:
                super()._maybe_uncompress()
            except CannotInflate:
                self._end(f"does not inflate to {MAX_INFLATED} bytes or less")

        def __next__(self) -> Any:
            try:
                record = super().__next__()
            except CorruptRecordError:
                self._end("cannot be unpacked")
                raise StopIteration from None
            if not self.base_offset <= record.offset < self.next_offset:
                self._end(OUT_OF_ORDER)
                raise StopIteration
            return record

        def _end(self, why: str) -> None:
            logger.warning("what is left of the batch at offset %d %s", self.base_offset, why)
            self._buffer, self._pos = bytearray(), 0
            self._num_records = self._next_record_index
            self._decompressed = True

    _replace(default_records, INFLATE)
    _replace(legacy_records, {name: f for name, f in INFLATE.items() if name != "zstd_decode"})
    _replace(codec, {f"has_{name}": lambda: True for name in ("gzip", "snappy", "lz4", "zstd")})
    memory_records.DefaultRecordBatch = Bounded


def _replace(module: Any, names: Any) -> None:
    for name, value in names.items():
        getattr(module, name)
        setattr(module, name, value)


def until_damaged(partition: Any, records: Iterator[Any]) -> Iterator[Any]:
    """What an aiokafka `PartitionRecords` unpacks of `Batches`, up to a batch that is to be fetched again."""
    partition._records.begin(partition._tp, partition.next_fetch_offset)
    try:
        yield from records
    except DamagedBatch as error:
        partition._records.pause = error.pause
        logger.warning(
            "%s:%d: %s; it is fetched again in %.1f s", *partition._tp, error, error.pause
        )


class _Stand(NamedTuple):
    """A record of aiokafka's in place of many."""

    offset: int
    timestamp: int
    value: Unread
    key: None = None
    timestamp_type: int = 0
    checksum: None = None
    headers: tuple[()] = ()


class Batches:
    """What one fetch brought of a partition, as aiokafka's `MemoryRecords`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records = _memory_records(data)
        self._at = 0
        self._place = ""
        self._offset = 0
        self.between = True
        """Whether no batch is begun."""
        self.pause = 0.0
        """Seconds until the rest, which begins with a damaged batch, is to be fetched again."""

    def begin(self, tp: Any, offset: int) -> None:
        """Where it is read from: within the first batch, maybe."""
        self._place, self._offset = f"{tp[0]}:{tp[1]}", offset

    def size_in_bytes(self) -> int:
        """Of everything."""
        return len(self._data)

    def has_next(self) -> bool:
        """Whether there is another batch. The first is there, however long it says that it is."""
        return self._records.has_next() or (self._at == 0 and len(self._data) >= _HEAD.size)

    def may_begin(self) -> bool:
        """Whether the next batch may be begun now, or another is to be read to its end first."""
        if not _held or (held := held_bytes()) <= HELD_BYTES:
            return True
        if len(self._data) - self._at < _HEAD.size:
            return True
        count = _HEAD.unpack_from(self._data, self._at)[-1]
        return count <= SHORT_RECORDS and held <= 2 * HELD_BYTES

    def next_batch(self) -> Any:
        """The next one.

        Raises:
            DamagedBatch: it is to be fetched again.
        """
        start = self._at
        batch = _sound(self._records)
        if batch is None:
            return self._damaged(start)
        if _came:
            _came.pop(self._key(start), None)
        (length,) = struct.unpack_from(">i", self._data, start + 8)
        self._at += _LENGTH_END + length
        if batch.magic < 2:
            return batch
        count = _HEAD.unpack_from(self._data, start)[-1]
        return _Batch(self, batch, count, _LENGTH_END + length)

    def stand(self, first: int, last: int, at: int, count: int, size: int, fault: str) -> _Stand:
        """What stands for these offsets, and says so in the log."""
        damaged = fault == DAMAGED
        why = f"a batch of {count} records (offsets {first} to {last}) and {size} bytes {fault}"
        if damaged:
            logger.error("%s: %s; its records are lost", self._place, why)
        else:
            logger.warning("%s: %s; it is refused", self._place, why)
        reason = Reason.TOO_LARGE if fault == TOO_LARGE else Reason.NOT_JSON
        made = (Damaged if damaged else Unread)(why, size, None, first, count, reason)
        return _Stand(last, at, made)

    def _key(self, start: int) -> tuple[str, bytes]:
        return self._place, self._data[start : start + _HEAD.size].ljust(_HEAD.size, b"\0")

    def _damaged(self, start: int) -> "_Lost":
        key = self._key(start)
        first, length, *_, delta, _, latest, _, _, _, count = _HEAD.unpack(key[1])
        _came[key] = came = _came.pop(key, 0) + 1
        if len(_came) > DAMAGED_KEPT:
            del _came[next(iter(_came))]
        if came < FETCHES:
            raise DamagedBatch(f"the batch at offset {first} is damaged", PAUSE_SECONDS * came)
        # one behind it that is sound tells where it ends; else it does so itself, if it says it twice
        end = start + _LENGTH_END + max(0, length)
        rest = self._data[end:]
        if behind := _sound(_memory_records(rest)):
            last = behind.base_offset - 1
            first = min(first, last)
        else:
            last, end, rest = first + delta if delta == count - 1 else first, len(self._data), b""
        self._records, self._at = _memory_records(rest), end
        last = max(first, last, self._offset)
        now = int(time.time() * 1000)
        at = latest if 0 <= latest < now + _DAY_MS else now
        stand = self.stand(first, last, at, last + 1 - first, end - start, DAMAGED)
        return _Lost((stand,), last + 1)


TOO_LARGE = f"does not inflate to {MAX_INFLATED} bytes or less"
OUT_OF_ORDER = "has offsets beside its own or out of order"
DAMAGED = f"is damaged, and was in {FETCHES} fetches"


def _memory_records(data: bytes) -> Any:
    from aiokafka.record.memory_records import MemoryRecords

    return MemoryRecords(data)


def _sound(records: Any) -> Any:
    """The next batch, None where it is damaged."""
    try:
        batch = records.next_batch()
        return batch if batch is not None and batch.validate_crc() else None
    except Exception:  # aiokafka believes the lengths in it
        return None


class _Lost(NamedTuple):
    """A damaged batch as aiokafka's, with what stands for its records."""

    records: tuple[_Stand]
    next_offset: int
    producer_id: None = None
    is_control_batch: bool = False

    def validate_crc(self) -> bool:
        """It is read as it is."""
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self.records)


class _Batch:
    """A sound batch as aiokafka's. One that cannot be inflated is a single record, and so is the rest of one behind the
    last that can be unpacked: the name of a header may be no text, and an offset any number: a broker does not look at
    those in a batch that is not compressed."""

    def __init__(self, batches: Batches, batch: Any, count: int, size: int) -> None:
        self._batches = batches
        self._batch = batch
        self._count = count
        self._size = size
        self.next_offset = batch.next_offset

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def validate_crc(self) -> bool:
        """It was, before."""
        return True

    def __iter__(self) -> Iterator[Any]:
        batches, batch, last = self._batches, self._batch, self.next_offset - 1
        first, latest, count = batch.base_offset, batch.max_timestamp, self._count
        fault = ""
        try:
            records = iter(batch)
            if batch.compression_type:
                _held[batches] = own.inflated
            batch = self._batch = None
            batches.between = False
            while first <= last and (record := next(records, None)) is not None:
                if not first <= record.offset <= last + 1 - count:  # each behind it has one too
                    fault = OUT_OF_ORDER
                    break
                first = record.offset + 1
                count -= 1
                if first > last:  # the buffer goes now, not once somebody asks for the next record
                    del records
                    self._end()
                yield record
        except CannotInflate:
            fault = TOO_LARGE
        except Exception as error:
            fault = f"cannot be unpacked ({type(error).__name__})"
        finally:
            self._end()
        if fault:
            yield batches.stand(first, last, latest, count, self._size, fault)

    def _end(self) -> None:
        _held.pop(self._batches, None)
        self._batches.between = True

    def __next__(self) -> Any:
        return next(self._batch)
