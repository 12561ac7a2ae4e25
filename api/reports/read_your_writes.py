"""Read-your-writes: a report that waits until a position in Kafka is in it, and says where that record was refused."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from api.faults import BadParameter, NotYet
from api.freshness.positions import check_positions
from api.freshness.topology import Look, Topology
from api.freshness.tracker import FreshnessTracker, RequiredPosition
from api.push.records import parse_envelope
from clickhouse.client import ClickHouseClient
from clickhouse.sql import load
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.envelope import Headers, shop_of, structured
from shopstream.contracts.events import read_event
from shopstream.contracts.reject import Reason, Refused
from shopstream.contracts.topics import INPUTS, NOTICES

HEADER = "Shopstream-Refused"
WAIT_SECONDS = 5.0
LOOK_SECONDS = 1.0
READ_SECONDS = 2.0
Read = Callable[[Mapping[Partition, Position], float], Awaitable[bool]]
"""Whether this process has read the topics so far, waiting so many seconds for it."""


async def wait_included(
    tracker: FreshnessTracker,
    positions: list[RequiredPosition],
    look: Callable[[], Awaitable[Look]],
    read: Read,
) -> None:
    """Returns once every position is in the reports.

    The broker is asked first whether the positions are of the present topics: an offset of a topic that was
    recreated meanwhile must not be taken for one of its predecessor. Where it does not answer, what was
    last known of it has to do.

    A notice changes no number, but follows the message that says which have changed: another process may have given a
    client the notice before this one has read that message.

    Raises:
        BadParameter: a position cannot exist.
        NotYet: it is not there within `WAIT_SECONDS`.
    """
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await look()
    except TimeoutError:
        pass
    try:
        check_positions(positions, tracker.topology)
    except ValueError as error:
        raise BadParameter("includes", str(error)) from None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await tracker.wait(positions)
            if not await read(_notices(positions), WAIT_SECONDS):
                raise TimeoutError
    except TimeoutError:
        raise NotYet(
            f"The position in includes was not reached within {WAIT_SECONDS:g} s."
        ) from None


def _notices(positions: Sequence[RequiredPosition]) -> dict[Partition, Position]:
    """How far a cursor has read the notices."""
    return {
        each.partition: Position(each.epoch, each.next)
        for each in positions
        if each.partition.topic == NOTICES and each.epoch is not None
    }


class Refusals:
    """`options` connect an aiokafka client, which begins with the first record that has to be read."""

    def __init__(
        self,
        engine: ClickHouseClient,
        options: Mapping[str, Any],
        topology: Callable[[], Topology | None],
    ) -> None:
        self._engine = engine
        self._options = dict(options)
        self._topology = topology
        self._consumer: AIOKafkaConsumer | None = None
        self._reading = asyncio.Lock()

    async def reason(self, shop: str, positions: Sequence[RequiredPosition]) -> Reason | None:
        """Why the shop's own record at a position was refused; None where it was not, or is not the shop's to know.

        Only for a position that is included, and for one record: a cursor is of events that were pushed. A record of
        a transaction that was aborted is no record.

        Raises:
            NotYet: Kafka does not give the record, or does not say which topic it is of.
            EngineUnavailable, EngineError: as the engine.
        """
        position = positions[0]
        if position.epoch is not None or position.partition.topic not in INPUTS:
            return None
        if await self._accepted(shop, position):
            return None
        record = await self._record(position)
        if record is None:
            return None
        # any shop may ask for any position, and a big record takes 20 ms
        return await asyncio.to_thread(judge, record, shop)

    async def stop(self) -> None:
        """Ends the client."""
        if self._consumer is not None:
            await asyncio.wait({asyncio.ensure_future(self._consumer.stop())}, timeout=0.5)

    async def _accepted(self, shop: str, position: RequiredPosition) -> bool:
        state = (self._topology() or {}).get(position.partition.topic)
        if state is None:
            raise NotYet(
                "Kafka does not say which topics it has, so it is not known what became of the record."
            )
        params = {
            "shop": shop,
            "topics": [position.partition.topic],
            "epochs": [state.epoch],
            "partitions": [position.partition.partition],
            "offsets": [position.next - 1],
        }
        return bool(await self._engine.rows(load("push/accepted.sql"), params))

    async def _record(self, position: RequiredPosition) -> "ConsumerRecord[bytes, bytes] | None":
        """None where the position has no record any more, or never had one that counts."""
        partition, offset = TopicPartition(*position.partition), position.next - 1
        try:
            async with self._reading, asyncio.timeout(READ_SECONDS):
                consumer = await self._started()
                consumer.assign([partition])
                try:
                    first = (await consumer.beginning_offsets([partition]))[partition]
                    end = (await consumer.end_offsets([partition]))[partition]
                    if not first <= offset < end:
                        return None
                    consumer.seek(partition, offset)
                    # what was aborted is passed over: then the position moves, and no record may ever follow
                    while await consumer.position(partition) <= offset:
                        found = await consumer.getmany(partition, timeout_ms=100, max_records=1)
                        for record in found.get(partition, ()):
                            return record if record.offset == offset else None
                    return None
                finally:
                    consumer.pause(partition)  # else it goes on fetching what nobody asked for
        except (KafkaError, OSError, TimeoutError):
            raise NotYet(
                "Kafka does not give the record, so it is not known what became of it."
            ) from None

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **self._options, enable_auto_commit=False, isolation_level="read_committed"
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer


def judge(record: "ConsumerRecord[bytes, bytes]", shop: str) -> Reason | None:
    """Why a record that was not accepted was refused, if it is the shop's own; None also for a tombstone."""
    if record.value is None or _owner(record.value, record.headers, record.key) != shop:
        return None
    try:
        event = structured(record.value, record.headers)
        read_event(event, record.topic, record.timestamp // 1000)
    except Refused as refused:
        return refused.refusal.reason
    return None


def _owner(value: bytes, headers: Headers, key: bytes | None) -> str | None:
    """Whose record it is: by its `shopid`, else by its key."""
    named = shop_of(headers) or (parse_envelope(value) or {}).get("shopid")
    if isinstance(named, str):
        return named
    try:
        return (key or b"").decode().partition("/")[0] or None
    except UnicodeDecodeError:
        return None
