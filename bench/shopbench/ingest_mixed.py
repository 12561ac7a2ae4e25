"""The pipeline's pace on events of all topics beside its pace on orders alone."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oracle.book import Book
from oracle.compare import compare_tables
from shopbench import orders, processes, topic
from shopbench.candidates import Site, candidates, catch_up
from shopbench.mixed import UPDATES, Event, Mixed
from shopbench.output import Result, median, say
from shopbench.processes import Child, EngineAddress
from shopstream.contracts.topics import ORDERS
from shopstream.settings import Settings
from support.events import Sent
from support.sql import Sql

PARTITIONS = 12


@dataclass
class Stream:
    """A filled broker, and the book of what is in it."""

    name: str
    bootstrap: str
    broker: Child
    book: Book
    events: int
    size: int


@dataclass
class Measured:
    stream: str
    events_per_s: float
    client_us: float
    engine_us: float
    broker_us: float
    wrong: int


def measure(events: int, rounds: int, limit: float) -> Result:
    """Rounds of each stream in turn, each on an empty engine."""
    with tempfile.TemporaryDirectory(prefix="shopbench-") as name:
        folder = Path(name)
        with (
            _filled("orders only", folder / "orders", events, _orders_only(events)) as first,
            _filled("all topics", folder / "mixed", events, _all_topics(events)) as second,
        ):
            found = []
            for number in range(rounds):
                for stream in (first, second) if number % 2 == 0 else (second, first):
                    say(f"round {number + 1} of {rounds}: {stream.name}")
                    with tempfile.TemporaryDirectory(dir=folder) as own:
                        found.append(_measure(stream, Path(own), limit))
                    say(f"  {found[-1]}")
            sizes = {stream.name: stream.size / events for stream in (first, second)}
    return _result(found, sizes, events, rounds)


def _orders_only(count: int) -> Iterator[Event]:
    generator = orders.Generator(orders.over_days(count), updates=UPDATES)
    return ((ORDERS, *event) for event in generator.events(count))


def _all_topics(count: int) -> Iterator[Event]:
    return Mixed(orders.over_days(count)).events(count)


@contextmanager
def _filled(name: str, folder: Path, count: int, events: Iterator[Event]) -> Iterator[Stream]:
    folder.mkdir()
    with processes.broker(folder) as (child, bootstrap):
        topic.make(Settings(kafka_bootstrap=bootstrap, kafka_partitions=PARTITIONS))
        stream = Stream(name, bootstrap, child, Book(), count, 0)
        say(f"{name}: filling {count:,} events")
        topic.fill(bootstrap, _noted(stream, events))
        yield stream


def _noted(stream: Stream, events: Iterator[Event]) -> Iterator[Event]:
    for where, key, value in events:
        stream.size += len(value)
        stream.book.take(Sent(key, value, topic=where))
        yield where, key, value


def _measure(stream: Stream, folder: Path, limit: float) -> Measured:
    ours = candidates()["shopstream"]
    topic.rewind(stream.bootstrap, ours.group(""), PARTITIONS)
    with processes.engine(folder) as (engine, address):
        site = Site(folder, stream.bootstrap, address, ours.group(""))
        ours.prepare(site)
        pace = catch_up(ours, site, stream.events, limit, engine, stream.broker)
        wrong = len(_differences(stream, address))
        return Measured(stream.name, stream.events / pace.seconds, *pace.micros, wrong)


def _differences(stream: Stream, address: EngineAddress) -> list[str]:
    sql = Sql(address.port, address.user, address.password)
    return compare_tables(sql, stream.book)


def _result(found: list[Measured], sizes: dict[str, float], events: int, rounds: int) -> Result:
    def row(name: str) -> dict[str, object]:
        group = [one for one in found if one.stream == name]
        rates = [one.events_per_s for one in group]

        def middle(of: Callable[[Measured], float]) -> float | None:
            return median(map(of, group))

        return {
            "stream": name,
            "bytes": round(sizes[name]),
            "events/s": middle(lambda m: m.events_per_s),
            "least..most": f"{min(rates):,.0f}..{max(rates):,.0f}",
            "client us": middle(lambda m: m.client_us),
            "engine us": middle(lambda m: m.engine_us),
            "broker us": middle(lambda m: m.broker_us),
            "differences": sum(one.wrong for one in group),
        }

    return Result(
        "ingest-mixed",
        f"{events:,} events, 10 % updates, {PARTITIONS} partitions a topic of one Kafka node,"
        f" median of {rounds} rounds in turn",
        rows=[row(name) for name in sizes],
        notes=[
            "all topics: orders 40 %, levels 20 %, payments 20 %, visits 14 %, purchases 4 %,"
            " suppliers and settings 1 % each, of 50 shops over two weeks",
            "events/s: from the instant the worker has its partitions until everything is in",
            "us: CPU microseconds an event in that time; everything shares the cores",
            "differences: every row of every table, of all rounds, beside the oracle of the tests",
        ],
    )
