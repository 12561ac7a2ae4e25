"""Every report at N orders, over HTTP with a token: idle, under ingest, and beside the same from `orders FINAL`."""

import argparse
import asyncio
import gzip
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from api.reports.stock import Position, write_cursor
from local.probes import free_port
from shopbench import order_stream
from shopbench.asking import Line, Paths, Timing, load
from shopbench.fill import BIGGEST, DAYS, Fill, day
from shopbench.output import Result, arguments, median, publish, run, say
from shopbench.processes import Child, Failed, cpu, proportional
from shopbench.sql import Sql
from shopbench.up import Up, settle, up

DATABASE = "shopstream"
SETTLE_SECONDS = 60.0
READY_SECONDS = 30.0
WARM_SECONDS = 5.0
"""Of ingest, before anything is measured."""
LEVEL_SECONDS = 60.0
"""Until the pipeline has everything that was sent."""
FIRST_ASKED = 366
"""Days before it are for comparison."""
FINAL = "daily-sales from orders FINAL"
PATHS: dict[str, Callable[[date], str]] = {
    "daily-sales": lambda day: f"/reports/daily-sales?date={day}",
    "weekly-sales": lambda day: f"/reports/weekly-sales?startDate={day}",
    "monthly-sales": lambda day: f"/reports/monthly-sales?year={day.year}&month={day.month}",
    "metrics, 30 days": lambda day: f"/reports/metrics?{_span(day, 30)}",
    "metrics, 366 days": lambda day: f"/reports/metrics?{_span(day, 366)}",
    "trends, 30 days": lambda day: f"/reports/trends?{_span(day, 30)}",
    "trends, 366 days": lambda day: f"/reports/trends?{_span(day, 366)}",
    "stock, 100 levels": lambda day: f"/stock?cursor={_place(day)}",
    "stock, 100 low levels": lambda day: f"/stock?low=true&cursor={_place(day)}",
}
"""Of each kind of report what is asked for, made of a random day."""
BARE = ("daily-sales", "weekly-sales", "metrics, 30 days", "stock, 100 levels")
"""Asked too where nothing is kept."""


@dataclass(frozen=True)
class Api:
    """A process that serves, and with which token."""

    port: int
    process: int
    token: str

    def line(self) -> Line:
        """A connection of its own."""
        return Line(self.port, self.token)


def _span(day: date, days: int) -> str:
    return f"startDate={day - timedelta(days=days - 1)}&endDate={day}"


def _place(day: date) -> str:
    return write_cursor(Position(f"product-{day.toordinal() % 1000:03}"))


def drawn(path: Callable[[date], str], seed: int) -> Paths:
    """Paths of random days."""

    def paths(number: int) -> Iterator[str]:
        draw = random.Random(seed * 1000 + number)
        while True:
            yield path(day(draw.randrange(FIRST_ASKED, DAYS)))

    return paths


def every_kind(seed: int) -> Paths:
    """Random kinds and days, but no year: what a dashboard asks for."""
    kinds = [path for name, path in PATHS.items() if "366" not in name]

    def paths(number: int) -> Iterator[str]:
        draw = random.Random(seed * 1000 + number)
        while True:
            yield draw.choice(kinds)(day(draw.randrange(FIRST_ASKED, DAYS)))

    return paths


def the_same(_: int) -> Iterator[str]:
    """One page of a dashboard, again and again."""
    paths = [path(day(DAYS - 1)) for path in PATHS.values()]
    while True:
        yield from paths


class Bench:
    """One size of data."""

    def __init__(self, flags: argparse.Namespace, orders: int, system: Up, folder: Path) -> None:
        self._flags = flags
        self._orders = orders
        self._system = system
        self._folder = folder
        self._token = system.token([BIGGEST])
        self.found: list[tuple[str, Timing, float, float]] = []
        self.notes: list[str] = []

    def run(self) -> None:
        """Fills, checks, measures."""
        self._fill()
        ours = Api(self._system.api_port, self._system.processes["api"], self._token)
        with ExitStack() as stack:
            forgetful = stack.enter_context(self._other_api("forgetful"))
            bare = stack.enter_context(self._other_api("bare"))
            final = stack.enter_context(self._other_api("final"))
            self._same(forgetful, final)
            kinds = [(name, path, forgetful) for name, path in PATHS.items()]
            kinds += [(f"{name}, nothing kept", PATHS[name], bare) for name in BARE]
            kinds.append((FINAL, PATHS["daily-sales"], final))
            for number in range(self._flags.rounds):
                self._each("idle", kinds, number)
                self._fast("requests/s, cached", ours, the_same, 10)
                self._fast("requests/s, uncached", forgetful, every_kind(number), 1)
                self._fast("requests/s, nothing kept", bare, every_kind(number), 1)
        ours_only = [(name, path, ours) for name, path in PATHS.items()]
        for rate in self._flags.ingest:
            with order_stream.meanwhile(self._system.kafka, rate):
                time.sleep(WARM_SECONDS)
                for number in range(self._flags.rounds):
                    self._each(f"{rate:g}/s", ours_only, number)
                behind = self._behind(ours)
            say(f"{rate:g} events/s: {behind:.1f} s behind")
            self.notes.append(
                f"{self._orders:,} orders, {rate:g} events/s: in the end reports were complete"
                f" up to {behind:.1f} s before they were asked for"
            )
            self._level(ours)
        mib = proportional(ours.process) / 2**20
        self.notes.append(f"{self._orders:,} orders: the API process took {mib:.0f} MiB in the end")

    def _each(
        self, when: str, kinds: list[tuple[str, Callable[[date], str], Api]], number: int
    ) -> None:
        for name, path, api in kinds if number % 2 else reversed(kinds):
            load(name, api.line, drawn(path, 99), 1, max(self._flags.requests // 10, 5))
            self._timed(when, api, partial(load, name, api.line, drawn(path, number), 1), 1)

    def _fast(self, name: str, api: Api, paths: Paths, times: int) -> None:
        load(name, api.line, paths, 8, 200)
        self._timed("idle", api, partial(load, name, api.line, paths, 8), times * 2)

    def _timed(self, when: str, api: Api, measure: Callable[[int], Timing], times: int) -> None:
        """With the CPU that the API and the engine used, milliseconds a request."""
        processes = (api.process, self._system.processes["engine"])
        before = [cpu(process) for process in processes]
        timing = measure(self._flags.requests * times)
        used = [
            (cpu(process) - spent) * 1000 / timing.requests
            for process, spent in zip(processes, before, strict=True)
        ]
        self.found.append((when, timing, used[0], used[1]))
        say(f"{self._orders:,} orders, {when}: {timing}, CPU ms {used[0]:.2f} + {used[1]:.2f}")

    def _fill(self) -> None:
        begun = time.monotonic()
        fill = Fill(self._orders, self._flags.shops, self._flags.batch)
        asyncio.run(fill.write(self._system.engine.url, lambda n: say(f"{n:,} orders are in")))
        took = time.monotonic() - begun
        settle()
        sql = Sql(self._system.engine)
        until_merged(sql)
        rows = sql.rows(f"SELECT countIf(shop_id = '{BIGGEST}') / count() FROM {DATABASE}.orders")
        size = sql.rows("SELECT sum(bytes_on_disk) FROM system.parts WHERE active")[0][0]
        self.notes.append(
            f"{self._orders:,} orders, {rows[0][0]:.0%} of them in the biggest of {self._flags.shops}"
            f" shops: filled in {took:.0f} s, {size / 2**20:,.0f} MiB"
        )

    @contextmanager
    def _other_api(self, kind: str) -> Iterator[Api]:
        port = free_port()
        env = {
            "SHOPSTREAM_KAFKA_BOOTSTRAP": self._system.kafka,
            "SHOPSTREAM_CLICKHOUSE_URL": self._system.engine.url,
            "SHOPSTREAM_JWT_SECRET": self._system.secret,
            "SHOPSTREAM_PORT": str(port),
        }
        command = [sys.executable, "-m", "shopbench.other_api", kind]
        with Child(f"{kind} API", command, self._folder / f"{kind}.log", env) as child:
            child.until(partial(_ready, port), READY_SECONDS, 0.1)
            yield Api(port, child.number, self._token)

    def _same(self, one: Api, other: Api) -> None:
        """Windows and orders agree, on some days."""
        for number in range(0, DAYS, DAYS // 7):
            path = PATHS["daily-sales"](day(number))
            told = [json.loads(_plain(api.line().ask(path))) for api in (one, other)]
            for body in told:
                del body["asOf"]
            if told[0] != told[1] or not told[0]["totalOrders"]:
                raise Failed(f"{path}: the windows say {told[0]}, the orders {told[1]}")

    def _behind(self, api: Api) -> float:
        """Seconds from `asOf` to the instant of asking."""
        asked = datetime.now(UTC)
        body = json.loads(_plain(api.line().ask(PATHS["daily-sales"](asked.date()))))
        return (asked - datetime.fromisoformat(body["asOf"])).total_seconds()

    def _level(self, api: Api) -> None:
        end = time.monotonic() + LEVEL_SECONDS
        while self._behind(api) > 3 and time.monotonic() < end:
            time.sleep(0.5)


def _ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def until_merged(sql: Sql) -> None:
    """No merge runs for two seconds, or the time is up."""
    end, quiet = time.monotonic() + SETTLE_SECONDS, 0
    while quiet < 4 and time.monotonic() < end:
        quiet = 0 if sql.rows("SELECT count() FROM system.merges")[0][0] else quiet + 1
        time.sleep(0.5)


def _plain(body: bytes) -> bytes:
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def main() -> None:
    flags = _flags()
    result = Result("reports", f"{DAYS} days of orders; random days of the biggest shop")
    for orders in flags.orders:
        with tempfile.TemporaryDirectory(prefix="shopbench-") as name, up(Path(name)) as system:
            bench = Bench(flags, orders, system, Path(name))
            bench.run()
        result.rows += _rows(orders, bench.found)
        result.notes += bench.notes
        result.rounds += [
            {"orders": orders, "when": when, **asdict(timing), "api": api, "engine": engine}
            for when, timing, api, engine in bench.found
        ]
    result.notes += [
        f"medians of {flags.rounds} rounds; ms at the client, whole answer read, gzip, one kept connection"
        " with one request at a time; client, API, engine, broker and pipeline share the cores",
        "idle and uncached: an API process that keeps no answers, but what they are made of, as the product does:"
        " a day or month that was asked for before is in memory until the pipeline touches it;"
        " nothing kept: one that has to ask the engine for everything; under ingest: the product as it is",
        "cached: nine questions again and again, uncached: every kind but the years, random days;"
        " one API process, 8 connections",
        f"{FINAL}: the same route, its sums and best products from the latest version of each order,"
        " by the sort key of orders (shop, created_at range); answers compared on some days",
    ]
    publish(result, flags)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/reports", description=__doc__)
    parser.add_argument("--orders", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--ingest", type=float, nargs="*", default=[2000, 5000], help="events/s")
    parser.add_argument("--shops", type=int, default=50)
    parser.add_argument("--batch", type=int, default=100_000, help="orders written at a time")
    parser.add_argument("--requests", type=int, default=500, help="of each kind in each round")
    parser.add_argument("--rounds", type=int, default=3)
    return arguments(parser)


def _rows(orders: int, found: list[tuple[str, Timing, float, float]]) -> list[dict[str, object]]:
    kinds = dict.fromkeys((when, timing.what) for when, timing, _, _ in found)
    return [
        _row(orders, when, [one for one in found if (one[0], one[1].what) == (when, what)])
        for when, what in sorted(kinds, key=lambda kind: (kind[0] != "idle", kind[0]))
    ]


def _row(
    orders: int, when: str, group: list[tuple[str, Timing, float, float]]
) -> dict[str, object]:
    timings = [timing for _, timing, _, _ in group]
    return {
        "what": timings[0].what,
        "orders": orders,
        "ingest": when,
        "p50 ms": median(t.p50 for t in timings),
        "p99 ms": median(t.p99 for t in timings),
        "requests/s": median(t.per_s for t in timings),
        "API CPU ms": median(api for _, _, api, _ in group),
        "engine CPU ms": median(engine for _, _, _, engine in group),
    }


if __name__ == "__main__":
    run(main)
