"""Every report at N orders, over HTTP with a token; the daily one beside the same from `orders FINAL`."""

import argparse
import asyncio
import gzip
import json
import random
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from shopbench.fill import BIGGEST, DAYS, Fill, day
from shopbench.output import Result, arguments, median, publish, quantile, run, say
from shopbench.processes import EngineAddress, Failed, cpu
from shopbench.sql import Sql
from shopbench.up import Up, settle, up
from shopstream.api.reports.stock import Place, write_cursor

DATABASE = "shopstream"
LIMIT_SECONDS = 60.0
"""For one measurement, whatever is missing then."""
SETTLE_SECONDS = 60.0
FIRST_ASKED = 60
"""Days before it are for comparison."""
Ask = Callable[[str], Any]
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
_OF_DAY = """
    WHERE counted AND shop_key = reinterpretAsUInt64(substring(SHA256('%(shop)s'), 1, 8)) AND shop_id = '%(shop)s'
        AND created_at >= toDateTime64('%(day)s', 6, 'UTC')
        AND created_at < toDateTime64('%(day)s', 6, 'UTC') + INTERVAL 1 DAY
"""
_HOURS = (
    "SELECT toHour(created_at) AS hour, currency, count(), sum(total - refund),"
    " sum(arraySum(`items.quantity`)) FROM orders FINAL" + _OF_DAY + "GROUP BY hour, currency"
)
_TOP = (
    "SELECT p, sum(q) AS n, sum(q * price) AS revenue FROM orders FINAL"
    " ARRAY JOIN `items.product_id` AS p, `items.quantity` AS q, `items.price` AS price"
    + _OF_DAY
    + "GROUP BY p ORDER BY revenue DESC, p LIMIT 10"
)


@dataclass(frozen=True)
class Timing:
    """Of one round."""

    what: str
    connections: int
    requests: int
    per_s: float
    p50: float | None
    p99: float | None
    most: float | None
    api_ms: float = 0.0
    engine_ms: float = 0.0


def _span(day: date, days: int) -> str:
    return f"startDate={day - timedelta(days=days - 1)}&endDate={day}"


def _place(day: date) -> str:
    return write_cursor(Place(f"product-{day.toordinal() % 1000:03}"))


def load(what: str, make: Callable[[], Ask], connections: int, requests: int, seed: int) -> Timing:
    """`requests` in all, over so many connections, each asking as soon as it has its answer."""
    times: list[float] = []
    faults: list[Exception] = []
    end = time.perf_counter() + LIMIT_SECONDS

    def work(number: int) -> None:
        try:
            ask, draw = make(), random.Random(seed * 1000 + number)
            for _ in range(requests // connections):
                begun = time.perf_counter()
                ask(day(draw.randrange(FIRST_ASKED, DAYS)).isoformat())
                ended = time.perf_counter()
                times.append((ended - begun) * 1000)
                if ended > end:
                    return
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(connections)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECONDS + 30)
    took = time.perf_counter() - begun
    if faults:
        raise Failed(f"{what}: {faults[0]!r}")
    ranks = (quantile(times, 0.5), quantile(times, 0.99), max(times, default=None))
    return Timing(what, connections, len(times), len(times) / took, *ranks)


def _timed(
    system: Up, what: str, make: Callable[[], Ask], connections: int, requests: int, seed: int
) -> Timing:
    """With the CPU that the API and the engine used, milliseconds a request."""
    before = [cpu(system.processes[name]) for name in ("api", "engine")]
    timing = load(what, make, connections, requests, seed)
    after = [cpu(system.processes[name]) for name in ("api", "engine")]
    used = [(b - a) * 1000 / timing.requests for a, b in zip(before, after, strict=True)]
    return replace(timing, api_ms=used[0], engine_ms=used[1])


def http_report(system: Up, token: str, path: Callable[[date], str]) -> Callable[[], Ask]:
    """As a dashboard asks: one kept connection, compressed answers."""

    def make() -> Ask:
        connection = HTTPConnection("127.0.0.1", system.api_port, timeout=30)
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}

        def ask(asked: str) -> bytes:
            connection.request("GET", path(date.fromisoformat(asked)), headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise Failed(f"{answer.status} {body[:300]!r}")
            return body

        return ask

    return make


def from_orders(engine: EngineAddress, statements: tuple[str, ...]) -> Callable[[], Ask]:
    """The same numbers from the latest version of each order, straight from the engine."""

    def make() -> Ask:
        sql = Sql(engine)

        def ask(asked: str) -> list[Any]:
            place = {"shop": BIGGEST, "day": asked}
            return [sql.rows(text % place, database=DATABASE) for text in statements]

        return ask

    return make


def main() -> None:
    flags = _flags()
    result = Result("reports", "")
    with tempfile.TemporaryDirectory(prefix="shopbench-") as name, up(Path(name)) as system:
        took = _fill(flags, system)
        sql = Sql(system.engine)
        _same(system, sql)
        found = _measure(flags, system)
        result.about = (
            f"{flags.orders:,} orders, {_share(sql)} of them in the biggest of {flags.shops} shops,"
            f" {DAYS} days; random days of that shop, median of {flags.rounds} rounds"
        )
    result.rows = _rows(found)
    result.rounds = [asdict(timing) for timing in found]
    result.notes = [
        "ms at the client, answer read; one request at a time on each connection",
        "reports: whole bodies over the API, gzip, of random days; what was asked for lately may come from"
        " the API's memory, as for a dashboard",
        "FINAL: hours and ten products as two statements to the engine, no API: by the sort key"
        " of orders (shop, created_at range)",
        f"filled in {took:.0f} s by the pipeline's own statement into its own views",
    ]
    publish(result, flags)


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/reports", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--shops", type=int, default=50)
    parser.add_argument("--batch", type=int, default=100_000, help="orders written at a time")
    parser.add_argument("--requests", type=int, default=2000, help="of each kind in each round")
    parser.add_argument("--rounds", type=int, default=3)
    return arguments(parser)


def _fill(flags: argparse.Namespace, system: Up) -> float:
    begun = time.monotonic()
    fill = Fill(flags.orders, flags.shops, flags.batch)
    asyncio.run(fill.write(system.engine.url, lambda done: say(f"{done:,} orders are in")))
    took = time.monotonic() - begun
    settle()
    _until_merged(Sql(system.engine))
    return took


def _until_merged(sql: Sql) -> None:
    """No merge runs for two seconds, or the time is up."""
    end, quiet = time.monotonic() + SETTLE_SECONDS, 0
    while quiet < 4 and time.monotonic() < end:
        quiet = 0 if sql.rows("SELECT count() FROM system.merges")[0][0] else quiet + 1
        time.sleep(0.5)


def _same(system: Up, sql: Sql) -> None:
    """The report and the orders agree, on some days."""
    ask = http_report(system, system.token([BIGGEST]), PATHS["daily-sales"])()
    expected = from_orders(system.engine, (_HOURS,))()
    for number in range(0, DAYS, DAYS // 7):
        asked = day(number).isoformat()
        body = ask(asked)
        orders = sum(row[2] for row in expected(asked)[0])
        told = json.loads(_plain(body))["totalOrders"]
        if told != orders:
            raise Failed(f"{asked}: the report says {told} orders, the table has {orders}")


def _plain(body: bytes) -> bytes:
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def _share(sql: Sql) -> str:
    rows = sql.rows(f"SELECT countIf(shop_id = '{BIGGEST}') / count() FROM {DATABASE}.orders")
    return f"{rows[0][0]:.0%}"


def _measure(flags: argparse.Namespace, system: Up) -> list[Timing]:
    token = system.token([BIGGEST])
    kinds = {name: http_report(system, token, path) for name, path in PATHS.items()}
    kinds["SELECT … FROM orders FINAL"] = from_orders(system.engine, (_HOURS, _TOP))
    found = []
    for number in range(flags.rounds):
        names = list(kinds)
        for name in names if number % 2 else reversed(names):
            for connections in (1, 8):
                load(name, kinds[name], connections, max(flags.requests // 10, 8), 999)
                found.append(_timed(system, name, kinds[name], connections, flags.requests, number))
                say(f"round {number + 1}: {found[-1]}")
    return found


def _rows(found: list[Timing]) -> list[dict[str, object]]:
    kinds = sorted({(t.what, t.connections) for t in found}, key=lambda kind: kind[::-1])
    return [_row([t for t in found if (t.what, t.connections) == kind]) for kind in kinds]


def _row(group: list[Timing]) -> dict[str, object]:
    return {
        "what": group[0].what,
        "connections": group[0].connections,
        "p50 ms": median(t.p50 for t in group),
        "p99 ms": median(t.p99 for t in group),
        "max ms": median(t.most for t in group),
        "requests/s": median(t.per_s for t in group),
        "API CPU ms": median(t.api_ms for t in group),
        "engine CPU ms": median(t.engine_ms for t in group),
    }


if __name__ == "__main__":
    run(main)
