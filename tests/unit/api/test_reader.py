"""Which statements a report sends, against an engine that answers from a table."""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import orjson

from shopstream.api.reports.reader import Reports
from shopstream.clickhouse.sql import load

DAY = date(2026, 11, 22)
NAMES = ("shop_currency", "quarters", "top_products_day", "product_names", "product_names_again")
STATEMENTS = {load(f"reports/{name}.sql"): name for name in NAMES}


class Engine:
    """`answers` by statement: rows, or a list of rows for one call after the other."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.sent: Counter[str] = Counter()
        self.params: list[tuple[str, dict[str, Any]]] = []

    async def rows(self, sql: str, params: dict[str, Any], _: Any) -> list[dict[str, Any]]:
        name = STATEMENTS[sql]
        calls = self.answers.get(name, [[]])
        found = calls[min(self.sent[name], len(calls) - 1)]
        self.sent[name] += 1
        self.params.append((name, params))
        return found


def reports(engine: Engine, version: int | None = None) -> Reports:
    return Reports(engine, lambda: datetime(2026, 11, 22, 12, tzinfo=UTC), lambda: version)  # type: ignore[arg-type]


def euro(code: str = "EUR") -> list[dict[str, str]]:
    return [{"currency": code}]


def sold(*products: str) -> list[dict[str, Any]]:
    return [
        {"currency": "EUR", "product_id": one, "quantity": 1, "revenue": "1"} for one in products
    ]


def sums(code: str = "EUR") -> list[dict[str, Any]]:
    begin = int(datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp())
    return [{"begin": begin, "currency": code, "orders": 1, "revenue": "1", "items": 1}]


async def test_products_of_another_currency_are_not_among_the_best() -> None:
    dollars = {"currency": "USD", "product_id": "p2", "quantity": 9, "revenue": "9"}
    engine = Engine(shop_currency=[euro()], top_products_day=[[*sold("p1"), dollars]])
    body = await reports(engine).daily_sales("s1", DAY)
    assert [one["productId"] for one in body["topProducts"]] == ["p1"]


async def test_sums_without_a_currency_are_a_first_order_on_its_way() -> None:
    engine = Engine(shop_currency=[[], euro()], quarters=[sums()], top_products_day=[sold("p1")])
    body = await reports(engine, version=1).daily_sales("s1", DAY)
    assert (body["currency"], body["totalOrders"], body["otherCurrencies"]) == ("EUR", 1, [])


async def test_names_that_were_not_foreseen_are_asked_for_afterwards_and_only_those() -> None:
    engine = Engine(
        shop_currency=[euro()],
        top_products_day=[sold("p1"), sold("p1", "p2")],
        product_names=[
            [{"product_id": "p1", "name": "One", "gone": 0}],
            [{"product_id": "p1", "name": "One", "gone": 0}],
            [{"product_id": "p2", "name": "Two", "gone": 0}],
        ],
    )
    there = reports(engine)
    await there.daily_sales("s1", DAY)
    body = await there.daily_sales("s1", DAY)
    asked = [params["products"] for name, params in engine.params if name == "product_names"]
    assert [list(one) for one in asked] == [["p1"], ["p1"], ["p2"]]
    assert [one["name"] for one in body["topProducts"]] == ["One", "Two"]


async def test_while_nothing_changes_nothing_is_asked_twice() -> None:
    engine = Engine(
        shop_currency=[euro()],
        top_products_day=[sold("p1")],
        product_names=[[{"product_id": "p1", "name": "One", "gone": 0}]],
    )
    there = reports(engine, version=1)
    first = orjson.dumps(await there.daily_sales("s1", DAY))
    before = dict(engine.sent)
    assert orjson.dumps(await there.daily_sales("s1", DAY)) == first
    assert dict(engine.sent) == before
    await there.daily_sales("s1", date(2026, 11, 21))
    assert engine.sent["shop_currency"] == before["shop_currency"]


async def test_another_shop_never_gets_a_kept_answer() -> None:
    engine = Engine(shop_currency=[euro()], quarters=[sums()])
    there = reports(engine, version=1)
    assert [(await there.daily_sales(shop, DAY))["shopId"] for shop in ("s1", "s2")] == ["s1", "s2"]
    assert {params["shop"] for name, params in engine.params if name == "quarters"} == {"s1", "s2"}


async def test_a_name_that_no_longer_stands_is_read_from_the_orders() -> None:
    engine = Engine(
        shop_currency=[euro()],
        top_products_day=[sold("p1", "p2")],
        product_names=[
            [
                {"product_id": "p1", "name": "Gone", "gone": 1},
                {"product_id": "p2", "name": "Two", "gone": 0},
            ]
        ],
    )
    body = await reports(engine).daily_sales("s1", DAY)
    assert [one["name"] for one in body["topProducts"]] == [None, "Two"]
    assert engine.params[-1] == ("product_names_again", {"shop": "s1", "products": ["p1"]})
