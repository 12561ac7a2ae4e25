"""Events that the pipeline publishes for shops, stored beside the shops' own, so that a client that was away gets them.

An event is stored once Kafka has it, for only then its offset is known. A crash in between publishes it again, at
another offset: alerts because their batch is not marked yet, under the ids that they had; notices, under new ids,
because the next owner of the partitions notifies again of what changed in the last minute.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import orjson
import pyarrow as pa

from clickhouse.client import ClickHouseClient
from pipeline.decode import shape
from pipeline.producer import Message, Producer, Sent
from pipeline.retry import Backoff
from shopstream.contracts.topics import ALERTS, NOTICES


class StoringPublisher:
    """The `EventPublisher` of notices and alerts to shops. `epoch` is that of a topic as it is now."""

    def __init__(
        self,
        producer: Producer,
        engine: ClickHouseClient,
        epoch: Callable[[str], Awaitable[int]],
        backoff: Backoff,
    ) -> None:
        self._producer = producer
        self._engine = engine
        self._epoch = epoch
        self._backoff = backoff

    async def notices(self, messages: list[Message]) -> None:
        """Publishes notices to shops, in order, and returns once they are stored, however long that takes: what was
        published is not published again under other ids because ClickHouse was unavailable.

        Raises:
            BrokerUnreachable: the broker has not got them.
            EngineError: they cannot be stored.
        """
        epoch = await self._epoch(NOTICES)
        sent = await self._producer.send(NOTICES, messages)
        await self._backoff.call(partial(self._store, NOTICES, epoch, messages, sent))

    async def alerts(self, messages: list[Message]) -> None:
        """Publishes and stores alerts, in order; the call may be repeated, as they have ids of their own.

        Raises:
            BrokerUnreachable: the broker has not got them.
            EngineUnavailable, EngineError: they are not stored.
        """
        epoch = await self._epoch(ALERTS)
        await self._store(ALERTS, epoch, messages, await self._producer.send(ALERTS, messages))

    async def _store(
        self, topic: str, epoch: int, messages: list[Message], sent: list[Sent]
    ) -> None:
        rows = [
            {
                "shop_id": (event := orjson.loads(value))["shopid"],
                "topic": topic,
                "epoch": epoch,
                "partition": record.partition,
                "offset": record.offset,
                "arrived": record.timestamp,
                "type": event["type"],
                "user_id": None,
                "backfill": False,
                "raw": value,
            }
            for (_, value), record in zip(messages, sent, strict=True)
        ]
        table = pa.Table.from_pylist(rows, shape.HISTORY)
        await self._engine.insert("events", table, {"async_insert": 0})
