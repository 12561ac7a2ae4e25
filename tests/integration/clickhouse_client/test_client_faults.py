"""The engine refuses, is slow, breaks off or is away; and what a statement wrote."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pyarrow as pa
import pytest

from clickhouse.client import RESULT_BYTES, Address, ClickHouseClient, External
from clickhouse.errors import NOT_MIGRATED, EngineError, EngineUnavailable
from support.engine import ClickHouseServer as Server
from support.processes import free_port

TABLE = "CREATE TABLE {name} (id UInt64, text String) ENGINE = MergeTree ORDER BY id"


def table_of(*rows: tuple[int, str]) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([number for number, _ in rows], pa.uint64()),
            "text": pa.array([text for _, text in rows], pa.string()),
        }
    )


async def test_execute_returns_the_rows_that_were_written(engine: ClickHouseClient) -> None:
    assert await engine.execute(TABLE.format(name="written")) == 0
    insert = "INSERT INTO written SELECT number, {text:String} FROM numbers({n:UInt64})"
    assert await engine.execute(insert, {"text": "it's", "n": 1234}) == 1234
    assert await engine.execute("INSERT INTO written VALUES (1, 'a'), (2, 'b')") == 2
    assert await engine.execute("INSERT INTO written SELECT 1, 'x' WHERE false") == 0
    assert await engine.execute("SELECT 1") == 0
    assert await engine.rows("SELECT count() AS n FROM written") == [{"n": 1236}]


async def test_an_insert_goes_by_the_names_of_the_columns(engine: ClickHouseClient) -> None:
    await engine.execute(TABLE.format(name="named"))
    await engine.insert("named", table_of((1, "a\tb\n'\\\0😀"), (2, "")).select(["text", "id"]))
    rows = await engine.rows("SELECT * FROM named ORDER BY id")
    assert rows == [{"id": 1, "text": "a\tb\n'\\\0😀"}, {"id": 2, "text": ""}]


async def test_a_big_insert_arrives_whole(engine: ClickHouseClient) -> None:
    await engine.execute(TABLE.format(name="big"))
    ids = pa.array(range(200_000), pa.uint64())
    rows = pa.table({"id": ids, "text": pa.array(["x" * 20] * 200_000)})
    await engine.insert("big", rows)
    found = await engine.rows("SELECT count() AS n, sum(id) AS ids FROM big")
    assert found == [{"n": 200_000, "ids": sum(range(200_000))}]


async def test_tables_travel_with_a_statement(engine: ClickHouseClient) -> None:
    external = {
        "wanted": External("id UInt64, text String", table_of((1, "it's"), (2, "b"))),
        "more": External("id UInt64, text String", table_of()),
    }
    statement = (
        "SELECT id, text, (SELECT count() FROM more) AS none FROM wanted WHERE id >= {least:UInt64}"
    )
    rows = await engine.rows(statement, {"least": 1}, external=external)
    assert rows == [{"id": 1, "text": "it's", "none": 0}, {"id": 2, "text": "b", "none": 0}]
    await engine.execute(TABLE.format(name="from_external"))
    written = await engine.execute(
        "INSERT INTO from_external SELECT id, text FROM wanted", external=external
    )
    assert written == 2


@pytest.mark.parametrize(
    ("statement", "code", "name"),
    [
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT * FROM none", 60, "UNKNOWN_TABLE"),
        ("SELECT * FROM none.none", 81, "UNKNOWN_DATABASE"),
        ("SELECT intDiv(1, 0)", 153, "ILLEGAL_DIVISION"),
        # once rows of the answer were made
        (
            "SELECT throwIf(number = 99999) AS n FROM numbers(100000)",
            395,
            "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO",
        ),
        ("SELECT {never:String}", 456, "UNKNOWN_QUERY_PARAMETER"),
    ],
)
async def test_a_refused_statement_has_its_code_and_name(
    engine: ClickHouseClient, statement: str, code: int, name: str
) -> None:
    with pytest.raises(EngineError) as caught:
        await engine.rows(statement)
    assert caught.value.code == code
    assert caught.value.name == name
    assert str(caught.value).startswith(f"{name} ({code}): ")
    assert (code in NOT_MIGRATED) == ("none" in statement)


async def test_an_error_after_the_first_rows_is_an_error(engine: ClickHouseClient) -> None:
    failing = "SELECT throwIf(number = 2500000, 'too far') FROM numbers(3000000)"
    with pytest.raises(EngineError) as told:
        await engine.rows(failing)
    assert told.value.code == 395


async def test_an_answer_of_any_size_is_whole_or_an_error_without_room_on_the_disk(
    server: Server, engine: ClickHouseClient
) -> None:
    """The engine would write it to a file there, and what it cannot write is missing."""
    folder = server.path / "tmp"
    folder.rename(server.path / "away")
    folder.touch()
    try:
        numbers = "SELECT number FROM numbers({n:UInt64})"
        (found,) = await engine.columns(numbers, ["<u8"], {"n": 4_000_000})
        assert len(found) == 4_000_000
        with pytest.raises(EngineError) as refused:
            await engine.columns(numbers, ["<u8"], {"n": RESULT_BYTES // 8 + 100_000})
        assert refused.value.code == 396
    finally:
        folder.unlink()
        (server.path / "away").rename(folder)


async def test_a_wrong_password_is_refused_and_not_taken_for_an_outage(server: Server) -> None:
    address = Address("http", "127.0.0.1", server.port, "app", "wrong")
    async with ClickHouseClient(address, database="default") as engine:
        with pytest.raises(EngineError) as caught:
            await engine.rows("SELECT 1")
    assert (caught.value.code, caught.value.name) == (516, "AUTHENTICATION_FAILED")
    assert "wrong" not in str(caught.value)


async def test_what_the_engine_has_no_room_for_may_be_tried_again(engine: ClickHouseClient) -> None:
    with pytest.raises(EngineUnavailable, match=r"MEMORY_LIMIT_EXCEEDED \(241\)"):
        await engine.rows(
            "SELECT groupArray(number) AS n FROM numbers(10000000)",
            settings={"max_memory_usage": 1_000_000},
        )
    with pytest.raises(EngineUnavailable, match=r"TIMEOUT_EXCEEDED \(159\)"):
        await engine.rows(
            "SELECT sum(sleepEachRow(0.1)) AS n FROM numbers(100)",
            settings={"max_execution_time": 1, "max_block_size": 1},
        )


async def test_a_statement_that_takes_too_long_ends_in_time(engine: ClickHouseClient) -> None:
    begun = time.monotonic()
    with pytest.raises(EngineUnavailable, match=r"^no answer from the engine within 0\.3 s$"):
        await engine.rows("SELECT sleep(3)", timeout=0.3)
    assert time.monotonic() - begun < 1.5
    assert await engine.rows("SELECT 1 AS one") == [{"one": 1}]


async def test_a_frozen_engine_is_unavailable_in_time(server: Server) -> None:
    async with ClickHouseClient(
        Address.parse(server.url()), database="default", timeout=0.5
    ) as engine:
        await engine.ping()
        server.child.freeze()
        try:
            begun = time.monotonic()
            with pytest.raises(EngineUnavailable):
                await engine.rows("SELECT 1")
            with pytest.raises(EngineUnavailable):
                await engine.ping(0.2)
            assert time.monotonic() - begun < 2
        finally:
            server.child.wake()


async def test_an_engine_that_is_away_is_unavailable_at_once() -> None:
    begun = time.monotonic()
    async with ClickHouseClient(Address.parse(f"http://127.0.0.1:{free_port()}")) as engine:
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await engine.rows("SELECT 1")
        with pytest.raises(EngineUnavailable):
            await engine.insert("t", table_of((1, "a")))
    assert time.monotonic() - begun < 5


async def test_one_that_was_killed_and_started_again_is_used_again(server: Server) -> None:
    async with ClickHouseClient(Address.parse(server.url()), database="default") as engine:
        await asyncio.gather(*(engine.ping() for _ in range(4)))
        server.child.kill()
        for _ in range(2):
            with pytest.raises(EngineUnavailable):
                await engine.rows("SELECT 1")
        server.start()
        found = await asyncio.gather(*(engine.rows("SELECT 1 AS one") for _ in range(8)))
        assert found == [[{"one": 1}]] * 8
        await engine.execute(TABLE.format(name="after"))
        await engine.insert("after", table_of((1, "a")))


class Line:
    """A relay to the engine. A connection over which `breaks_at` has passed is cut before the answer comes back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.breaks_at: bytes | None = None
        self.broken = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", self._port)
        cut = asyncio.Event()
        upwards = asyncio.create_task(self._up(reader, requests, cut))
        try:
            while (data := await answers.read(65536)) and not cut.is_set():
                writer.write(data)
                await writer.drain()
        finally:
            upwards.cancel()
            writer.transport.abort()
            requests.close()

    async def _up(
        self, reader: asyncio.StreamReader, requests: asyncio.StreamWriter, cut: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if self.breaks_at is not None and self.breaks_at in data:
                self.broken += 1
                cut.set()
            requests.write(data)
            await requests.drain()
        requests.close()


@asynccontextmanager
async def line_to(server: Server) -> AsyncIterator[tuple[Line, int]]:
    line = Line(server.port)
    relay = await asyncio.start_server(line.take, "127.0.0.1", 0, family=socket.AF_INET)
    try:
        yield line, relay.sockets[0].getsockname()[1]
    finally:
        relay.close()


async def test_an_insert_is_not_repeated_where_its_answer_was_lost(
    engine: ClickHouseClient, server: Server
) -> None:
    await engine.execute(TABLE.format(name="once"))
    async with line_to(server) as (line, port):
        password = server.passwords["app"]
        there = ClickHouseClient(
            Address("http", "127.0.0.1", port, "app", password), database="default"
        )
        async with there:
            await there.insert("once", table_of((1, "answered")))
            line.breaks_at = b"unanswered"
            with pytest.raises(EngineUnavailable):
                await there.insert("once", table_of((2, "unanswered")))
            with pytest.raises(EngineUnavailable):
                await there.execute("INSERT INTO once VALUES (3, 'unanswered')")
            line.breaks_at = None
            await there.insert("once", table_of((4, "answered")))
    assert line.broken == 2
    found = await engine.rows("SELECT id, count() AS n FROM once GROUP BY id ORDER BY id")
    assert found == [{"id": number, "n": 1} for number in (1, 2, 3, 4)]
