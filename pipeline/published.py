"""What the pipeline says to shops, kept beside their own events, so that whoever was away gets it too.

An event is kept once Kafka has it, for only then its place is known. A crash in between publishes it again, at another
place: alerts because their batch is not marked yet, under the ids that they had; notices, under new ids, because the
next owner of the partitions notifies again of what changed in the last minute.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import orjson
import pyarrow as pa

from clickhouse.client import Engine
from clickhouse.errors import EngineUnavailable
from pipeline.decode import shape
from pipeline.producer import Message, Sent
from pipeline.retry import Patience
from shopstream.contracts.topics import ALERTS, NOTICES


class Voice(Protocol):
    """Where messages go; where each is, in their order. Raises `BrokerUnreachable`."""

    async def notices(self, messages: list[Message], /) -> list[Sent]: ...

    async def alerts(self, messages: list[Message], /) -> list[Sent]: ...


class Published:
    """The voice of those who speak to shops. `epoch` is that of a topic as it is now."""

    def __init__(
        self,
        voice: Voice,
        engine: Engine,
        epoch: Callable[[str], Awaitable[int]],
        patience: Patience,
    ) -> None:
        self._voice = voice
        self._engine = engine
        self._epoch = epoch
        self._patience = patience

    async def notices(self, messages: list[Message]) -> None:
        """Publishes notices to shops, in order, and returns once they are kept, however long that takes: a round
        that was published is not published again under other ids because the engine was away.

        Raises:
            BrokerUnreachable: the broker has not got them.
            EngineError: they cannot be kept.
        """
        epoch = await self._epoch(NOTICES)
        places = await self._voice.notices(messages)
        while True:
            try:
                await self._keep(NOTICES, epoch, messages, places)
            except EngineUnavailable as error:
                await self._patience.pause(error)
            else:
                self._patience.well()
                return

    async def alerts(self, messages: list[Message]) -> None:
        """Publishes and keeps alerts, in order; the call may be repeated, as they have ids of their own.

        Raises:
            BrokerUnreachable: the broker has not got them.
            EngineUnavailable, EngineError: they are not kept.
        """
        epoch = await self._epoch(ALERTS)
        await self._keep(ALERTS, epoch, messages, await self._voice.alerts(messages))

    async def _keep(
        self, topic: str, epoch: int, messages: list[Message], places: list[Sent]
    ) -> None:
        rows = [
            {
                "shop_id": (event := orjson.loads(value))["shopid"],
                "topic": topic,
                "epoch": epoch,
                "partition": place.partition,
                "offset": place.offset,
                "arrived": place.timestamp,
                "type": event["type"],
                "user_id": None,
                "key": key,
                "raw": value,
            }
            for (key, value), place in zip(messages, places, strict=True)
        ]
        table = pa.Table.from_pylist(rows, shape.HISTORY).drop_columns(["key"])
        await self._engine.insert("events", table, {"async_insert": 0})
