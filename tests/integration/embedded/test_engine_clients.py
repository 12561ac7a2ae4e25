import asyncio
import datetime
import decimal

import clickhouse_connect
import pandas
import pyarrow as pa
import pytest
import sqlalchemy
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData
from engine_harness import LOGINS, EngineProcess
from sqlalchemy import MetaData, Table, inspect, select, text

NOON = datetime.datetime(2025, 6, 1, 12, 0, 0, 123456)
ROWS = [
    [1, "one", NOON, decimal.Decimal("1.5000"), ["a", "b"], None],
    [2, "it's \\ two\n", NOON, decimal.Decimal("-2.2500"), [], "text"],
]
COLUMNS = ["id", "name", "at", "price", "tags", "note"]


def connect(engine: EngineProcess, login: str = "app", **more):
    return clickhouse_connect.get_client(**address(engine, login), **more)


def address(engine: EngineProcess, login: str = "app") -> dict:
    password = LOGINS[login]["password"]
    return {"host": "127.0.0.1", "port": engine.port, "username": login, "password": password}


@pytest.fixture
def table(engine: EngineProcess) -> str:
    engine.text(
        "CREATE OR REPLACE TABLE shop.clients (id UInt64, name LowCardinality(String),"
        " at DateTime64(6), price Decimal(18, 4), tags Array(String), note Nullable(String))"
        " ENGINE = MergeTree ORDER BY id"
    )
    return "shop.clients"


@pytest.mark.parametrize("compression", [False, "lz4", "zstd", "gzip"])
def test_connect_writes_and_reads_native(engine: EngineProcess, table: str, compression):
    client = connect(engine, compress=compression)
    assert client.insert(table, ROWS, column_names=COLUMNS).written_rows == 2
    assert [
        list(row) for row in client.query(f"SELECT * FROM {table} ORDER BY id").result_rows
    ] == ROWS
    client.close()


@pytest.mark.parametrize("compression", [False, "lz4", "zstd"])
def test_connect_writes_and_reads_arrow(engine: EngineProcess, table: str, compression):
    client = connect(engine, compress=compression)
    client.insert_arrow(table, pa.table({"id": pa.array([5, 6], pa.uint64()), "name": ["k", "l"]}))
    read = client.query_arrow(f"SELECT id, name::String AS name FROM {table} ORDER BY id")
    assert read.to_pydict() == {"id": [5, 6], "name": ["k", "l"]}
    client.close()


def test_connect_writes_and_reads_frames(engine: EngineProcess, table: str):
    client = connect(engine)
    client.insert_df(table, pandas.DataFrame({"id": [7, 8], "name": ["x", "y"]}))
    frame = client.query_df(f"SELECT id, name FROM {table} ORDER BY id")
    assert frame["id"].tolist() == [7, 8]
    client.close()


def test_connect_binds_parameters_on_both_sides(engine: EngineProcess):
    client = connect(engine)
    server = client.query(
        "SELECT {a:UInt8}, {b:String}, {c:Array(Date)}",
        parameters={"a": 5, "b": "it's \\ \t", "c": [datetime.date(2025, 6, 1)]},
    )
    assert server.result_rows == [(5, "it's \\ \t", [datetime.date(2025, 6, 1)])]
    mine = client.query("SELECT %(a)s, %(b)s", parameters={"a": 5, "b": "it's \\"})
    assert mine.result_rows == [(5, "it's \\")]
    client.close()


def test_connect_streams(engine: EngineProcess):
    client = connect(engine)
    with client.query_rows_stream("SELECT number FROM numbers(500000)") as rows:
        assert sum(row[0] for row in rows) == 124999750000
    with client.query_arrow_stream("SELECT number FROM numbers(200000)") as batches:
        assert sum(batch.num_rows for batch in batches) == 200000
    client.close()


def test_connect_hears_of_an_error_in_mid_stream(engine: EngineProcess):
    client = connect(engine)
    failing = "SELECT throwIf(number = 2500000, 'too far') FROM numbers(3000000)"
    with pytest.raises(DatabaseError, match="too far"):
        client.query(failing)
    assert client.query("SELECT 1").result_rows == [(1,)]
    client.close()


def test_connect_sends_external_data(engine: EngineProcess):
    client = connect(engine)
    data = ExternalData(
        file_name="given.csv", data=b"1,a\n2,b\n", fmt="CSV", structure="n UInt8, s String"
    )
    rows = client.query("SELECT sum(n), max(s) FROM given", external_data=data).result_rows
    assert rows == [(3, "b")]
    client.close()


def test_connect_keeps_a_session(engine: EngineProcess):
    client = connect(engine)
    client.command("CREATE TEMPORARY TABLE mine (a UInt8)")
    client.command("INSERT INTO mine VALUES (1)")
    client.command("SET max_block_size = 321")
    sql = "SELECT a, getSetting('max_block_size') FROM mine"
    assert client.query(sql).result_rows == [(1, 321)]
    assert client.query(sql, settings={"max_block_size": 9}).result_rows == [(1, 9)]
    assert client.query(sql).result_rows == [(1, 321)]
    client.close()


def test_connect_raises_errors_with_their_codes(engine: EngineProcess):
    client = connect(engine)
    with pytest.raises(DatabaseError, match="Code: 60"):
        client.query("SELECT * FROM shop.nope")
    with pytest.raises(DatabaseError, match="Code: 516"):
        clickhouse_connect.get_client(**{**address(engine), "password": "wrong"})
    client.close()


def test_connect_reads_as_a_reader(engine: EngineProcess, table: str):
    client = connect(engine, "bi")
    assert client.query(f"SELECT count() FROM {table}").result_rows == [(0,)]
    with pytest.raises(DatabaseError, match="Code: 164"):
        client.command(f"DROP TABLE {table}")
    client.close()


async def test_connect_does_the_same_asynchronously(engine: EngineProcess, table: str):
    client = await clickhouse_connect.get_async_client(
        **address(engine), autogenerate_session_id=False
    )
    await client.insert(table, ROWS, column_names=COLUMNS)
    results = await asyncio.gather(
        *(client.query(f"SELECT count() + {n} FROM {table}") for n in range(10))
    )
    assert [result.result_rows for result in results] == [[(2 + n,)] for n in range(10)]
    await client.insert_arrow(table, pa.table({"id": pa.array([5], pa.uint64()), "name": ["k"]}))
    arrow = await client.query_arrow(f"SELECT id FROM {table} ORDER BY id")
    assert arrow.to_pydict() == {"id": [1, 2, 5]}
    rows = await client.query_rows_stream("SELECT number FROM numbers(200000)")
    async with rows:
        assert len([row async for row in rows]) == 200000
    with pytest.raises(DatabaseError, match="too far"):
        await client.query("SELECT throwIf(number = 2500000, 'too far') FROM numbers(3000000)")
    await client.close()


def test_sqlalchemy_reflects_and_queries(engine: EngineProcess, table: str):
    user = f"app:{LOGINS['app']['password']}"
    url = f"clickhousedb://{user}@127.0.0.1:{engine.port}/shop"
    bind = sqlalchemy.create_engine(url)
    with bind.begin() as connection:
        connection.execute(text("INSERT INTO clients (id, name) VALUES (1, 'one')"))
        found = inspect(connection)
        assert "shop" in found.get_schema_names()
        assert "clients" in found.get_table_names("shop")
        assert found.has_table("clients", "shop")
        columns = found.get_columns("clients", "shop")
        assert [column["name"] for column in columns] == COLUMNS
        reflected = Table("clients", MetaData(), autoload_with=connection, schema="shop")
        chosen = select(reflected.c.id, reflected.c.name).where(reflected.c.id == 1)
        assert connection.execute(chosen).all() == [(1, "one")]
    bind.dispose()
