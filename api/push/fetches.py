"""Fetches partitions from their leaders, with one fetch at each broker at a time.

aiokafka connects, and knows the leaders and how to unpack a batch. Its own fetcher looks at every partition several
times for each fetch, which costs more than the records of 20 ms (docs/decisions/0039).
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import fetcher
from aiokafka.errors import (
    KafkaError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    for_code,
)

from shopstream.bounded_aiokafka import POLL_BYTES, RECORD_BYTES
from shopstream.contracts.envelope import header_bytes
from shopstream.fetch_protocol import PARTITION_BYTES, READ_COMMITTED, FetchSession
from shopstream.fetch_wait import REST_MS
from shopstream.logs import RateLimit
from shopstream.record_batches import Batches, until_damaged

log = logging.getLogger(__name__)
log.addFilter(RateLimit())

WAIT_MS, GATHER_BYTES = 20, 64 * 1024
"""Under load a fetch is held so long, or until there are so many bytes: an answer names every partition that has
records, so one for each record would cost far more than the record. At rest the first record ends it."""
FETCHED_BYTES = 48 * 1024 * 1024
"""What is fetched of all partitions and not taken yet: a share of it in each response, as there are no two of a broker.
A response has one batch whatever its size."""
TAKE_RECORDS = 5000
NO_LEADER = -1
RETRY_SECONDS = 0.1
"""After a fetch that failed or lost its session; and while a partition has no leader metadata is asked for so often."""


class FetchedRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """A partition in a response: its records as they are unpacked, with `offset`, `timestamp`, `value`, `headers`."""

    def __init__(self, tp: TopicPartition, offset: int, aborted: Any, data: bytes) -> None:
        self.batches = Batches(data)
        super().__init__(tp, self.batches, aborted, offset, None, None, True, READ_COMMITTED)

    def _unpack_records(self) -> Iterator[Any]:
        return until_damaged(self, super()._unpack_records())

    def close(self) -> None:
        """Lets go of a batch that was begun."""
        if self._records_iterator is not None:
            self._records_iterator.close()

    def _consumer_record(self, tp: TopicPartition, record: Any) -> Any:
        return record


class _Fetched(NamedTuple):
    """`response` None: the fetch failed."""

    node: int
    asked: Mapping[TopicPartition, int]
    response: Any


class Fetches:
    """`offsets` is where each partition is read next; `client` is connected.

    What a response has beyond one `take` waits, and so does the next fetch at its broker.
    """

    def __init__(self, client: AIOKafkaClient, offsets: Mapping[TopicPartition, int]) -> None:
        self.offsets = dict(offsets)
        self._client = client
        self._leaders: dict[int, list[TopicPartition]] | None = None
        self._sessions: dict[int, FetchSession] = {}
        self._tasks: dict[int, asyncio.Task[_Fetched]] = {}
        self._left: dict[TopicPartition, FetchedRecords] = {}
        self._resting: dict[TopicPartition, float] = {}
        """Until when a partition with a damaged batch is not fetched again."""
        self._busy: set[int] = set()
        self._failed: set[int] = set()
        self._ask_at = 0.0
        client.cluster.add_listener(self._changed)

    async def close(self) -> None:
        """Ends the fetches."""
        self._client.cluster.remove_listener(self._changed)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for batches in self._left.values():
            batches.close()

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Reads on from there."""
        self.offsets[tp] = offset
        self._resting.pop(tp, None)
        if (left := self._left.pop(tp, None)) is not None:
            left.close()

    async def take(self, seconds: float) -> dict[TopicPartition, list[Any]]:
        """The records that have come, waiting for the first up to `seconds`; then the next fetch is on its way.

        Raises:
            OffsetOutOfRangeError: with the offset of each partition that does not exist; `seek` moves on.
            KafkaError: the topic must not be read.
        """
        if not self._left:
            self._fetch_next()
            for fetched in await self._wait(seconds):
                self._receive(fetched)
        found = self._take_left()
        self._fetch_next()
        return found

    async def _wait(self, seconds: float) -> list[_Fetched]:
        if not self._tasks:
            await asyncio.sleep(RETRY_SECONDS)
            return []
        done, _ = await asyncio.wait(
            self._tasks.values(), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        found = [task.result() for task in done]
        for fetched in found:
            del self._tasks[fetched.node]
        return found

    def _changed(self, _: Any) -> None:
        """Metadata came; partitions may have other leaders."""
        self._leaders = None

    def _fetch_next(self) -> None:
        """Starts a fetch at each broker of which everything was taken."""
        waiting = {self._leader(tp) for tp in self._left}
        now = asyncio.get_running_loop().time()
        self._resting = {tp: until for tp, until in self._resting.items() if until > now}
        leaders = self._by_leader()
        for node, tps in leaders.items():
            asked = {tp: self.offsets[tp] for tp in tps if tp not in self._resting}
            if asked and node not in self._tasks and node not in waiting:
                fetch = self._fetch(node, asked, FETCHED_BYTES // len(leaders))
                self._tasks[node] = asyncio.create_task(fetch, name="fetch")

    def _by_leader(self) -> dict[int, list[TopicPartition]]:
        if self._leaders is None:
            found: dict[int, list[TopicPartition]] = {}
            for tp in self.offsets:
                found.setdefault(self._leader(tp), []).append(tp)
            if found.pop(NO_LEADER, None):
                self._ask_for_leaders()
            else:
                self._leaders = found
            return found
        return self._leaders

    def _ask_for_leaders(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._ask_at:
            self._ask_at = now + RETRY_SECONDS
            self._client.force_metadata_update()

    def _leader(self, tp: TopicPartition) -> int:
        leader = self._client.cluster.leader_for_partition(tp)
        return NO_LEADER if leader is None else int(leader)

    async def _fetch(self, node: int, asked: Mapping[TopicPartition, int], most: int) -> _Fetched:
        if node in self._failed:
            await asyncio.sleep(RETRY_SECONDS)
        session = self._sessions.setdefault(node, FetchSession())
        limits = (WAIT_MS, GATHER_BYTES) if node in self._busy else (REST_MS, 1)
        try:
            response = await self._client.send(
                node, session.fetch(asked, *limits, PARTITION_BYTES, most)
            )
        except KafkaError as error:
            if node not in self._failed:
                log.warning("broker %s cannot be read: %r", node, error)
            self._client.force_metadata_update()
            session.begin()
            response = None
        if response is None or not session.answered(response):
            self._failed.add(node)
            return _Fetched(node, asked, None)
        return _Fetched(node, asked, response)

    def _receive(self, fetched: _Fetched) -> None:
        """Raises `OffsetOutOfRangeError` and `TopicAuthorizationFailedError` after the rest was taken."""
        node, asked, response = fetched
        if response is None:
            return
        self._failed.discard(node)
        self._busy.discard(node)
        aborted_at = -3 if response.API_VERSION >= 11 else -2
        beyond: dict[TopicPartition, int] = {}
        for topic, partitions in response.topics:
            for number, error, *part in partitions:
                tp = TopicPartition(topic, number)
                if self.offsets[tp] != asked[tp]:
                    continue  # it was moved meanwhile
                if error == OffsetOutOfRangeError.errno:
                    beyond[tp] = asked[tp]
                elif error == TopicAuthorizationFailedError.errno:
                    raise TopicAuthorizationFailedError(topic)
                elif error:
                    self._refresh(node, tp, error)
                elif part[-1]:
                    self.seek(tp, asked[tp])
                    self._left[tp] = FetchedRecords(tp, asked[tp], part[aborted_at], part[-1])
                    self._busy.add(node)
        if beyond:
            raise OffsetOutOfRangeError(beyond)

    def _refresh(self, node: int, tp: TopicPartition, error: int) -> None:
        """The partition has another leader, as a rule."""
        log.info("%s cannot be read from broker %s now: %s", tp, node, for_code(error).__name__)
        self._failed.add(node)
        self._client.force_metadata_update()

    def _take_left(self) -> dict[TopicPartition, list[Any]]:
        """At most `TAKE_RECORDS`, and `POLL_BYTES` with one record beyond; partitions take turns, those that may begin
        a batch."""
        found: dict[TopicPartition, list[Any]] = {}
        bytes_left, count = POLL_BYTES, TAKE_RECORDS
        for tp, records in list(self._left.items()):
            del self._left[tp]
            taken: list[Any] = []
            while bytes_left > 0 and len(taken) < count:
                if records.batches.between and not records.batches.may_begin():
                    self._left[tp] = records
                    break
                if (record := next(records, None)) is None:
                    break
                taken.append(record)
                bytes_left -= RECORD_BYTES + len(record.key or b"") + len(record.value or b"")
                if record.headers:
                    bytes_left -= header_bytes(record.headers)
            else:
                self._left[tp] = records  # behind all others
            self.offsets[tp] = records.next_fetch_offset
            if records.batches.pause:
                self._resting[tp] = asyncio.get_running_loop().time() + records.batches.pause
            if taken:
                found[tp] = taken
                count -= len(taken)
            if bytes_left <= 0 or count <= 0:
                break
        return found
