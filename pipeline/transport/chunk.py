"""Chunks, consecutive records of one topic-partition: the Faust message that brings some, and their acknowledgement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from faust.types import TP, ConsumerMessage

from shopstream.contracts.envelope import header_bytes

from .partitions import InFlight

MAX_CHUNK, MAX_CHUNK_BYTES = 10_000, 8 * 1024 * 1024
"""Records in one chunk, and their bytes, which the last may pass; with `stream_buffer_maxsize` they bound
what waits in memory."""


class Chunk:
    """Records of one topic-partition in offset order, never empty.

    `records` are aiokafka `ConsumerRecord`s: `.offset`, `.timestamp` (ms), `.key`, `.value` (bytes or None) and
    `.headers`. Offsets grow, but may have gaps (transaction markers, compaction). `size` is in bytes of values, keys
    and headers.
    """

    def __init__(self, topic: str, partition: int, records: list[Any]) -> None:
        self.topic = topic
        self.partition = partition
        self.records = records
        self.size = sum(map(_size, records))

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
    it to `most` bytes."""
    start = held = 0
    for end, record in enumerate(records, 1):
        held += _size(record)
        if end - start == size or held >= most or end == len(records):
            whole = end - start == len(records)
            yield Chunk(tp.topic, tp.partition, records if whole else records[start:end])
            start, held = end, 0


def _size(record: Any) -> int:
    size = len(record.value or b"") + len(record.key or b"")
    return size + header_bytes(record.headers) if record.headers else size


Part = tuple[Chunk, InFlight]


class ChunkMessage(ConsumerMessage):  # type: ignore[misc]
    """Faust's message around chunks of one topic, at least one: what Faust does for a message is far more than what
    anybody does for a chunk. It is acknowledged once all of them are.

    `tp` may be any partition of the topic. All ways to acknowledge a message (`Message.ack`, the copy of it in the
    compiled stream iterator) end in `message.acked = True`; an `InFlight` outlives the message, which Faust holds only
    weakly.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Part], tp: TP, generation: int) -> None:
        self.parts = parts
        last = parts[0][0].records[-1]
        super().__init__(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            None,
            None,
            parts,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )

    @property
    def acked(self) -> bool:
        """Whether all chunks are acknowledged."""
        return all(in_flight.acked for _, in_flight in self.parts)

    @acked.setter
    def acked(self, value: Any) -> None:
        for _, in_flight in self.parts:
            in_flight.acked = bool(value)

    @property
    def settled(self) -> bool:
        """Whether the sink is done with every chunk: it is acknowledged, or dropped."""
        return all(in_flight.acked or in_flight.dropped for _, in_flight in self.parts)

    @property
    def tps(self) -> set[TP]:
        """The partitions of the chunks."""
        return {TP(chunk.topic, chunk.partition) for chunk, _ in self.parts}


class Delivery:
    """One chunk handed to the agent. Until `ack`, a restart or rebalance delivers it again.

    A rebalance waits for `ack` or `drop`.
    """

    __slots__ = ("_event", "_in_flight", "chunk")

    def __init__(self, event: Any, chunk: Chunk, in_flight: InFlight) -> None:
        self._event = event
        self._in_flight = in_flight
        self.chunk = chunk

    def written(self) -> None:
        """Says that the chunk is in the tables, as far as it ever will be: `progress` has it then. `ack` follows."""
        self._in_flight.written = True

    def ack(self) -> None:
        """Marks the chunk as durable. From the app's event loop, in any order, once or more.

        Without effect if the partition was revoked meanwhile.
        """
        if all(other.acked for _, other in self._event.value if other is not self._in_flight):
            self._event.ack()
        else:
            self._in_flight.acked = True

    def drop(self) -> None:
        """Says that nothing more is done with the chunk, which comes again."""
        self._in_flight.dropped = True

    def __repr__(self) -> str:
        return f"<Delivery {self.chunk!r}>"


async def deliveries(stream: Any) -> AsyncIterator[Delivery]:
    """The stream of a chunk topic as deliveries. Ending or cancelling it acknowledges nothing.

    What is left of a message when its assignment ends is dropped, as Faust drops the messages behind it: it comes
    again, behind what the sink drops of the same partition.
    """
    app = stream.app
    async for event in stream.noack().events():
        generation = event.message.generation_id
        for chunk, in_flight in event.value:
            delivery = Delivery(event, chunk, in_flight)
            if app.flow_control.is_active() and app.consumer_generation_id == generation:
                yield delivery
            else:
                delivery.drop()
