"""What one fetch brought of a partition, in place of aiokafka's `MemoryRecords`: batches that are bounded in memory.

Kafka bounds a batch as it is sent, not what it inflates to: 178 kB of zstd hold 4 GB of records. Here a batch is
inflated as a stream up to `MAX_INFLATED`; one beyond it is read as one record, at its last offset, whose value is an
`Unread`. Batches that were begun and not read to their end are bounded in all (`HELD_BYTES`), however many partitions
there are.

A batch whose checksum does not match is fetched again, after a pause in which the other partitions are read on; one
that came so `FETCHES` times is one record too. So are the records of a batch from the first on that cannot be unpacked,
or has an offset that is not the batch's to give. Reading goes on behind them.

`bounded_aiokafka.py` has every consumer of a process read so.
"""

import logging
import struct
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from shopstream.contracts.reject import Reason, Unread
from shopstream.inflate import MAX_INFLATED, CannotInflate, own
from shopstream.logs import RateLimit

logger = logging.getLogger(__name__)
logger.addFilter(RateLimit())

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


_held: "dict[Batches, int]" = {}
"""Bytes of the batches that were begun and not read to their end."""
_came: dict[tuple[str, bytes], int] = {}
"""How often each damaged batch has come, by its place and first bytes, in the order in which they came."""


def held_bytes() -> int:
    """What the batches take that were begun and not read to their end."""
    return sum(list(_held.values()))  # a copy: the garbage collector may end one in another thread


def too_much_held() -> bool:
    """Whether they take more than `HELD_BYTES`."""
    return held_bytes() > HELD_BYTES


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

    @property
    def begun(self) -> bool:
        """Whether a batch is begun that takes memory."""
        return self in _held

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
