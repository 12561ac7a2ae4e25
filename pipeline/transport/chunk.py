"""One stream element: consecutive records of one topic-partition, its Faust message, and its acknowledgement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from faust.types import TP, ConsumerMessage

from .partitions import InFlight

MAX_CHUNK, MAX_CHUNK_BYTES = 10_000, 8 * 1024 * 1024
"""Records in one chunk, and bytes of their values, which the last may pass; with `stream_buffer_maxsize` they bound
what waits in memory."""


class Chunk:
    """Records of one topic-partition in offset order, never empty.

    `records` are aiokafka `ConsumerRecord`s: `.offset`, `.timestamp` (ms), `.key`, `.value` (bytes or None) and
    `.headers`. Offsets grow, but may have gaps (transaction markers, compaction).
    """

    def __init__(self, topic: str, partition: int, records: list[Any]) -> None:
        self.topic = topic
        self.partition = partition
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"<Chunk {self.topic}:{self.partition} {self.first}..{self.next - 1}>"

    @property
    def first(self) -> int:
        """Offset of the first record."""
        return int(self.records[0].offset)

    @property
    def next(self) -> int:
        """Offset after the last record: what a commit of this chunk stores."""
        return int(self.records[-1].offset) + 1


def chunks(
    tp: TP, records: list[Any], size: int = MAX_CHUNK, most: int = MAX_CHUNK_BYTES
) -> Iterator[Chunk]:
    """Cuts the records of one partition into chunks of at most `size`, each of which ends with the record that brings
    its values to `most` bytes."""
    start = held = 0
    for end, record in enumerate(records, 1):
        held += max(0, record.serialized_value_size)
        if end - start == size or held >= most or end == len(records):
            whole = end - start == len(records)
            yield Chunk(tp.topic, tp.partition, records if whole else records[start:end])
            start, held = end, 0


class ChunkMessage(ConsumerMessage):  # type: ignore[misc]
    """Faust's message around a chunk, whose `acked` flag is that of its `InFlight`.

    All ways to acknowledge (`Message.ack`, the copy of it in the compiled stream iterator) end in
    `message.acked = True`; the `InFlight` outlives the message, which Faust holds only weakly.
    """

    __slots__ = ("in_flight",)

    def __init__(self, in_flight: InFlight, chunk: Chunk, tp: TP, generation: int) -> None:
        self.in_flight = in_flight
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
        return self.in_flight.acked

    @acked.setter
    def acked(self, value: Any) -> None:
        self.in_flight.acked = bool(value)


class Delivery:
    """One chunk handed to the agent. Until `ack`, a restart or rebalance delivers it again.

    Hold it as long as the chunk is in work: a rebalance waits for deliveries that are held.
    """

    __slots__ = ("_event", "chunk")

    def __init__(self, event: Any) -> None:
        self._event = event
        self.chunk: Chunk = event.value

    def ack(self) -> None:
        """Marks the chunk as durable. From the app's event loop, in any order, once or more.

        Without effect if the partition was revoked meanwhile.
        """
        self._event.ack()

    def __repr__(self) -> str:
        return f"<Delivery {self.chunk!r}>"


async def deliveries(stream: Any) -> AsyncIterator[Delivery]:
    """The stream of a chunk topic as deliveries. Ending or cancelling it acknowledges nothing."""
    async for event in stream.noack().events():
        yield Delivery(event)
