"""What the agent sees: chunks with an acknowledgement that may come much later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from .chunk import Chunk


class Delivery:
    """One chunk handed over. Until `ack`, a restart or rebalance delivers it again.

    Hold it as long as the chunk is in work: a rebalance waits for deliveries that are held.
    """

    __slots__ = ("_event", "chunk")

    def __init__(self, event: Any) -> None:
        self._event = event
        self.chunk: Chunk = event.value

    def ack(self) -> None:
        """Mark the chunk as durable. From the app's event loop, in any order, once or more.

        Without effect if the partition was revoked meanwhile.
        """
        self._event.ack()

    def __repr__(self) -> str:
        return f"<Delivery {self.chunk!r}>"


async def deliveries(stream: Any) -> AsyncIterator[Delivery]:
    """The stream of a chunk topic as deliveries. Ending or cancelling it acknowledges nothing."""
    async for event in stream.noack().events():
        yield Delivery(event)
