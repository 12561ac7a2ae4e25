"""Those that are compared: how each is set up and started, how far it is, and where its numbers are."""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from clickhouse.client import Address
from clickhouse.migrations import migrate_engine
from local.probes import free_port
from shopbench.processes import START_SECONDS, Child, EngineAddress
from shopbench.rivals import progress
from shopbench.sql import Sql

GROUP = "shopstream"
POLL_SECONDS = 0.1
ASSIGNED_SECONDS = 0.005
_RECORDS = "shopstream_records_total{"
RIVALS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Site:
    """Where a candidate works."""

    folder: Path
    bootstrap: str
    engine: EngineAddress
    group: str


@dataclass(frozen=True)
class Queries:
    """`days` and `products` give the whole state; `day` and `top` one shop-day, for %(shop)s, %(day)s."""

    days: str
    products: str
    day: str
    top: str


@dataclass(frozen=True)
class Candidate:
    """`start` gives the process and a function that says how many events are in (None: not begun)."""

    name: str
    group: Callable[[str], str]
    prepare: Callable[[Site], None]
    start: Callable[[Site], tuple[Child, Callable[[], int | None]]]
    queries: Queries


@dataclass(frozen=True)
class Pace:
    """Of a catch-up: seconds from the partitions to the last event and from the start of the process, and
    microseconds of CPU an event by process: the candidate, then those given."""

    seconds: float
    whole: float
    micros: list[float]


def catch_up(
    candidate: Candidate, site: Site, events: int, limit: float, *beside: Child | None
) -> Pace:
    """Starts a candidate that is prepared, and waits until all events are in."""
    begun = time.perf_counter()
    client, progress = candidate.start(site)

    def used() -> list[float]:
        return [child.cpu() if child else 0.0 for child in (client, *beside)]

    with client:
        client.until(lambda: progress() is not None, START_SECONDS, ASSIGNED_SECONDS)
        assigned, before = time.perf_counter(), used()
        client.until(lambda: (progress() or 0) >= events, limit, POLL_SECONDS)
        ended, after = time.perf_counter(), used()
    micros = [(b - a) * 1e6 / events for a, b in zip(before, after, strict=True)]
    return Pace(ended - assigned, ended - begun, micros)


def _prepare_ours(site: Site) -> None:
    asyncio.run(migrate_engine(Address.parse(site.engine.url)))


def _start_ours(site: Site) -> tuple[Child, Callable[[], int | None]]:
    port = free_port()
    env = {
        "SHOPSTREAM_KAFKA_BOOTSTRAP": site.bootstrap,
        "SHOPSTREAM_CLICKHOUSE_URL": site.engine.url,
        "SHOPSTREAM_METRICS_PORT": str(port),
    }
    command = [sys.executable, "-m", "shopstream", "pipeline"]
    return Child("pipeline", command, site.folder / "client.log", env), _Ours(
        port, Sql(site.engine)
    )


class _Ours:
    """Begun when it has claimed its partitions in the engine; then its own counter says how far it is."""

    def __init__(self, port: int, sql: Sql) -> None:
        self._port = port
        self._sql = sql
        self._begun = False

    def __call__(self) -> int | None:
        if not self._begun:
            self._begun = bool(self._sql.rows("SELECT count() FROM shopstream.owners")[0][0])
            return 0 if self._begun else None
        try:
            return self._records()
        except (OSError, HTTPException):
            return 0

    def _records(self) -> int:
        counters = (line.rsplit(" ", 1) for line in self._metrics().splitlines())
        return int(sum(float(n) for name, n in counters if name.startswith(_RECORDS)))

    def _metrics(self) -> str:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        finally:
            connection.close()


def _rival(tables: tuple[str, ...], command: list[str]) -> tuple[Callable, Callable]:
    def prepare(site: Site) -> None:
        sql = Sql(site.engine)
        sql.text("CREATE DATABASE bench ENGINE = Atomic")
        for table in tables:
            sql.text(table, database="bench")

    def start(site: Site) -> tuple[Child, Callable[[], int | None]]:
        path = site.folder / "progress"
        env: Mapping[str, str] = {
            "PYTHONPATH": str(RIVALS),
            "BENCH_KAFKA": site.bootstrap,
            "BENCH_GROUP": site.group,
            "BENCH_CLICKHOUSE": f"{site.engine.url}/bench",
            "BENCH_FOLDER": str(site.folder),
            progress.VARIABLE: str(path),
        }
        child = Child("rival", [sys.executable, "-m", *command], site.folder / "client.log", env)
        return child, lambda: progress.read(path)

    return prepare, start


_OUR_QUERIES = Queries(
    days="SELECT shop_id, toString(toDate(start)) AS day, sum(s.orders) AS n,"
    " toInt64(sum(s.revenue) * 100) AS c, toInt64(sum(s.quantity)) AS i"
    " FROM shopstream.order_windows AS s WHERE grain = 'sales_15m' GROUP BY shop_id, day"
    " HAVING n != 0 OR c != 0 OR i != 0",
    products="SELECT shop_id, toString(toDate(start)) AS day, product_id, toInt64(sum(s.quantity)) AS q,"
    " toInt64(sum(s.revenue) * 100) AS c, 0 FROM shopstream.order_windows AS s"
    " WHERE grain = 'product_day' GROUP BY shop_id, day, product_id HAVING q != 0 OR c != 0",
    day="SELECT sum(orders), sum(revenue), sum(quantity) FROM shopstream.order_windows"
    " WHERE grain = 'sales_15m' AND shop_id = '%(shop)s' AND start >= toDateTime('%(day)s', 'UTC')"
    " AND start < toDateTime('%(day)s', 'UTC') + INTERVAL 1 DAY AND currency = 'EUR'",
    top="SELECT product_id, sum(quantity), sum(s.revenue) AS c FROM shopstream.order_windows AS s"
    " WHERE grain = 'product_day' AND shop_id = '%(shop)s' AND start = toDateTime('%(day)s', 'UTC')"
    " AND currency = 'EUR'"
    " GROUP BY product_id ORDER BY c DESC, product_id LIMIT 10",
)
_FAUST_QUERIES = Queries(
    days="SELECT shop_id, toString(day), sum(orders), sum(cents), sum(items)"
    " FROM bench.sales_day GROUP BY shop_id, day",
    products="SELECT shop_id, toString(day), product, sum(quantity), sum(cents), 0"
    " FROM bench.product_day GROUP BY shop_id, day, product",
    day="SELECT sum(orders), sum(cents), sum(items) FROM bench.sales_day"
    " WHERE shop_id = '%(shop)s' AND day = '%(day)s'",
    top="SELECT product, sum(quantity), sum(s.cents) AS c FROM bench.product_day AS s"
    " WHERE shop_id = '%(shop)s' AND day = '%(day)s' GROUP BY product"
    " ORDER BY c DESC, product LIMIT 10",
)
_OF_DAY = (
    " FROM bench.orders FINAL {join} WHERE counted AND shop_id = '%(shop)s'"
    " AND created_at >= toDateTime64('%(day)s', 6, 'UTC')"
    " AND created_at < toDateTime64('%(day)s', 6, 'UTC') + INTERVAL 1 DAY"
)
_JOIN = "ARRAY JOIN `items.product` AS product, `items.quantity` AS q, `items.cents` AS c"
_RAW_QUERIES = Queries(
    days="SELECT shop_id, toString(toDate(created_at)) AS day, count(), sum(cents), sum(quantity)"
    " FROM bench.orders FINAL WHERE counted GROUP BY shop_id, day",
    products="SELECT shop_id, toString(toDate(created_at)) AS day, product, sum(q), sum(c), 0"
    f" FROM bench.orders FINAL {_JOIN} WHERE counted GROUP BY shop_id, day, product",
    day="SELECT count(), sum(cents), sum(quantity)" + _OF_DAY.format(join=""),
    top="SELECT product, sum(q), sum(c) AS cents"
    + _OF_DAY.format(join=_JOIN)
    + " GROUP BY product ORDER BY cents DESC, product LIMIT 10",
)


def candidates() -> dict[str, Candidate]:
    """By the name that `--only` takes."""
    from shopbench.rivals import plain_faust, raw_loop

    faust = _rival(
        plain_faust.TABLES,
        ["shopbench.rivals.plain_faust", "worker", "-l", "warn", "--without-web"],
    )
    raw = _rival(raw_loop.TABLES, ["shopbench.rivals.raw_loop"])
    return {
        "shopstream": Candidate(
            "shopstream", lambda _: GROUP, _prepare_ours, _start_ours, _OUR_QUERIES
        ),
        "faust": Candidate(
            "plain Faust take() + views", lambda run: f"faust-{run}", *faust, _FAUST_QUERIES
        ),
        "raw": Candidate("raw inserts + FINAL", lambda run: f"raw-{run}", *raw, _RAW_QUERIES),
    }
