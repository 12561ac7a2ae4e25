"""`shopstream.clickhouse.client` against the server: values, errors, time limits, external tables."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from asking import ENDLESS, running

from shopstream.clickhouse.client import Address, Engine, External
from shopstream.clickhouse.errors import EngineError, EngineUnavailable
from support.engine import Engine as Server
from support.processes import free_port


@pytest.fixture
async def client(engine: Server) -> AsyncIterator[Engine]:
    async with Engine(Address.parse(engine.url()), database="shop") as client:
        yield client


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("Nullable(String)", None, None),
        ("Bool", True, True),
        ("UInt64", 2**64 - 1, 2**64 - 1),
        ("Int64", -5, -5),
        ("Decimal(18, 4)", Decimal("-12.3400"), "-12.34"),
        ("String", "", ""),
        ("String", "é😀", "é😀"),
        ("String", "it's", "it's"),
        ("String", "\\N", "\\N"),
        ("Nullable(String)", "\\N", "\\N"),
        ("String", "a\nb\tc\rd\0e", "a\nb\tc\rd\0e"),
        ("Date", date(2026, 11, 22), "2026-11-22"),
        (
            "DateTime64(6, 'UTC')",
            datetime(2026, 11, 22, 10, 15, 30, 5, UTC),
            "2026-11-22 10:15:30.000005",
        ),
        (
            "DateTime64(6, 'UTC')",
            datetime(2026, 11, 22, 0, 15, tzinfo=timezone(timedelta(hours=1))),
            "2026-11-21 23:15:00.000000",
        ),
        ("Array(UInt8)", [], []),
        ("Array(UInt8)", [1, 2], [1, 2]),
        ("Array(Decimal(9, 2))", [Decimal("1.5")], ["1.5"]),
        (
            "Array(String)",
            ["a", "it's", "\\", "\n", "]", ",", ""],
            ["a", "it's", "\\", "\n", "]", ",", ""],
        ),
        ("Array(Date)", [date(2026, 11, 22)], ["2026-11-22"]),
        (
            "Array(DateTime64(6, 'UTC'))",
            [datetime(2026, 11, 22, tzinfo=UTC)],
            ["2026-11-22 00:00:00.000000"],
        ),
    ],
)
async def test_a_parameter_comes_back_as_it_went(
    client: Engine, kind: str, value: Any, read: Any
) -> None:
    rows = await client.rows(f"SELECT {{value:{kind}}} AS value", {"value": value})
    assert rows == [{"value": read}]


async def test_rows_and_the_rows_of_an_insert_are_counted(client: Engine) -> None:
    await client.execute(
        "CREATE OR REPLACE TABLE ours (a UInt8, b String) ENGINE = MergeTree ORDER BY a"
    )
    table = pa.table({"b": ["x", "y"], "a": pa.array([1, 2], pa.uint8())})
    await client.insert("ours", table)
    assert await client.execute("INSERT INTO ours SELECT number, '' FROM numbers(3)") == 3
    assert await client.rows("SELECT count() AS n, max(b) AS b FROM ours") == [{"n": 5, "b": "y"}]
    assert await client.rows("SELECT a FROM ours WHERE a > 9") == []


async def test_an_external_table_is_read_by_its_name(client: Engine) -> None:
    for rows in (2, 50_000):
        given = External("n UInt64", pa.table({"n": pa.array(range(rows), pa.uint64())}))
        found = await client.rows("SELECT count() AS n FROM given", external={"given": given})
        assert found == [{"n": rows}]


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELECT * FROM nope", 60, "UNKNOWN_TABLE"),
        ("SELECT * FROM nope.nope", 81, "UNKNOWN_DATABASE"),
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT throwIf(number = 2) FROM numbers(9)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT intDiv(1, 0)", 153, "ILLEGAL_DIVISION"),
    ],
)
async def test_a_statement_at_fault_has_its_code_and_name(
    client: Engine, sql: str, code: int, name: str
) -> None:
    with pytest.raises(EngineError) as said:
        await client.rows(sql)
    assert (said.value.code, said.value.name) == (code, name)
    assert str(said.value).startswith(f"{name} ({code}): ")
    assert "http://" not in str(said.value)
    with pytest.raises(EngineError) as said:
        await client.execute(sql)
    assert said.value.code == code


async def test_an_error_after_rows_is_an_error(client: Engine) -> None:
    with pytest.raises(EngineError) as said:
        await client.rows("SELECT throwIf(number = 2500000, 'too far') FROM numbers(3000000)")
    assert said.value.code == 395


async def test_a_wrong_password_is_an_error_of_the_engine(engine: Server) -> None:
    address = Address("http", "127.0.0.1", engine.port, "app", "wrong")
    async with Engine(address) as client:
        with pytest.raises(EngineError) as said:
            await client.ping()
    assert said.value.code == 516
    assert "wrong" not in str(said.value)


async def test_an_engine_that_is_not_there_is_unavailable() -> None:
    address = Address("http", "127.0.0.1", free_port(), "app", "")
    async with Engine(address) as client:
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await client.ping()


async def test_no_statement_takes_longer_than_its_time(engine: Server, client: Engine) -> None:
    with pytest.raises(EngineUnavailable, match=r"within 0\.5 s"):
        await client.execute(ENDLESS, query_id="late-1", timeout=0.5)
    await client.execute("KILL QUERY WHERE query_id = 'late-1' SYNC")
    assert running(engine, "late-1") == []


async def test_a_limit_that_may_pass_is_unavailable(client: Engine) -> None:
    with pytest.raises(EngineUnavailable, match=r"^MEMORY_LIMIT_EXCEEDED \(241\): "):
        await client.rows(
            "SELECT groupArray(number) FROM numbers(10000000)",
            settings={"max_memory_usage": 10_000_000},
        )
