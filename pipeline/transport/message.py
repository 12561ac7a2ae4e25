"""Faust's message around a chunk, tied to the ledger."""

from __future__ import annotations

from typing import Any

from faust.types import TP, ConsumerMessage

from .chunk import Chunk
from .ledger import Ticket


class ChunkMessage(ConsumerMessage):  # type: ignore[misc]
    """A message whose `acked` flag is that of its ticket in the ledger.

    All ways to acknowledge (`Message.ack`, the copy of it in the compiled stream iterator) end in
    `message.acked = True`; the ticket outlives the message, which Faust holds only weakly.
    """

    __slots__ = ("ticket",)

    def __init__(self, ticket: Ticket, chunk: Chunk, tp: TP, generation: int) -> None:
        self.ticket = ticket
        last = chunk.records[-1]
        super().__init__(
            chunk.topic,
            chunk.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            None,
            None,
            chunk,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )

    @property
    def acked(self) -> bool:
        """Whether the chunk is acknowledged."""
        return self.ticket.acked

    @acked.setter
    def acked(self, value: Any) -> None:
        self.ticket.acked = bool(value)


class Unguarded(dict[TP, int | None]):
    """Faust's note of the last offset read by partition, which never knows it.

    Faust drops messages with an offset below the last one. After a seek back or on a log made
    again that would be all of them; which messages are stale is known by their book.
    """

    def __getitem__(self, tp: TP) -> None:
        """Nothing."""
