"""What BI tools see: the promised columns with comments, by the ways that docs/bi.md shows."""

import clickhouse_connect
import pandas
import pytest
import sqlalchemy
from promised import VIEWS
from warehouse import Warehouse

from support.events import item, level, order, payment, purchase, record, settings

SHOP = "clients-1"


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


def url(warehouse: Warehouse, scheme: str) -> str:
    password = warehouse.passwords["bi"]
    return f"{scheme}://bi:{password}@127.0.0.1:{warehouse.port}/shopstream_bi"


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


def test_clickhouse_connect(sold: Warehouse) -> None:
    client = clickhouse_connect.get_client(dsn=url(sold, "http"))
    rows = client.query(
        "SELECT local_date, revenue, orders FROM daily_sales WHERE shop_id = %(shop)s",
        parameters={"shop": SHOP},
    ).result_rows
    assert [tuple(map(str, row)) for row in rows] == [("2026-11-23", "19.9800", "1")]
    with pytest.raises(clickhouse_connect.driver.exceptions.DatabaseError, match="Code: 164"):
        client.command("DROP VIEW daily_sales")
    client.close()


def test_pandas(sold: Warehouse) -> None:
    client = clickhouse_connect.get_client(dsn=url(sold, "http"))
    frame: pandas.DataFrame = client.query_df(
        f"SELECT name, quantity, threshold, low FROM stock WHERE shop_id = '{SHOP}'"
    )
    assert frame.to_dict("records") == [
        {"name": "Tea", "quantity": 3, "threshold": 10, "low": True}
    ]
    client.close()


@pytest.mark.parametrize("name", VIEWS)
def test_sqlalchemy_reflects_a_view(sold: Warehouse, name: str) -> None:
    bind = sqlalchemy.create_engine(url(sold, "clickhousedb"))
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
