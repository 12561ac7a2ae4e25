"""Logins of one shop (`shopstream up --bi-shop`): its rows in every view, whatever the statement, and nothing below.

First of its folder: each of its many statements reads a whole view, which is of few rows as yet.
"""

import json
from typing import Any

import clickhouse_driver
import pytest
from promised import VIEWS
from refusal import NO_GRANT, code
from warehouse import SHOPS, Warehouse

from support.events import (
    item,
    level,
    order,
    payment,
    purchase,
    record,
    settings,
    supplier,
)
from support.sql import Sql

LOGINS = {"bi_1": SHOPS[0], "bi_2": SHOPS[1]}
OTHER = "of-nobody"
KNOWN = {*SHOPS, OTHER}


def said(shop: str) -> dict[str, Any]:
    return {"statusMap": {f"as {shop} says": "paid"}, "countedStatuses": ["paid"]}


@pytest.fixture(scope="module")
def three(warehouse: Warehouse) -> Warehouse:
    """Two shops with logins and one without, each in every view."""
    for shop in (*SHOPS, OTHER):
        warehouse.feed(
            [
                record(settings(shop, "Asia/Kathmandu", **said(shop))),
                record(supplier(shop, "sup-1")),
                record(order(shop, "o-9", items=[item("p-1", 2, "9.99", name="Tea")])),
                *(record(level(shop, "p-1", q, version=n)) for n, q in enumerate((20, 3))),
                record(payment(shop, "pay-9")),
                record(purchase(shop, "buy-9")),
            ]
        )
    return warehouse


def shops(sql: Sql, source: str, rest: str = "") -> set[str]:
    return {row[0] for row in sql.rows(f"SELECT DISTINCT shop_id FROM {source} {rest}")}


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_shows_the_rows_of_the_shop(three: Warehouse, login: str, name: str) -> None:
    view, sql = f"shopstream_bi.{name}", three.engine.sql(login)
    assert shops(three.bi, view) >= KNOWN
    assert shops(sql, view) == {LOGINS[login]}
    one = {"param_shop": LOGINS[login]}
    asked = f"SELECT count() AS n FROM {view}"
    mine = three.bi.as_dicts(f"{asked} WHERE shop_id = {{shop:String}}", one)
    assert sql.as_dicts(asked, {}) == mine != [{"n": "0"}]


@pytest.mark.parametrize("login", LOGINS)
def test_the_words_and_choices_of_a_shop_are_its_own(three: Warehouse, login: str) -> None:
    rows = three.engine.sql(login).rows(
        "SELECT status_map, counted_statuses FROM shopstream_bi.shops"
    )
    words = said(LOGINS[login])["statusMap"]
    assert [(json.loads(row[0]), row[1]) for row in rows] == [(words, "paid")]


def test_the_native_protocol_shows_no_more(three: Warehouse) -> None:
    engine = three.engine
    for login, shop in LOGINS.items():
        client = clickhouse_driver.Client.from_url(
            engine.url(login, "clickhouse", engine.native_port)
        )
        for name in VIEWS:
            assert client.execute(f"SELECT DISTINCT shop_id FROM {name}") == [(shop,)]
        client.disconnect()


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize(
    "rest",
    [
        "WHERE 1",
        f"WHERE shop_id != '{SHOPS[0]}'",
        f"WHERE shop_id = '{OTHER}'",
        f"WHERE shop_id = '{SHOPS[0]}' OR shop_id = '{OTHER}' OR 1",
        f"WHERE shop_id IN (SELECT '{OTHER}')",
        "SETTINGS final = 1, join_use_nulls = 1, group_by_use_nulls = 1",
        "SETTINGS optimize_move_to_prewhere = 0, query_plan_enable_optimizations = 0",
        "SETTINGS query_plan_filter_push_down = 0",
        "SETTINGS use_query_cache = 1",
        "SETTINGS additional_table_filters = {'shopstream_bi.{name}': '1'}",
        "SETTINGS additional_result_filter = '1'",
        "ORDER BY shop_id LIMIT 1 BY shop_id SETTINGS max_threads = 1",
    ],
)
def test_no_condition_or_setting_shows_more(three: Warehouse, name: str, rest: str) -> None:
    found = shops(three.engine.sql("bi_1"), f"shopstream_bi.{name}", rest.replace("{name}", name))
    assert found <= {SHOPS[0]}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT DISTINCT a.shop_id FROM shopstream_bi.orders AS a RIGHT JOIN shopstream_bi.shops AS b ON 1 = 1",
        "SELECT DISTINCT b.shop_id FROM shopstream_bi.orders AS a CROSS JOIN shopstream_bi.shops AS b",
        "SELECT DISTINCT b.shop_id FROM shopstream_bi.orders AS a FULL JOIN shopstream_bi.shops AS b USING shop_id",
        "SELECT shop_id FROM (SELECT * FROM shopstream_bi.shops)",
        "WITH c AS (SELECT shop_id FROM shopstream_bi.shops) SELECT * FROM c",
        "SELECT arrayJoin((SELECT groupUniqArray(shop_id) FROM shopstream_bi.shops))",
        "SELECT DISTINCT shop_id FROM merge('shopstream_bi', '.*')",
        "SELECT DISTINCT shop_id FROM merge(REGEXP('shopstream.*'), '.*')",
        "SELECT shop_id FROM view(SELECT * FROM shopstream_bi.shops)",
        "SELECT shop_id FROM viewIfPermitted(SELECT shop_id::String AS shop_id FROM shopstream.shops"
        " ELSE null('shop_id String'))",
        "SELECT shop_id FROM shopstream_bi.shops UNION ALL SELECT shop_id FROM shopstream_bi.orders",
        f"SELECT x FROM (SELECT throwIf(shop_id != '{SHOPS[0]}') AS t, shop_id AS x FROM shopstream_bi.shops)",
        f"SELECT DISTINCT shop_id FROM shopstream_bi.daily_sales WHERE throwIf(shop_id != '{SHOPS[0]}') = 0",
        f"SELECT DISTINCT shop_id FROM shopstream_bi.orders WHERE throwIf(shop_id != '{SHOPS[0]}') = 0",
    ],
)
def test_no_way_around_a_view_shows_more(three: Warehouse, statement: str) -> None:
    rows = three.engine.sql("bi_1").rows(statement)
    assert {row[0] for row in rows} - {"", None} <= {SHOPS[0]}


@pytest.mark.parametrize("login", LOGINS)
def test_it_has_no_right_on_what_is_below(three: Warehouse, login: str) -> None:
    sql = three.engine.sql(login)
    for table in ("orders", "order_windows", "shops", "zone_offsets", "present_names"):
        assert code(sql, f"SELECT * FROM shopstream.{table}") == NO_GRANT
    for statement in (
        "SELECT * FROM system.users",
        "SELECT * FROM system.row_policies",
        "SELECT * FROM system.processes",
        "SELECT * FROM system.query_cache",
        "SELECT * FROM remote('127.0.0.1', 'shopstream_bi.orders')",
        "CREATE ROW POLICY all ON shopstream_bi.shops USING 1 TO ALL",
        "EXECUTE AS bi SELECT * FROM shopstream_bi.shops",
    ):
        assert code(sql, statement) != 0, statement


def test_tables_of_the_system_name_no_other_shop(three: Warehouse) -> None:
    sql = three.engine.sql("bi_1")
    readable = 0
    names = three.sql.rows("SELECT name FROM system.tables WHERE database = 'system'")
    for (name,) in names:
        where = " LIMIT 1000" if name.startswith(("numbers", "zeros", "primes")) else ""
        if code(sql, f"SELECT * FROM system.{name} LIMIT 0") == 0:
            readable += 1
            assert OTHER not in json.dumps(sql.rows(f"SELECT * FROM system.{name}{where}")), name
    assert readable > 5


def test_what_a_login_may_read_says_nothing_of_other_shops(three: Warehouse) -> None:
    said = three.engine.sql("bi_1").text("SHOW GRANTS FORMAT TSVRaw").decode()
    assert said == "GRANT SELECT ON shopstream_bi.* TO bi_1\n"
