"""How long orders wait beside a flood of records that are none in another partition of their topic: the flusher alone,
with the real decoding, and sleep in place of Kafka and the engine."""

import argparse
import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.batch import Batch
from pipeline.flush import Written
from pipeline.flusher import Flusher, MemoryBudget
from pipeline.main import give_turns
from pipeline.transport import Chunk
from pipeline.transport.chunk import MAX_CHUNK
from pipeline.transport.driver import BUFFERED_CHUNKS
from shopbench.orders import Generator, Order
from shopbench.output import Result, arguments, publish, quantile, run
from shopstream.contracts.cursor import Partition
from shopstream.contracts.order import NO_WORDS, StatusMaps
from shopstream.contracts.topics import ORDERS

JUNK = (b"junk", b"{}", b'{"specversion":"1.0"}')
WRITE_SECONDS = 0.1
ORDER_SECONDS = 0.05
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
NOW_MS = 1_795_342_530_123


@dataclass
class _Record:
    offset: int
    value: bytes
    timestamp: int = NOW_MS
    key: bytes | None = None
    headers: tuple[()] = ()


class _Delivery:
    def __init__(self, partition: int, first: int, values: list[bytes]) -> None:
        records = [_Record(first + n, value) for n, value in enumerate(values)]
        self.chunk = Chunk(ORDERS, partition, records)
        self.due = self.acked = 0.0

    def written(self) -> None:
        """Orders have no dead letters, so they are acknowledged at the same instant."""

    def ack(self) -> None:
        self.acked = time.monotonic()

    def drop(self) -> None:
        raise AssertionError("no partition is revoked here")


class Flood:
    """Offers what a consumer would: chunks in turn, behind a bounded buffer, none of a partition that is held."""

    def __init__(self, junk: bytes, chunks: int) -> None:
        self.flood = [_Delivery(0, n * MAX_CHUNK, [junk] * MAX_CHUNK) for n in range(chunks)]
        self.orders: list[_Delivery] = []
        self._held: set[Partition] = set()
        self._buffer: asyncio.Queue[Any] = asyncio.Queue(BUFFERED_CHUNKS)
        ids = iter(range(1, 1_000_000))
        self._flusher = Flusher(
            lambda _: 1,
            lambda: next(ids),
            self._write,
            self._send,
            lambda *_: None,
            0.25,
            MemoryBudget(),
            self._hold,
            self._maps,
        )

    def _hold(self, partition: Partition, held: bool) -> None:
        (self._held.add if held else self._held.discard)(partition)

    async def _maps(self, _: object) -> StatusMaps:
        return NO_WORDS

    async def _write(self, batch: Batch) -> Written:
        await asyncio.sleep(WRITE_SECONDS)
        return Written(batch, {})

    async def _send(self, batch: Batch) -> None:
        await asyncio.to_thread(batch.dead_letters)
        await asyncio.sleep(WRITE_SECONDS)

    async def run(self) -> None:
        """Until the flood is refused and every order acknowledged."""
        tasks = [asyncio.create_task(self._flusher.run()), asyncio.create_task(self._offer())]
        left, order, begun = list(self.flood), _order(), time.monotonic()
        while not all(delivery.acked for delivery in self.flood):
            if left and Partition(ORDERS, 0) not in self._held:
                await self._buffer.put(left.pop(0))
            while (due := begun + len(self.orders) * ORDER_SECONDS) <= time.monotonic():
                number = len(self.orders)
                delivery = _Delivery(1 + number % 3, number // 3, [order])
                delivery.due = due
                self.orders.append(delivery)
                await self._buffer.put(delivery)
            await asyncio.sleep(0.005)
        while not all(delivery.acked for delivery in self.orders):
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _offer(self) -> None:
        while True:
            await self._flusher.offer(await self._buffer.get())


def _order() -> bytes:
    generator = Generator(lambda _: AT, shops=1)
    return generator.write(Order("s", "o", AT, 1, [(1, 1, 1000)]), AT)[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/flood", description=__doc__)
    parser.add_argument("--chunks", type=int, default=20, help=f"of {MAX_CHUNK:,} records each")
    flags = arguments(parser)
    give_turns()
    result = Result("flood", f"{flags.chunks * MAX_CHUNK:,} records that are none in one partition")
    for junk in JUNK:
        flood, began = Flood(junk, flags.chunks), time.process_time()
        asyncio.run(flood.run())
        waits = [(each.acked - each.due) * 1000 for each in flood.orders]
        result.rows.append(
            {
                "record": junk.decode(),
                "orders": len(waits),
                "p50 ms": quantile(waits, 0.5),
                "p99 ms": quantile(waits, 0.99),
                "CPU s": time.process_time() - began,
            }
        )
    result.notes = [
        f"orders arrive in three other partitions, one each {ORDER_SECONDS * 1000:g} ms; ms from its arrival"
        " to its acknowledgement",
        f"a write takes {WRITE_SECONDS * 1000:g} ms, and so do the dead letters of a batch",
    ]
    publish(result, flags)


if __name__ == "__main__":
    run(main)
