"""Where the pipeline's time goes: each step of a flush alone, one after the other, on the real engine."""

import argparse
import asyncio
import gc
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from clickhouse.client import Address, ClickHouseClient
from clickhouse.migrations import migrate_engine
from pipeline.batch import Batch, assemble
from pipeline.decode import DecodedChunk, Run, decode
from pipeline.fence import Fence
from pipeline.flush_statements import SMALL_ROWS
from pipeline.snowflake import Snowflake
from pipeline.store import Known, Store
from shopbench import orders, processes
from shopbench.orders import Generator
from shopbench.output import Result, arguments, publish, run, say
from shopbench.processes import Child
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import ORDERS

PARTITIONS = 12
EPOCH = 1


class Record(NamedTuple):
    """As a consumer gives it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[()] = ()


@dataclass
class Clock:
    """Wall clock and CPU, of this process and of the engine, by step."""

    engine: Child

    def __post_init__(self) -> None:
        self.spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])

    async def step(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Runs it and notes what it took."""
        before = self._now()
        answer = await work()
        for i, (b, a) in enumerate(zip(before, self._now(), strict=True)):
            self.spent[name][i] += a - b
        return answer

    def _now(self) -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), self.engine.cpu()


def chunks(events: list[tuple[bytes, bytes]], offsets: list[int]) -> Iterator[list[Record]]:
    """One for each partition; `offsets` are the next of each."""
    now = int(time.time() * 1000)
    for partition in range(len(offsets)):
        own = events[partition :: len(offsets)]
        first = offsets[partition]
        offsets[partition] += len(own)
        if own:
            yield [Record(first + i, now, key, value) for i, (key, value) in enumerate(own)]


async def _decode(records: list[list[Record]]) -> list[DecodedChunk]:
    return [decode(ORDERS, [Run(number, EPOCH, chunk)]) for number, chunk in enumerate(records)]


async def _assemble(number: int, pieces: list[DecodedChunk]) -> Batch:
    return assemble(number, pieces)


async def _flush(clock: Clock, store: Store, fence: Fence, batch: Batch) -> None:
    await clock.step("begin (which partitions)", lambda: store.begin(batch))
    await clock.step("store history", lambda: store.store_history(batch))
    conflicts = await clock.step("createdAt", lambda: store.created_at_conflicts(batch))
    assert not conflicts.first
    await clock.step("store (orders)", lambda: store.store(batch, fence, conflicts.equal))
    lookups = await store.lookups(batch, conflicts.new, conflicts.stored)
    small = batch.staged.num_rows <= SMALL_ROWS
    changed = await clock.step("changed", lambda: store.changed(batch.topic, batch.id, small))
    known = Known(lookups, small, changed.parts)
    apply = partial(store.apply, batch.topic, batch.id, fence, known)
    await clock.step("apply (windows, look-ups)", apply)
    assert await clock.step("mark", lambda: store.mark(batch.id, fence))


async def _run(flags: argparse.Namespace, clock: Clock, url: str) -> None:
    await migrate_engine(Address.parse(url))
    generator = Generator(orders.over_days(flags.events + flags.stored))
    numbers, offsets = Snowflake(), [0] * PARTITIONS
    places = [Partition(ORDERS, number) for number in range(PARTITIONS)]
    async with ClickHouseClient(Address.parse(url)) as engine:
        store = Store(engine, "bench")
        fence = Fence(dict.fromkeys(places, numbers.next()))
        await store.claim(places, fence.claims[places[0]])
        for measured, count in ((False, flags.stored), (True, flags.events)):
            for size in _sizes(count, flags.batch):
                records = list(chunks(list(generator.events(size)), offsets))
                gc.collect()
                used = clock if measured else Clock(clock.engine)
                pieces = await used.step("decode", lambda r=records: _decode(r))
                number = numbers.next()
                batch = await used.step("assemble", lambda p=pieces, n=number: _assemble(n, p))
                await _flush(used, store, fence, batch)


def _sizes(count: int, batch: int) -> list[int]:
    whole, rest = divmod(count, batch)
    return [batch] * whole + [rest] * bool(rest)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/steps", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=50_000)
    parser.add_argument("--stored", type=int, default=0, help="events that are there before")
    flags = arguments(parser)
    batches = len(_sizes(flags.events, flags.batch))
    result = Result(
        "steps", f"{flags.events:,} events in {batches} batches, {flags.stored:,} stored before"
    )
    with (
        tempfile.TemporaryDirectory(prefix="shopbench-") as name,
        processes.engine(Path(name)) as (engine, address),
    ):
        say(result.about)
        clock = Clock(engine)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(flags, clock, address.url))
    result.rows = _rows(clock, flags.events, batches)
    result.notes = [
        "us: microseconds an event; ms: a batch; alone, one after the other (the pipeline overlaps"
        " decoding with writing, and the first three statements with each other)",
        "engine us includes what the engine does in the background meanwhile, such as merges",
    ]
    publish(result, flags)


def _rows(clock: Clock, events: int, batches: int) -> list[dict[str, object]]:
    spent = dict(clock.spent)
    spent["all"] = [sum(values) for values in zip(*spent.values(), strict=True)]
    return [
        {
            "step": name,
            "wall us": wall * 1e6 / events,
            "client us": client * 1e6 / events,
            "engine us": engine * 1e6 / events,
            "wall ms": wall * 1e3 / batches,
        }
        for name, (wall, client, engine) in spent.items()
    ]


if __name__ == "__main__":
    run(main)
