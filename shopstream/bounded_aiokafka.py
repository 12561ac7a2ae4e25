"""Every consumer of aiokafka of this process, bounded: its batches (`record_batches.py`), and what one poll takes.

aiokafka bounds neither. What a poll leaves stays with the fetcher for the next one. The names of the library are
replaced before a consumer is made.
"""

import gc
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from shopstream.contracts.envelope import header_bytes
from shopstream.inflate import bound_decoders
from shopstream.record_batches import Batches, too_much_held, until_damaged

POLL_BYTES, POLL_RECORDS = 32 * 1024 * 1024, 10_000
"""What one poll takes: so many bytes of all partitions, so many records of each."""
RECORD_BYTES = 200
"""What a record costs beside its key and value."""


class _Poll(threading.local):
    """`left`: of a poll, in bytes."""

    left = POLL_BYTES


_poll = _Poll()


def bound_aiokafka() -> None:
    """Bounds every consumer of aiokafka that this process makes from now on; may be called again.

    Raises:
        AttributeError: the installed aiokafka lacks a name that is built on.
    """
    from aiokafka.consumer import fetcher
    from aiokafka.record._crecords import default_records, legacy_records

    if getattr(fetcher.Fetcher, "bounded", False):
        return
    bound_decoders(default_records, legacy_records)
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
        if too_much_held():
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
        if unwanted and (not begun or records._records.begun):
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
