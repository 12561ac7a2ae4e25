"""Which statements a question sends, against an engine that answers from a table."""

import asyncio
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import numpy as np
import orjson
import pytest
from clickhouse_connect.driver.binding import bind_query
from report_rows import payment_columns, window_rows

from api.freshness.source import Freshness
from api.reports.cache import TOO_BIG_SECONDS, VALUE_SECONDS
from api.reports.days import Bucket, Span
from api.reports.names import ProductNames
from api.reports.reader import Reader
from api.reports.sales_reports import DailySales, Metrics, Trends
from api.reports.statements import Statements
from api.reports.stock import StockPage
from clickhouse.errors import EngineError, EngineUnavailable
from clickhouse.sql import names, uncommented
from shopstream.contracts.notices import (
    FIRST_ORDER,
    KINDS,
    NAMES,
    ON_ORDER,
    PAYMENTS,
    SALES,
    SESSIONS,
)

BIG = "more than are read at once"
STATEMENTS = {uncommented(path): path for path in names("reports")}
COLUMNS = {
    "all_names": ("product_id", "latest", "gone"),
    "all_on_order": ("product_id", "units"),
}
REPORT = DailySales(date(2026, 11, 22))
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MIDNIGHT = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp())


def statement(sql: str) -> str:
    return STATEMENTS[sql].removeprefix("reports/").removesuffix(".sql")


class Engine:
    """`answers` by statement: rows, or a list of rows for one call after the other."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.sent: Counter[str] = Counter()
        self.params: list[tuple[str, dict[str, Any]]] = []

    async def rows(self, sql: str, params: dict[str, Any], _: Any) -> list[dict[str, Any]]:
        name = statement(sql)
        calls = self.answers.get(name, [[]])
        found = calls[min(self.sent[name], len(calls) - 1)]
        self.sent[name] += 1
        self.params.append((name, params))
        await asyncio.sleep(0)
        return found

    async def columns(self, sql: str, _: Any, params: dict[str, Any], more: Any) -> list[Any]:
        """`windows` by the windows that are read at once."""
        if sql in STATEMENTS:
            paid: Any = await self.rows(sql, params, more)
            return payment_columns(paid)
        grains = [params[f"grains{number}"][0] for number in range((len(params) - 1) // 3)]
        self.sent["windows"] += 1
        await asyncio.sleep(0)
        rows: list[Any] = []
        for number, grain in enumerate(grains):
            calls = self.answers.get(grain, [[]])
            rows += calls[min(self.sent[grain], len(calls) - 1)]
            self.sent[grain] += 1
            self.params.append((grain, {**params, "start": params[f"start{number}"]}))
        if BIG in rows:
            raise EngineError(158, "TOO_MANY_ROWS", "too many")
        found = window_rows(rows)
        return [getattr(found, one.name) for one in fields(found)]

    async def content(self, sql: str, form: str, params: dict[str, Any], _: Any) -> bytes:
        rows = await self.rows(sql, params, _)
        assert form == "JSONCompactColumns"
        if BIG in rows:
            raise EngineError(158, "TOO_MANY_ROWS", "too many")
        if statement(sql) == "all_names":
            rows = [in_catalog(row) for row in rows]
        names = COLUMNS[statement(sql)]
        return orjson.dumps([[row[name] for row in rows] for name in names])

    def asked(self, statement: str, param: str) -> list[Any]:
        return [params[param] for name, params in self.params if name == statement]


class Pipeline:
    """Said this; `days` is what it touched of a kind since any version before the present one."""

    def __init__(self, version: int | None = None) -> None:
        self.version = version
        self.days: set[int] | None = set()
        self.kinds: Collection[str] = KINDS

    def freshness(self, _: str) -> Freshness:
        return Freshness(self.version, 1, NOW, heard=True)

    def changed_days(self, _: str, kind: str, version: int) -> set[int] | None:
        return self.days if version != self.version and kind in self.kinds else set()

    def says(self, days: set[int] | None, *kinds: str) -> None:
        self.version, self.days, self.kinds = (self.version or 0) + 1, days, kinds or KINDS


def reader(engine: Engine, version: int | None = None, pipeline: Pipeline | None = None) -> Reader:
    ask = Statements(engine)  # type: ignore[arg-type]
    return Reader(ask, lambda: NOW, pipeline or Pipeline(version))


async def body(there: Reader, report: Any = REPORT, shop: str = "s1") -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((await there.report(shop, report)).value.body)
    return found


def said(zone: str = "UTC", currency: str = "EUR") -> list[dict[str, Any]]:
    return [{"timezone": zone, "currency": currency, "threshold": None, "said": 1}]


def first(currency: str = "EUR") -> list[dict[str, Any]]:
    """A shop that says nothing of itself."""
    return [{"timezone": "", "currency": currency, "threshold": None, "said": 0}]


def sold(*products: str) -> list[dict[str, Any]]:
    return [{"product_id": one, "quantity": 1, "revenue": "1"} for one in products]


def lines(*products: str) -> list[tuple[Any, ...]]:
    """Windows of today: one of each for 1."""
    return [("product_day", MIDNIGHT, "EUR", one, 0, 10_000, 10_000) for one in products]


SOLD = [("sales_15m", MIDNIGHT + 36_000, "EUR", "", 1, 10_000, 10_000)]
"""A window: one order of 1."""


def paid(code: bytes) -> list[tuple[int, bytes, int, int, int]]:
    """A row of payments_15m.sql: one payment of 1."""
    return [(MIDNIGHT + 36_000, code, 1, 10_000, 0)]


def named(product: str, name: str, gone: int = 0) -> dict[str, Any]:
    return {"product_id": product, "name": name, "gone": gone}


def in_catalog(row: dict[str, Any]) -> dict[str, Any]:
    """The same as a row of all_names.sql."""
    return {**row, "latest": [1, 1, 0, row["name"]], "gone": [row["gone"]] * 2}


async def test_a_report_asks_only_for_what_it_needs() -> None:
    engine = Engine(
        profile=[said()],
        sessions=[[{"begin": MIDNIGHT, "sessions": 3}]],
        payments_15m=[paid(b"EUR") + paid(b"eur") + paid(b"usd")],
        parts_15m=[[("parts_15m", MIDNIGHT, code, "tax", 0, 0, 25_000) for code in ("EUR", "USD")]],
    )
    await body(reader(engine), Trends())
    assert engine.sent == Counter(profile=1, windows=1, sales_15m=1)
    engine.sent.clear()
    await body(reader(engine), REPORT)
    assert engine.sent == Counter(profile=1, windows=1, sales_15m=1, top_products=1)
    engine.sent.clear()
    found = await body(reader(engine), Metrics(Span(first=REPORT.day, last=REPORT.day)))
    assert engine.sent == Counter(
        profile=1, windows=1, sales_15m=1, parts_15m=1, top_products=1, sessions=1, payments_15m=1
    )
    assert (found["totalTax"], found["totalTip"]) == (2.5, 0)
    one = {"count": 1, "amount": 1}
    assert found["payments"] == {"received": one, "failed": one, "failureRate": 0.5}
    assert found["sessions"] == 3


async def test_parts_of_totals_are_read_again_only_where_they_changed() -> None:
    zone = "Asia/Kolkata"  # the period begins and ends in the middle of days of UTC
    begin = MIDNIGHT - 2 * 86_400 - 19_800
    days = [begin - begin % 86_400 + number * 86_400 for number in range(4)]
    then = [("parts_15m", day, "EUR", "tax", 0, 0, 10_000 * 2**n) for n, day in enumerate(days)]
    now = [("parts_15m", days[2], "EUR", "tax", 0, 0, 70_000)]
    engine = Engine(profile=[said(zone)], parts_15m=[then, now])
    pipeline = Pipeline(1)
    there = reader(engine, pipeline=pipeline)
    report = Metrics(Span(first=date(2026, 11, 20), last=date(2026, 11, 22)))
    assert (await body(there, report))["totalTax"] == 15
    pipeline.says({days[2] // 86_400}, SALES)
    assert (await body(there, report))["totalTax"] == 18
    assert engine.asked("parts_15m", "start") == [begin, days[2]]
    pipeline.says({days[0] // 86_400 - 1}, SALES)
    assert (await body(there, report))["totalTax"] == 18
    assert engine.sent["parts_15m"] == 2


async def test_parts_of_totals_that_are_far_apart_are_read_apart() -> None:
    engine = Engine(profile=[said()])
    there = reader(engine, version=1)
    for first, last in ((date(2026, 1, 10), date(2026, 11, 20)), (date(2026, 1, 9), REPORT.day)):
        engine.sent.clear()
        engine.params.clear()
        await body(there, Metrics(Span(first=first, last=last)))
    day = MIDNIGHT - 86_400
    assert engine.asked("parts_15m", "start") == [
        int(datetime(2026, 1, 9, tzinfo=UTC).timestamp()),
        day,
    ]


async def test_a_shop_without_currency_is_not_asked_for_what_goes_by_currency() -> None:
    engine = Engine()
    found = await body(reader(engine), Metrics())
    assert engine.sent == Counter(profile=1, windows=1, sales_15m=1, sessions=1)
    assert (found["currency"], found["topProducts"]) == (None, [])


async def test_sums_without_a_currency_are_a_first_order_on_its_way() -> None:
    engine = Engine(profile=[[], said()], sales_15m=[SOLD], top_products=[sold("p1")])
    found = await body(reader(engine, version=1))
    assert (found["currency"], found["totalOrders"], found["otherCurrencies"]) == ("EUR", 1, [])


async def test_a_time_zone_is_asked_for_again_only_after_a_word_that_it_may_be_another() -> None:
    engine = Engine(profile=[said("UTC"), said("Asia/Tokyo")])
    pipeline = Pipeline(1)
    there = reader(engine, pipeline=pipeline)
    found = [(await body(there))["timezone"]]
    for kind in (SALES, NAMES, None):
        pipeline.says(None, *([kind] if kind else []))
        found.append((await body(there))["timezone"])
    assert found == ["UTC", "UTC", "UTC", "Asia/Tokyo"]


async def test_the_currency_of_the_first_order_is_asked_for_again_only_where_it_may_be_another() -> (
    None
):
    engine = Engine(profile=[first("EUR"), first("USD")])
    pipeline = Pipeline(1)
    there = reader(engine, pipeline=pipeline)
    found = [(await body(there))["currency"]]
    for kind in (SALES, FIRST_ORDER):
        pipeline.says(None, kind)
        found.append((await body(there))["currency"])
    assert found == ["EUR", "EUR", "USD"]


async def test_a_shop_without_orders_is_asked_for_after_its_first() -> None:
    engine = Engine(profile=[[], first("EUR")])
    pipeline = Pipeline(1)
    there = reader(engine, pipeline=pipeline)
    found = [(await body(there))["currency"]]
    for kind in (NAMES, FIRST_ORDER):
        pipeline.says(None, kind)
        found.append((await body(there))["currency"])
    assert found == [None, None, "EUR"]


async def test_questions_share_the_profile_and_without_a_pipeline_each_asks_anew() -> None:
    engine = Engine(profile=[said()])
    there = reader(engine, version=1)
    await asyncio.gather(body(there), body(there, Trends()), body(there, shop="s2"))
    assert engine.sent["profile"] == 2
    elsewhere = reader(engine, version=None)
    await body(elsewhere)
    await body(elsewhere)
    assert engine.sent["profile"] == 4


async def test_the_names_of_a_shop_are_read_at_once_and_kept_until_it_is_touched() -> None:
    engine = Engine(
        profile=[said()],
        product_day=[lines("p1", "p2")],
        all_names=[[named("p1", "One")], [named("p1", "Uno")]],
        product_names=[[named("p2", "Two")], [named("p2", "Dos")]],
    )
    pipeline = Pipeline(1)
    there = reader(engine, pipeline=pipeline)
    found = [names_in(await body(there)) for _ in range(2)]
    pipeline.says(None, PAYMENTS, SESSIONS, ON_ORDER)
    found += [names_in(await body(there))]
    pipeline.says(None, NAMES)
    found += [names_in(await body(there)) for _ in range(2)]
    assert found == [["One", "Two"]] * 3 + [["Uno", "Dos"]] * 2
    # a product without a name among those is asked for, once
    assert (engine.sent["all_names"], engine.asked("product_names", "products")) == (
        2,
        [["p2"]] * 2,
    )
    assert engine.sent["product_day"] == 1


async def test_what_products_sold_is_read_again_only_on_days_that_were_touched() -> None:
    day = MIDNIGHT // 86400
    engine = Engine(profile=[said()], product_day=[lines("p1"), lines("p2")])
    pipeline = Pipeline(1)
    there = reader(engine, pipeline=pipeline)
    found = []
    for days in (set(), {day - 1, day + 1}, {day}):
        pipeline.says(days)
        found.append([one["productId"] for one in (await body(there))["topProducts"]])
    assert found == [["p1"], ["p1"], ["p2"]]
    assert (engine.sent["product_day"], engine.sent["top_products"]) == (2, 0)


SALES_OF_DAY = {"windows", "sales_15m", "product_day", "parts_15m"}
SALES_OF_SHOP = SALES_OF_DAY | {"product_units"}


@pytest.mark.parametrize(
    ("kind", "days", "again"),
    [
        (SALES, {0}, SALES_OF_DAY),
        (SALES, {-1}, {"windows", "sales_15m", "product_day"}),  # a month, and what stock sold
        (SALES, {-40}, set()),
        (SALES, None, SALES_OF_SHOP),
        (PAYMENTS, {0}, {"payments_15m"}),
        (PAYMENTS, {-40}, set()),
        (SESSIONS, {0}, {"sessions"}),
        (SESSIONS, {-1}, set()),
        (NAMES, None, {"all_names"}),
        (FIRST_ORDER, None, {"profile"}),
        (ON_ORDER, None, {"all_on_order"}),
        (
            None,
            None,
            SALES_OF_SHOP | {"profile", "payments_15m", "sessions", "all_names", "all_on_order"},
        ),
    ],
)
async def test_each_kind_has_only_that_read_again_that_is_made_of_it(
    kind: str | None, days: set[int] | None, again: set[str]
) -> None:
    engine = Engine(profile=[said()], levels=[[level("p1")]])
    pipeline = Pipeline(1)
    there = reader(engine, pipeline=pipeline)
    report = Metrics(Span(first=REPORT.day, last=REPORT.day))

    async def ask() -> None:
        await body(there, report)
        await there.stock("s1", StockPage())

    await ask()
    engine.sent.clear()
    pipeline.says(
        None if days is None else {MIDNIGHT // 86400 + day for day in days},
        *([kind] if kind else []),
    )
    await ask()
    assert engine.sent.pop("levels") == 1
    assert set(engine.sent) == again


async def test_sales_products_and_parts_of_a_report_are_one_statement() -> None:
    engine = Engine(profile=[said()], sales_15m=[SOLD], product_day=[lines("p1")])
    there = reader(engine, version=1)
    metrics = Metrics(Span(first=REPORT.day, last=REPORT.day))
    found, _ = await asyncio.gather(body(there, metrics), body(there, metrics, shop="s2"))
    assert engine.sent["windows"] == 2  # one a shop
    assert (found["totalRevenue"], found["topProducts"][0]["productId"]) == (1, "p1")
    await body(there, REPORT)
    assert engine.sent["windows"] == 2


async def test_where_products_are_too_much_sales_are_read_without_them_for_a_while() -> None:
    engine = Engine(
        profile=[said()], sales_15m=[SOLD], product_day=[[BIG]], top_products=[sold("p1")]
    )
    pipeline = Pipeline(1)
    there = reader(engine, pipeline=pipeline)
    for statements in (3, 2):
        found = await body(there)
        assert (found["totalOrders"], found["topProducts"][0]["productId"]) == (1, "p1")
        assert engine.sent["windows"] == statements
        engine.sent.clear()
        pipeline.says(None)


async def test_what_products_sold_is_summed_by_the_engine_where_it_is_too_much() -> None:
    engine = Engine(
        profile=[said()], product_day=[[BIG]], top_products=[sold("p1")], levels=[[level("p1")]]
    )
    there = reader(engine, version=1)
    for _ in range(2):
        assert [one["productId"] for one in (await body(there))["topProducts"]] == ["p1"]
        await there.stock("s1", StockPage())
    assert engine.sent["top_products"] == engine.sent["product_units"] == 2
    # the day with the sales, then alone, then the two weeks before it
    assert engine.sent["product_day"] == 4


async def test_stock_is_read_beside_what_is_known_of_all_products() -> None:
    ordered = [[{"product_id": "p1", "units": 7}], [BIG]]
    engine = Engine(
        profile=[said()],
        levels=[[level("p1"), level("p2")]],
        all_on_order=ordered,
        product_day=[lines("p1")],
        on_order=[[{"product_id": "p2", "units": 3}]],
    )
    pipeline = Pipeline(1)
    there = reader(engine, pipeline=pipeline)
    found = []
    for _ in range(2):
        made = await there.stock("s1", StockPage())
        rows = orjson.loads(made.value.body)["levels"]
        found.append([(row["onOrder"], row["dailySales"]) for row in rows])
        pipeline.says(None, ON_ORDER)
    assert [[units for units, _ in rows] for rows in found] == [[7, 0], [0, 3]]
    assert found[0] == [(7, 0.07), (0, 0)]
    assert engine.sent["product_day"] == 2
    assert engine.sent["product_units"] == 0


def names_in(found: dict[str, Any]) -> list[str | None]:
    return [one["name"] for one in found["topProducts"]]


async def test_of_levels_without_a_name_only_those_of_the_catalog_are_named() -> None:
    engine = Engine(
        profile=[said()],
        levels=[[level("p1"), level("p2"), level("p3", named=True)]],
        all_names=[[named("p1", "One")]],
        product_names=[[named("p3", "Three")]],
    )
    made = await reader(engine, version=1).stock("s1", StockPage())
    assert [row["name"] for row in orjson.loads(made.value.body)["levels"]] == [
        "One",
        None,
        "Three",
    ]
    assert engine.asked("product_names", "products") == [["p3"]]


async def test_names_of_a_big_shop_are_remembered_until_it_is_touched() -> None:
    pipeline = Pipeline(7)
    now = 100.0
    engine = Engine(
        all_names=[[BIG]], product_names=[[named("p1", "One")], [named("p2", "Two")], [], []]
    )
    book = ProductNames(Statements(engine), pipeline, lambda: now)  # type: ignore[arg-type]
    assert await book.of("s1", ["p1"], set()) == {"p1": "One"}
    assert await book.of("s1", ["p1", "p2"], set()) == {"p1": "One", "p2": "Two"}
    assert await book.of("s2", ["p1"], set()) == {"p1": None}
    assert engine.asked("product_names", "products") == [["p1"], ["p2"], ["p1"]]
    now += VALUE_SECONDS
    await book.of("s1", ["p1"], set())
    for version in (8, None, None):
        pipeline.says(None, NAMES)
        pipeline.version = version
        await book.of("s1", ["p1"], set())
    assert engine.asked("product_names", "products")[3:] == [["p1"]] * 4
    assert engine.sent["all_names"] == 2  # once for each shop
    now, pipeline.version = now + TOO_BIG_SECONDS, 8
    await book.of("s1", ["p1"], set())
    assert engine.sent["all_names"] == 3


async def test_a_name_that_no_longer_stands_is_looked_for_again() -> None:
    engine = Engine(
        profile=[said()],
        product_day=[lines("p1", "p2")],
        all_names=[[named("p1", "Gone", gone=1), named("p2", "Two")]],
    )
    found = await body(reader(engine, version=1))
    assert [one["name"] for one in found["topProducts"]] == [None, "Two"]
    assert engine.params[-1] == ("product_names_again", {"shop": "s1", "products": ["p1"]})


def level(product: str, location: str = "", named: bool = False) -> dict[str, Any]:
    row = {"sku": None, "quantity": 1, "threshold": 10, "low": 1, "named": named}
    return {"product_id": product, "location_id": location, **row}


async def test_a_page_of_stock_asks_about_its_products_once_each() -> None:
    levels = [level("p1"), level("p1", "b"), level("p2")]
    engine = Engine(profile=[said()], levels=[levels])
    made = await reader(engine).stock("s1", StockPage())
    assert len(orjson.loads(made.value.body)["levels"]) == 3
    for statement in ("product_units", "on_order"):
        assert engine.asked(statement, "products") == [["p1", "p2"]]


@pytest.mark.parametrize("character", ["x", "ä", "😀", "\\", "%", "'", "`", "\t", "\0"])
@pytest.mark.parametrize(("count", "length"), [(1000, 124), (20_000, 1)])
async def test_many_names_of_products_travel_in_portions_that_fit_a_url(
    character: str, count: int, length: int
) -> None:
    engine = Engine()
    products = [f"{number:04}" + character * length for number in range(count)]
    await Statements(engine).on_order("s1", products)  # type: ignore[arg-type]
    sent = engine.asked("on_order", "products")
    assert [one for some in sent for one in some] == products
    assert max(map(bytes_in_url, sent)) <= 61_000


def bytes_in_url(products: list[str]) -> int:
    """As the client of the engine sends them."""
    _, bound = bind_query("SELECT {products:Array(String)}", {"products": products})
    return len(urlencode(bound))


class Deaf:
    """Remembers statements and their parameters, and knows of nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def rows(self, sql: str, params: dict[str, Any], _: Any) -> list[dict[str, Any]]:
        self.asked.append((sql, params))
        return []

    async def columns(self, sql: str, dtypes: Any, params: dict[str, Any], _: Any) -> list[Any]:
        self.asked.append((sql, params))
        return [[] if dtype is None else np.zeros(0, dtype) for dtype in dtypes]

    async def content(self, sql: str, form: str, params: dict[str, Any], _: Any) -> bytes:
        self.asked.append((sql, params))
        return b"[[], [], []]"


async def test_every_parameter_of_a_statement_is_bound_and_no_other() -> None:
    deaf = Deaf()
    ask: Any = Statements(deaf)  # type: ignore[arg-type]
    start, end = datetime(2025, 10, 20, 22, tzinfo=UTC), datetime(2026, 11, 20, 22, tzinfo=UTC)
    await ask.profile("s")
    await ask.windows("s", [Bucket("sales_15m", 0, 900), Bucket("product_day", 0, 86400)])
    await ask.windows("s", [Bucket("parts_15m", 0, 900)])
    await ask.catalog("s")
    await ask.sessions("s", [0, 900])
    await ask.top("s", "EUR", start, end)
    await ask.payments_15m("s", 0, 900)
    for statement in (ask.names, ask.names_again, ask.on_order):
        await statement("s", ["p"])
    await ask.product_units("s", ["p"], start, end)
    await ask.levels("s", StockPage(), 10)
    await ask.levels("s", StockPage(low=True), 10)
    await ask.all_on_order("s")
    # progress.sql is for somebody else
    assert len(deaf.asked) == len(names("reports")) - 1
    for sql, params in deaf.asked:
        assert set(re.findall(r"\{(\w+):", sql)) == params.keys(), sql


class Failing:
    """An engine whose answers are an error, or torn."""

    def __init__(self, error: EngineError | None = None) -> None:
        self.error = error

    async def columns(self, *_: Any) -> list[Any]:
        raise self.error or AssertionError

    async def content(self, *_: Any) -> bytes:
        return b"[[1"


@pytest.mark.parametrize("code", [158, 396])
async def test_a_bound_that_is_not_ours_is_an_error_of_the_engine(code: int) -> None:
    """Such as that of a profile of the engine: only products can be had in another way."""
    ask: Any = Statements(Failing(EngineError(code, "TOO_MANY", "too many")))  # type: ignore[arg-type]
    for window in ("sales_15m", "parts_15m"):
        with pytest.raises(EngineError):
            await ask.windows("s", [Bucket(window, 0, 900)])
    assert await ask.windows("s", [Bucket("product_day", 0, 86400)]) is None


async def test_columns_that_are_torn_are_of_an_engine_that_cannot_be_reached() -> None:
    ask: Any = Statements(Failing())  # type: ignore[arg-type]
    for statement in (ask.catalog, ask.all_on_order):
        with pytest.raises(EngineUnavailable, match="torn"):
            await statement("s")
