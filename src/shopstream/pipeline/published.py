"""What the pipeline says to shops, kept beside their own events, so that whoever was away gets it too.

An event is kept once Kafka has it, for only then its place is known. A crash in between publishes it again, at another
place: alerts because their batch is not marked yet, notices because the next owner of the partitions notifies again of
what changed in the last minute.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import orjson
import pyarrow as pa

from shopstream.clickhouse.client import Engine
from shopstream.contracts.topics import ALERTS, NOTICES
from shopstream.pipeline.decode import shape
from shopstream.pipeline.producer import Message, Sent


class Voice(Protocol):
    """Where messages go; where each is, in their order. Raises `BrokerUnreachable`."""

    async def notices(self, messages: list[Message], /) -> list[Sent]: ...

    async def alerts(self, messages: list[Message], /) -> list[Sent]: ...


class Published:
    """The voice of those who speak to shops. `epoch` is that of a topic as it is now."""

    def __init__(
        self, voice: Voice, engine: Engine, epoch: Callable[[str], Awaitable[int]]
    ) -> None:
        self._voice = voice
        self._engine = engine
        self._epoch = epoch

    async def notices(self, messages: list[Message]) -> None:
        """Publishes and keeps notices to shops, in order.

        Raises:
            BrokerUnreachable: the broker has not got them.
            EngineUnavailable, EngineError: they are not kept; the call may be repeated, which publishes them again.
        """
        await self._keep(NOTICES, messages, await self._voice.notices(messages))

    async def alerts(self, messages: list[Message]) -> None:
        """The same for alerts."""
        await self._keep(ALERTS, messages, await self._voice.alerts(messages))

    async def _keep(self, topic: str, messages: list[Message], places: list[Sent]) -> None:
        if not messages:
            return
        epoch = await self._epoch(topic)
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
