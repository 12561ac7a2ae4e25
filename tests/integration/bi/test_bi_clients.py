"""What BI tools see: the promised columns with comments, by the ways that docs/bi.md shows."""

import re
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import clickhouse_connect
import clickhouse_driver
import pyarrow as pa
import pytest
import sqlalchemy
from promised import VIEWS
from warehouse import Warehouse

from support.events import item, level, order, payment, purchase, record, settings

SHOP = "s-17"
PAGE = Path(__file__).parents[3] / "docs" / "bi.md"


@pytest.fixture(scope="module")
def sold(warehouse: Warehouse) -> Warehouse:
    warehouse.feed(
        [
            record(settings(SHOP, "Asia/Kathmandu")),
            record(
                order(
                    SHOP,
                    "o-1",
                    created="2026-11-22T18:30:00.000000Z",
                    items=[item("p-1", 2, "9.99", name="Tea")],
                )
            ),
            record(level(SHOP, "p-1", 3)),
            record(payment(SHOP, "pay-1")),
            record(purchase(SHOP, "buy-1")),
        ]
    )
    return warehouse


def shown(warehouse: Warehouse, title: str) -> dict[str, Any]:
    """Runs the Python of the page below a paragraph that begins so; its variables."""
    code = re.search(rf"^{title}[^\n]*\n\n```python\n(.*?)```", PAGE.read_text(), re.M | re.S)
    assert code is not None
    engine = warehouse.engine
    found: dict[str, Any] = {
        "bi": engine.url("bi"),
        "native": engine.url("bi", "clickhouse", engine.native_port) + "/shopstream_bi",
        "clickhouse_connect": clickhouse_connect,
        "clickhouse_driver": clickhouse_driver,
        "sqlalchemy": sqlalchemy,
    }
    exec(code[1], found)
    return found


def test_there_are_the_promised_views_and_no_others(warehouse: Warehouse) -> None:
    asked = "SELECT name FROM system.tables WHERE database = 'shopstream_bi' ORDER BY name"
    assert [name for (name,) in warehouse.bi.rows(asked)] == sorted(VIEWS)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_the_promised_columns_and_types(warehouse: Warehouse, name: str) -> None:
    found = warehouse.bi.rows(f"DESCRIBE TABLE shopstream_bi.{name}")
    assert {row[0]: row[1] for row in found} == VIEWS[name]
    assert [row[0] for row in found] == list(VIEWS[name])


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_and_each_of_its_columns_has_a_comment(warehouse: Warehouse, name: str) -> None:
    about = f"database = 'shopstream_bi' AND {{}} = '{name}'"
    tables = warehouse.bi.rows(f"SELECT comment FROM system.tables WHERE {about.format('name')}")
    columns = warehouse.bi.rows(
        f"SELECT name, comment FROM system.columns WHERE {about.format('table')}"
    )
    assert len(tables[0][0]) > 20
    assert [name for name, comment in columns if len(comment) < 5] == []


def test_the_page_reads_with_clickhouse_connect(sold: Warehouse) -> None:
    found = shown(sold, "clickhouse-connect:")
    assert found["rows"] == [(date(2026, 11, 23), Decimal("19.9800"), 1)]
    with pytest.raises(clickhouse_connect.driver.exceptions.DatabaseError, match="Code: 497"):
        found["client"].command("DROP VIEW daily_sales")
    found["client"].close()


def test_the_page_reads_with_pandas(sold: Warehouse) -> None:
    found = shown(sold, "pandas:")
    assert found["frame"].to_dict("records") == [
        {"name": "Tea", "quantity": 3, "threshold": 10, "low": True}
    ]
    found["client"].close()


def test_the_page_reads_with_sqlalchemy(sold: Warehouse) -> None:
    found = shown(sold, "SQLAlchemy")
    sums = (Decimal("19.9800"), 1, 2)
    assert [tuple(row)[:6] for row in found["rows"]] == [(SHOP, date(2026, 11, 23), "EUR", *sums)]
    found["engine"].dispose()


def test_the_page_reads_with_clickhouse_driver(sold: Warehouse) -> None:
    found = shown(sold, "clickhouse-driver")
    assert found["rows"] == [(date(2026, 11, 23), Decimal("19.9800"), 1)]
    found["client"].disconnect()


def test_arrow(sold: Warehouse) -> None:
    client = clickhouse_connect.get_client(dsn=sold.engine.url("bi"))
    table = client.query_arrow(
        "SELECT revenue, orders FROM daily_sales WHERE shop_id = {shop:String}",
        parameters={"shop": SHOP},
    )
    assert table.schema.field("revenue").type == pa.decimal128(38, 4)
    assert table.to_pylist() == [{"revenue": Decimal("19.9800"), "orders": 1}]
    client.close()


async def test_an_asynchronous_client_reads_a_view(sold: Warehouse) -> None:
    client = await clickhouse_connect.get_async_client(dsn=sold.engine.url("bi"))
    asked = "SELECT local_date, revenue FROM daily_sales WHERE shop_id = {shop:String}"
    found = await client.query(asked, parameters={"shop": SHOP})
    assert found.result_rows == [(date(2026, 11, 23), Decimal("19.9800"))]
    await client.close()


def test_curl(sold: Warehouse) -> None:
    login = f"bi:{sold.engine.passwords['bi']}"
    query = "SELECT revenue FROM daily_sales WHERE shop_id = {shop:String} FORMAT TSV"
    url = f"http://127.0.0.1:{sold.engine.port}/?param_shop={SHOP}"
    ran = subprocess.run(
        ["curl", "--silent", "--fail", "--user", login, "--data-binary", query, url],
        capture_output=True,
        timeout=20,
    )
    assert (ran.returncode, ran.stdout) == (0, b"19.98\n")


@pytest.mark.parametrize("name", VIEWS)
def test_sqlalchemy_reflects_a_view(sold: Warehouse, name: str) -> None:
    bind = sqlalchemy.create_engine(sold.engine.url("bi", "clickhousedb") + "/shopstream_bi")
    found = sqlalchemy.inspect(bind)
    assert name in {*found.get_table_names("shopstream_bi"), *found.get_view_names("shopstream_bi")}
    view = sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=bind, schema="shopstream_bi")
    assert [column.name for column in view.columns] == list(VIEWS[name])
    with bind.connect() as connection:
        asked = sqlalchemy.select(sqlalchemy.func.count()).select_from(view)
        assert connection.execute(asked.where(view.c.shop_id == "nobody")).scalar() == 0
    bind.dispose()


def test_a_condition_on_the_shop_reads_the_granules_of_that_shop(sold: Warehouse) -> None:
    """However the sort key spells the shop; `local_date` chooses partitions."""
    for name in ("orders", "order_items", "payments", "purchases"):
        plan = sold.sql.text(
            f"EXPLAIN indexes = 1 SELECT count() FROM shopstream_bi.{name} WHERE shop_id = '{SHOP}'"
        ).decode()
        assert "SHA256(shop_id)" in plan.replace("\\", ""), name
    plan = sold.sql.text(
        "EXPLAIN indexes = 1 SELECT count() FROM shopstream_bi.orders WHERE local_date = '2026-11-23'"
    ).decode()
    assert plan.count("toDate(created_at)") >= 3
