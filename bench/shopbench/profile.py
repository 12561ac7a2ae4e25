"""Where one flush and one cold report spend their time: each statement alone, on an engine that has orders."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Set
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from api.freshness.source import Freshness
from api.reports.days import Span
from api.reports.reader import Reader
from api.reports.report import Report
from api.reports.sales_reports import DailySales, Trends, WeeklySales
from api.reports.statements import Statements
from clickhouse.client import Address, ClickHouseClient
from clickhouse.migrations import migrate_engine
from local.services import PARTITIONS
from pipeline.batch import assemble
from pipeline.decode import Run, decode
from pipeline.fence import Fence
from pipeline.flush_statements import SMALL_ROWS
from pipeline.snowflake import Snowflake
from pipeline.store import Known, Store
from shopbench import processes
from shopbench.fill import BIGGEST, DAYS, Fill, day
from shopbench.noting import Book, Listening, Spent, total, watch
from shopbench.orders import Generator
from shopbench.output import Result, Row, arguments, publish, run, say
from shopbench.processes import EngineAddress
from shopbench.reports import FIRST_ASKED, until_merged
from shopbench.sql import Sql
from shopbench.steps import EPOCH, chunks
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import ORDERS

WARM = 5
"""Of each kind before the clock starts."""
REPORTS: dict[str, Callable[[int], Report]] = {
    "daily-sales": lambda number: DailySales(day(number)),
    "weekly-sales": lambda number: WeeklySales(day(number)),
    "trends, 30 days": lambda number: Trends(Span(first=day(number - 29), last=day(number))),
}


class Nothing:
    """Knows nothing of the pipeline, so that no answer is kept."""

    def freshness(self, _: str) -> Freshness:
        return Freshness(None, 0, None, False)

    def changed_days(self, _: str, __: str, ___: int) -> Set[int] | None:
        return None


async def _flushes(flags: argparse.Namespace, engine: ClickHouseClient, book: Book) -> None:
    """As `pipeline.flush` does them, but one statement after the other."""
    numbers, offsets = Snowflake(), [0] * PARTITIONS
    store: Store = watch(Store(engine, "bench"), "flush: ", book)
    places = [Partition(ORDERS, number) for number in range(PARTITIONS)]
    fence = Fence(dict.fromkeys(places, numbers.next()))
    await store.claim(places, fence.claims[places[0]])
    events = Generator(lambda _: datetime.now(UTC), made=time.time_ns() // 1000)
    for number in range(WARM + flags.flushes):
        book.on = number >= WARM
        records = list(chunks(list(events.events(flags.batch)), offsets))

        async def decoded(records: Any = records) -> Any:
            runs = [Run(at, EPOCH, chunk) for at, chunk in enumerate(records)]
            return assemble(numbers.next(), [decode(ORDERS, runs)])

        batch = await book.note("flush: (decode, assemble)", decoded)
        await store.begin(batch)
        conflicts = await store.created_at_conflicts(batch)
        assert not conflicts.first
        await store.store_history(batch)
        await store.store(batch, fence, conflicts.equal)
        small = batch.staged.num_rows <= SMALL_ROWS
        lookups = await store.lookups(batch, conflicts.new, conflicts.stored)
        changed = await store.changed(ORDERS, batch.id, small)
        await store.apply(ORDERS, batch.id, fence, Known(lookups, small, changed.parts))
        assert await store.mark(batch.id, fence)


async def _reports(flags: argparse.Namespace, engine: ClickHouseClient, book: Book) -> None:
    for name, make in REPORTS.items():
        statements = watch(Statements(engine), f"{name}: ", book)
        for apart in (True, False):
            ask = statements if apart else Statements(engine)
            for number in range(WARM + flags.reports):
                book.on = number >= WARM
                # a reader of its own: nothing that an earlier one has read
                reader = Reader(ask, lambda: datetime.now(UTC), Nothing())
                report = make(FIRST_ASKED + number * 7 % (DAYS - FIRST_ASKED))
                if apart:
                    await reader.report(BIGGEST, report)
                else:
                    whole = partial(reader.report, BIGGEST, report)
                    await book.note(f"{name}: (whole, at once)", whole)


async def _run(flags: argparse.Namespace, where: EngineAddress, book: Book) -> None:
    address = Address.parse(where.url)
    await migrate_engine(address)
    await Fill(flags.orders).write(where.url, lambda n: say(f"{n:,} orders are in"))
    until_merged(Sql(where))
    async with Listening(address, book) as engine:
        await _flushes(flags, engine, book)
        await _reports(flags, engine, book)


def main() -> None:
    flags = _flags()
    with (
        tempfile.TemporaryDirectory(prefix="shopbench-") as name,
        processes.engine(Path(name)) as (child, address),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        book = Book(child)
        runner.run(_run(flags, address, book))
    publish(_result(flags, book), flags)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/profile", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000, help="that are there before")
    parser.add_argument("--batch", type=int, default=1000, help="events of a flush")
    parser.add_argument("--flushes", type=int, default=30)
    parser.add_argument("--reports", type=int, default=50, help="of each kind")
    return arguments(parser)


def _result(flags: argparse.Namespace, book: Book) -> Result:
    return Result(
        "profile",
        f"means of {flags.flushes} flushes of {flags.batch:,} order events and {flags.reports} cold reports of a kind,"
        f" {flags.orders:,} orders stored",
        rows=list(_rows(flags, book)),
        notes=[
            "each statement alone, one after the other; (whole, at once): the report as the API makes it, without HTTP",
            "wall: at the client; inside: by the engine's own summary; engine, client: CPU of the processes",
            "cold: nothing is kept, neither answers nor what they are made of; random days of the biggest shop",
            "engine CPU includes what the engine does in the background meanwhile, such as merges",
        ],
    )


def _rows(flags: argparse.Namespace, book: Book) -> Iterator[Row]:
    flush: dict[str, Spent] = {}
    reports: dict[str, Spent] = {}
    for what, spent in book.spent.items():
        (flush if what.startswith("flush") else reports)[what] = spent
    for what, spent in {**flush, "flush: (all)": total(flush.values())}.items():
        yield spent.row(what, flags.flushes)
    for what, spent in reports.items():
        yield spent.row(what, flags.reports)


if __name__ == "__main__":
    run(main)
