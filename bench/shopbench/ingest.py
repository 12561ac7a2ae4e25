"""Events a second in catch-up: a filled topic, then the consumer, until the aggregates have it all."""

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from shopbench import ingest_mixed, orders, processes, topic
from shopbench.candidates import Candidate, Site, candidates, catch_up
from shopbench.orders import Generator
from shopbench.output import Result, arguments, median, publish, run, say
from shopbench.processes import Child, Failed
from shopbench.sql import Sql, milliseconds
from shopstream.contracts.topics import ORDERS
from shopstream.settings import Settings

PARTITIONS = 12
QUERIES = 60
Truth = tuple[dict, dict]


@dataclass(frozen=True)
class Source:
    """A filled topic. `process` is None where the broker is not ours."""

    bootstrap: str
    process: Child | None
    events: int
    limit: float


@dataclass
class Measured:
    """One candidate in one round. Microseconds of CPU an event, milliseconds of query."""

    candidate: str
    events_per_s: float | None = None
    whole_s: float | None = None
    client_us: float | None = None
    engine_us: float | None = None
    broker_us: float | None = None
    day_ms: float | None = None
    top_ms: float | None = None
    wrong: int = -1
    fault: str | None = None


def main() -> None:
    flags = _flags()
    if flags.mixed:
        publish(ingest_mixed.measure(flags.events, flags.rounds, flags.limit), flags)
        return
    with tempfile.TemporaryDirectory(prefix="shopbench-") as name, _broker(flags, Path(name)) as at:
        bootstrap, process = at
        generator = Generator(orders.over_days(flags.events))
        say(f"filling {flags.events:,} events into {PARTITIONS} partitions of {bootstrap}")
        topic.fill(bootstrap, ((ORDERS, *event) for event in generator.events(flags.events)))
        source = Source(bootstrap, process, flags.events, flags.limit)
        result = _result(flags, generator)
        found = _rounds(flags, Path(name), source, orders.truth(generator.orders))
        result.rows = _rows(found)
        result.rounds = [asdict(measured) for measured in found]
    publish(result, flags)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/ingest", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kafka", metavar="HOST:PORT", help="another broker, for this bench alone")
    parser.add_argument("--mixed", action="store_true", help="all topics beside orders only")
    parser.add_argument("--only", choices=["shopstream", "faust", "raw"], action="append")
    parser.add_argument("--limit", type=float, default=600, help="seconds for one candidate")
    return arguments(parser)


@contextmanager
def _broker(flags: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Child | None]]:
    if flags.kafka is None:
        with processes.broker(folder) as (child, bootstrap):
            topic.make(_settings(bootstrap))
            yield bootstrap, child
        return
    topic.make(_settings(flags.kafka))
    try:
        yield flags.kafka, None
    finally:
        topic.remove(flags.kafka, topic.NEEDED)


def _settings(bootstrap: str) -> Settings:
    return Settings(kafka_bootstrap=bootstrap, kafka_partitions=PARTITIONS)


def _rounds(
    flags: argparse.Namespace, folder: Path, source: Source, truth: Truth
) -> list[Measured]:
    every = candidates()
    names = flags.only or list(every)
    found = []
    for number in range(flags.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            say(f"round {number + 1} of {flags.rounds}: {every[name].name}")
            with tempfile.TemporaryDirectory(dir=folder) as own:
                found.append(_measure(every[name], Path(own), source, truth, f"{number}"))
            say(f"  {found[-1]}")
    return found


def _measure(
    candidate: Candidate, folder: Path, source: Source, truth: Truth, run: str
) -> Measured:
    measured = Measured(candidate.name)
    group = candidate.group(run)
    try:
        topic.rewind(source.bootstrap, group, PARTITIONS)
        with processes.engine(folder) as (engine, address):
            site = Site(folder, source.bootstrap, address, group)
            candidate.prepare(site)
            pace = catch_up(candidate, site, source.events, source.limit, engine, source.process)
            measured.events_per_s, measured.whole_s = source.events / pace.seconds, pace.whole
            measured.client_us, measured.engine_us, measured.broker_us = pace.micros
            sql = Sql(address)
            measured.wrong = _differences(candidate, sql, truth)
            measured.day_ms, measured.top_ms = _ask(candidate, sql)
    except Failed as failed:
        measured.fault = str(failed)
        say(measured.fault)
    return measured


def _differences(candidate: Candidate, sql: Sql, truth: Truth) -> int:
    """Shop-days and shop-day-products that are not as plain Python says."""
    days = {tuple(row[:2]): tuple(row[2:]) for row in sql.rows(candidate.queries.days)}
    products = {tuple(row[:3]): tuple(row[3:]) for row in sql.rows(candidate.queries.products)}
    return len(set(days.items()) ^ set(truth[0].items())) + len(
        set(products.items()) ^ set(truth[1].items())
    )


def _ask(candidate: Candidate, sql: Sql) -> tuple[float | None, float | None]:
    """Medians of the two queries, over the days of the biggest shop."""
    draw = random.Random(1)

    def place() -> dict[str, str]:
        day = orders.FIRST + timedelta(days=draw.randrange(orders.DAYS))
        return {"shop": orders.shop_name(1), "day": day.date().isoformat()}

    def times(query: str) -> float | None:
        texts = [query % place() for _ in range(QUERIES)]
        return median(milliseconds(_asking(sql, text)) for text in texts)

    return times(candidate.queries.day), times(candidate.queries.top)


def _asking(sql: Sql, text: str) -> Callable[[], object]:
    return lambda: sql.rows(text)


def _rows(found: list[Measured]) -> list[dict[str, object]]:
    names = list(dict.fromkeys(measured.candidate for measured in found))
    groups = {name: [m for m in found if m.candidate == name] for name in names}
    rates = {name: median(m.events_per_s for m in group) for name, group in groups.items()}
    ours = rates.get("shopstream")
    return [_row(name, groups[name], rates[name], ours) for name in sorted(names, key=_ours_first)]


def _ours_first(name: str) -> tuple[bool, str]:
    return name != "shopstream", name


def _row(
    name: str, group: list[Measured], rate: float | None, ours: float | None
) -> dict[str, object]:
    rates = [m.events_per_s for m in group if m.events_per_s is not None]
    wrong = {m.wrong for m in group}
    return {
        "candidate": name,
        "events/s": rate,
        "least..most": f"{min(rates):,.0f}..{max(rates):,.0f}" if rates else None,
        "shopstream is": f"{ours / rate:.2f} x" if ours and rate else None,
        "client us": median(m.client_us for m in group),
        "engine us": median(m.engine_us for m in group),
        "broker us": median(m.broker_us for m in group),
        "whole s": median(m.whole_s for m in group),
        "day ms": median(m.day_ms for m in group),
        "top-10 ms": median(m.top_ms for m in group),
        "right": "yes" if wrong == {0} else f"no, {max(wrong)} sums" if max(wrong) > 0 else "?",
    }


def _result(flags: argparse.Namespace, generator: Generator) -> Result:
    size = generator.size / flags.events
    broker = "a Kafka elsewhere" if flags.kafka else "one Kafka node"
    return Result(
        "ingest",
        f"{flags.events:,} events of {size:.0f} bytes (80 % new, 20 % updates and repeats),"
        f" {PARTITIONS} partitions of {broker}, median of {flags.rounds} rounds",
        notes=[
            "events/s: from the instant the consumer has its partitions until everything is in;"
            " whole s: from the start of its process (imports, joining the group)",
            "us: CPU microseconds an event in that time; everything shares the cores",
            "right: every sum by shop and day, and by product, beside plain Python",
            "day ms, top-10 ms: one statement to the engine right afterwards, biggest shop",
            "shopstream also stores each raw event for replay; the others do not",
        ],
    )


if __name__ == "__main__":
    run(main)
