"""Clients that people use, on both protocols, as the login that may do everything."""

import asyncio
import subprocess
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import clickhouse_connect
import pandas
import pyarrow as pa
import pytest
import sqlalchemy
from asking import ask, native
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_driver.errors import ServerException
from sqlalchemy import MetaData, Table, inspect, select, text

from support.engine import ClickHouseServer

NOON = datetime(2025, 6, 1, 12, 0, 0, 123456)
ROWS = [
    [1, "one", NOON, Decimal("1.5000"), ["a", "b"], None],
    [2, "it's \\ two\n", NOON, Decimal("-2.2500"), [], "text"],
]
COLUMNS = ["id", "name", "at", "price", "tags", "note"]
TOO_FAR = "SELECT throwIf(number = 2500000, 'too far') FROM numbers(3000000)"


def connect(engine: ClickHouseServer, **more: Any) -> Any:
    return clickhouse_connect.get_client(dsn=engine.url(), **more)


@pytest.fixture
def client(engine: ClickHouseServer) -> Iterator[Any]:
    client = connect(engine)
    yield client
    client.close()


@pytest.fixture
def table(engine: ClickHouseServer) -> str:
    made = ask(
        engine,
        "app",
        "CREATE OR REPLACE TABLE shop.clients (id UInt64, name LowCardinality(String), at DateTime64(6),"
        " price Decimal(18, 4), tags Array(String), note Nullable(String)) ENGINE = MergeTree ORDER BY id",
    )
    assert made.status == 200
    return "shop.clients"


@pytest.mark.parametrize("compression", [False, "lz4", "zstd", "gzip"])
def test_connect_writes_and_reads(
    engine: ClickHouseServer, table: str, compression: bool | str
) -> None:
    client = connect(engine, compress=compression)
    assert client.insert(table, ROWS, column_names=COLUMNS).written_rows == 2
    found = client.query(f"SELECT * FROM {table} ORDER BY id").result_rows
    assert [list(row) for row in found] == ROWS
    client.insert_arrow(table, pa.table({"id": pa.array([5], pa.uint64()), "name": ["k"]}))
    read = client.query_arrow(f"SELECT id, name::String AS name FROM {table} ORDER BY id")
    assert read.to_pydict() == {"id": [1, 2, 5], "name": ["one", "it's \\ two\n", "k"]}
    client.close()


def test_connect_writes_and_reads_frames(client: Any, table: str) -> None:
    client.insert_df(table, pandas.DataFrame({"id": [7, 8], "name": ["x", "y"]}))
    frame = client.query_df(f"SELECT id, name FROM {table} ORDER BY id")
    assert (frame["id"].tolist(), frame["name"].tolist()) == ([7, 8], ["x", "y"])


def test_connect_binds_parameters_on_both_sides(client: Any) -> None:
    server = client.query(
        "SELECT {a:UInt8}, {b:String}, {c:Array(Date)}",
        parameters={"a": 5, "b": "it's \\ \t", "c": [date(2025, 6, 1)]},
    )
    assert server.result_rows == [(5, "it's \\ \t", [date(2025, 6, 1)])]
    mine = client.query("SELECT %(a)s, %(b)s", parameters={"a": 5, "b": "it's \\"})
    assert mine.result_rows == [(5, "it's \\")]


def test_connect_streams(client: Any) -> None:
    with client.query_rows_stream("SELECT number FROM numbers(200000)") as rows:
        assert sum(row[0] for row in rows) == 19999900000
    with client.query_arrow_stream("SELECT number FROM numbers(200000)") as batches:
        assert sum(batch.num_rows for batch in batches) == 200000


def test_connect_learns_of_an_error_in_mid_stream(client: Any) -> None:
    with pytest.raises(DatabaseError, match="too far"):
        client.query(TOO_FAR)
    assert client.query("SELECT 1").result_rows == [(1,)]


def test_connect_sends_external_data(client: Any) -> None:
    data = ExternalData(
        file_name="given.csv", data=b"1,a\n2,b\n", fmt="CSV", structure="n UInt8, s String"
    )
    found = client.query("SELECT sum(n), max(s) FROM given", external_data=data)
    assert found.result_rows == [(3, "b")]


def test_connect_keeps_a_session(client: Any) -> None:
    client.command("CREATE TEMPORARY TABLE mine (a UInt8)")
    client.command("INSERT INTO mine VALUES (1)")
    client.command("SET max_block_size = 321")
    sql = "SELECT a, getSetting('max_block_size') FROM mine"
    assert client.query(sql).result_rows == [(1, 321)]
    assert client.query(sql, settings={"max_block_size": 9}).result_rows == [(1, 9)]
    assert client.query(sql).result_rows == [(1, 321)]


def test_connect_raises_errors_with_their_codes(engine: ClickHouseServer, client: Any) -> None:
    with pytest.raises(DatabaseError, match="Code: 60"):
        client.query("SELECT * FROM shop.nope")
    with pytest.raises(DatabaseError, match="Code: 516"):
        clickhouse_connect.get_client(host="127.0.0.1", port=engine.port, user="app", password="x")


async def test_connect_does_the_same_asynchronously(engine: ClickHouseServer, table: str) -> None:
    client = await clickhouse_connect.get_async_client(
        dsn=engine.url(), autogenerate_session_id=False
    )
    await client.insert(table, ROWS, column_names=COLUMNS)
    results = await asyncio.gather(
        *(client.query(f"SELECT count() + {n} FROM {table}") for n in range(10))
    )
    assert [result.result_rows for result in results] == [[(2 + n,)] for n in range(10)]
    async with await client.query_rows_stream("SELECT number FROM numbers(200000)") as rows:
        assert sum([row[0] async for row in rows]) == 19999900000
    with pytest.raises(DatabaseError, match="too far"):
        await client.query(TOO_FAR)
    await client.close()


def test_sqlalchemy_reflects_and_queries(engine: ClickHouseServer, table: str) -> None:
    bind = sqlalchemy.create_engine(engine.url(scheme="clickhousedb") + "/shop")
    with bind.begin() as connection:
        connection.execute(text("INSERT INTO clients (id, name) VALUES (1, 'one')"))
        found = inspect(connection)
        assert "shop" in found.get_schema_names()
        assert "clients" in found.get_table_names("shop")
        assert [column["name"] for column in found.get_columns("clients", "shop")] == COLUMNS
        reflected = Table("clients", MetaData(), autoload_with=connection, schema="shop")
        chosen = select(reflected.c.id, reflected.c.name).where(reflected.c.id == 1)
        assert connection.execute(chosen).all() == [(1, "one")]
    bind.dispose()


@pytest.mark.parametrize("compression", [False, "lz4"])
def test_driver_writes_and_reads(
    engine: ClickHouseServer, table: str, compression: bool | str
) -> None:
    with native(engine, "app", compression=compression) as client:
        assert client.execute(f"INSERT INTO {table} VALUES", ROWS) == 2
        found = client.execute(f"SELECT * FROM {table} ORDER BY id")
        assert [list(row) for row in found] == ROWS


def test_driver_binds_parameters(engine: ClickHouseServer) -> None:
    params = {"a": 5, "b": "it's \\ \t", "c": [date(2025, 6, 1)]}
    with native(engine, "app") as client:
        assert client.execute("SELECT %(a)s, %(b)s", params) == [(5, "it's \\ \t")]
    with native(engine, "app", settings={"server_side_params": True}) as client:
        assert client.execute("SELECT {a:UInt8}, {b:String}", {"a": 5, "b": "it's"}) == [
            (5, "it's")
        ]


def test_driver_sends_external_tables(engine: ClickHouseServer) -> None:
    given = {
        "name": "given",
        "structure": [("n", "Int32"), ("s", "String")],
        "data": [{"n": 1, "s": "a"}, {"n": 2, "s": "b"}],
    }
    with native(engine, "app") as client:
        found = client.execute("SELECT sum(n), max(s) FROM given", external_tables=[given])
    assert found == [(3, "b")]


def test_driver_shows_progress_and_streams(engine: ClickHouseServer) -> None:
    with native(engine, "app") as client:
        progress = client.execute_with_progress("SELECT sum(number) FROM numbers(1000000)")
        assert max(rows for rows, _ in progress) == 1000000
        assert progress.get_result() == [(499999500000,)]
        rows = client.execute_iter("SELECT number FROM numbers(200000)")
        assert sum(row[0] for row in rows) == 19999900000


def test_driver_learns_of_an_error_in_mid_stream(engine: ClickHouseServer) -> None:
    with native(engine, "app") as client:
        with pytest.raises(ServerException, match="too far") as said:
            client.execute(TOO_FAR)
        assert said.value.code == 395
        assert client.execute("SELECT 1") == [(1,)]


def test_driver_keeps_a_session(engine: ClickHouseServer) -> None:
    with native(engine, "app") as client:
        client.execute("CREATE TEMPORARY TABLE mine (a UInt8)")
        client.execute("INSERT INTO mine VALUES", [(1,), (2,)])
        assert client.execute("SELECT sum(a) FROM mine") == [(3,)]


def test_curl_speaks_to_it(engine: ClickHouseServer) -> None:
    user = f"app:{engine.passwords['app']}"
    url = f"http://127.0.0.1:{engine.port}/"
    sent = ["--data-binary", "SELECT {n:UInt8} + 1 FORMAT JSONEachRow", f"{url}?param_n=1"]
    ran = subprocess.run(
        ["curl", "--silent", "--fail", "--compressed", "--user", user, *sent],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (ran.returncode, ran.stdout) == (0, "{\"plus(_CAST(1, 'UInt8'), 1)\":2}\n")
