"""The client of ClickHouse: clickhouse-connect's, with our two errors, rows as dicts, and no write that is repeated.

What it adds: an answer begins when the statement has ended, so an error always comes with its status; every
statement has a time limit; who tries again is decided by the caller.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import numpy.typing as npt
import orjson
import pyarrow as pa
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.summary import QuerySummary

from clickhouse.errors import EngineUnavailable, from_driver
from clickhouse.native import Column, read_columns

Settings = Mapping[str, str | int]
Row = dict[str, Any]
DATABASE = "shopstream"
BEHIND_REPORTS: Settings = {"os_threads_nice_value_query": 10}
"""For statements nobody waits for: threads of reports come first. Does nothing where the engine may not set it."""
OFF_LOOP_BYTES = 128 * 1024
CONNECT_SECONDS = 10
_ROWS: Settings = {
    "output_format_json_quote_decimals": 1,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_named_tuples_as_objects": 0,
}
IN_MEMORY_BYTES = 1024**3
"""An answer beyond it waits in a file of the engine, which a full disk does not take: what comes then is cut, between
two rows maybe, and has the status of a whole one. Memory is taken as the answer grows, within `max_memory_usage`."""
RESULT_BYTES = IN_MEMORY_BYTES // 8
"""An answer beyond it is an error (396), so none is beyond the former: text takes a few times the bytes of columns."""
_WHOLE: Settings = {
    "wait_end_of_query": 1,
    "buffer_size": IN_MEMORY_BYTES,
    "max_result_bytes": RESULT_BYTES,
}


class External(NamedTuple):
    """A table that travels with one statement; `columns` is its ClickHouse structure."""

    columns: str
    table: pa.Table


@dataclass(frozen=True, slots=True)
class Address:
    """Where the engine is, and as whom to speak to it."""

    scheme: str
    host: str
    port: int
    user: str
    password: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """From http(s)://user:password@host:port."""
        parts = urlsplit(url)
        port = parts.port or (8443 if parts.scheme == "https" else 8123)
        user, password = unquote(parts.username or "default"), unquote(parts.password or "")
        return cls(parts.scheme, parts.hostname or "", port, user, password)


class ClickHouseClient:
    """An asynchronous connection pool to one engine. Use as `async with ClickHouseClient(address) as engine`.

    It connects with the first statement. Every method raises `EngineError` where the engine refuses the statement,
    and `EngineUnavailable` where it cannot be reached, is overloaded, or does not answer within `timeout` seconds.
    `settings` go with each statement, unless it has its own.

    Parameters are None, text, bool, whole numbers, decimals, dates, aware datetimes (to the microsecond), or lists of
    them; placeholders are ClickHouse's, `{name:Type}`.
    """

    def __init__(
        self,
        address: Address,
        *,
        database: str = DATABASE,
        timeout: float = 60,
        pool: int = 16,
        settings: Settings | None = None,
    ) -> None:
        self.address = address
        self._settings = settings or {}
        self._database = database
        self._timeout = timeout
        self._pool = pool
        self._client: AsyncClient | None = None
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every connection; statements under way fail."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def rows(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        *,
        external: Mapping[str, External] | None = None,
        timeout: float | None = None,
    ) -> list[Row]:
        """Rows as dicts. Decimals, dates and times come as text; whole numbers beyond 64 bits want `toString`."""
        named = {**_ROWS, **(settings or {})}
        form = "JSONCompactEachRowWithNames"
        body = await self.content(sql, form, params, named, external=external, timeout=timeout)
        # an answer has at least the names: without them, or torn, it is of an engine that could not write it
        try:
            names, *lines = [orjson.loads(line) for line in body.splitlines()]
            return [dict(zip(names, line, strict=True)) for line in lines]
        except ValueError:
            raise EngineUnavailable(f"the engine's answer is torn, {len(body)} bytes") from None

    async def columns(
        self,
        sql: str,
        dtypes: Sequence[npt.DTypeLike | None],
        params: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
    ) -> list[Column]:
        """The columns of the answer, as `read_columns` takes their types."""
        body = await self.content(sql, "Native", params, settings)
        try:
            return read_columns(body, dtypes)
        except ValueError as error:
            raise EngineUnavailable(f"the engine's answer is torn: {error}") from None

    async def content(
        self,
        sql: str,
        form: str,
        params: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        *,
        external: Mapping[str, External] | None = None,
        timeout: float | None = None,
    ) -> bytes:
        """The answer in one of ClickHouse's formats, as it came."""
        data = await _external(external)
        async with self._limited(timeout) as client:
            body = await client.raw_query(
                sql, _bound(params), settings=self._all(settings), fmt=form, external_data=data
            )
        return bytes(body)

    async def execute(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        *,
        external: Mapping[str, External] | None = None,
        query_id: str | None = None,
    ) -> int:
        """Runs a statement to its end; `external` tables can be read in it by name.

        Returns:
            The rows that it wrote.
        """
        data = await _external(external)
        named = {"query_id": query_id} if query_id else {}
        async with self._limited() as client:
            result = await client.command(
                sql, _bound(params), settings=self._all(settings) | named, external_data=data
            )
        return result.written_rows if isinstance(result, QuerySummary) else 0

    async def insert(self, table: str, rows: pa.Table, settings: Settings | None = None) -> None:
        """Inserts the columns of `rows` by name; acknowledged means durable."""
        body = io.BytesIO(await _ipc(rows))
        plain = {"async_insert": 0, **(settings or {})}
        async with self._limited() as client:
            # a stream is sent once: the client would repeat bytes after a lost connection
            await client.raw_insert(
                table,
                rows.column_names,
                body,
                settings=self._all(plain),
                fmt="ArrowStream",
            )

    async def ping(self, timeout: float = 2) -> None:
        """Returns where the engine answers a statement."""
        await self.rows("SELECT 1", timeout=timeout)

    def _all(self, settings: Settings | None) -> dict[str, Any]:
        return {**_WHOLE, **self._settings, **(settings or {})}

    @asynccontextmanager
    async def _limited(self, timeout: float | None = None) -> AsyncIterator[AsyncClient]:
        """The client, for at most so many seconds, with its errors as ours."""
        seconds = timeout or self._timeout
        try:
            async with asyncio.timeout(seconds):
                yield self._client or await self._connected()
        except TimeoutError:
            raise EngineUnavailable(f"no answer from the engine within {seconds:g} s") from None
        except ClickHouseError as error:
            raise from_driver(error) from error
        except OSError as error:
            raise EngineUnavailable(f"the engine cannot be reached: {error}") from error

    async def _connected(self) -> AsyncClient:
        async with self._connecting:
            if self._client is None:
                where = self.address
                self._client = await clickhouse_connect.get_async_client(
                    interface=where.scheme,
                    host=where.host,
                    port=where.port,
                    username=where.user,
                    password=where.password,
                    database=self._database,
                    compress=False,
                    query_limit=0,
                    query_retries=0,
                    connect_timeout=CONNECT_SECONDS,
                    connector_limit=self._pool,
                    connector_limit_per_host=self._pool,
                    keepalive_timeout=20,
                    autogenerate_session_id=False,
                    autogenerate_query_id=False,
                    show_clickhouse_errors=True,
                )
        return self._client


def _bound(params: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The client binds all of it as the engine reads it, but for the microseconds of an instant."""
    if not params:
        return None
    return {name: _text(value) for name, value in params.items()}


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, list | tuple):
        return [_text(each) for each in value]
    return value


async def _external(tables: Mapping[str, External] | None) -> ExternalData | None:
    if not tables:
        return None
    data = ExternalData()
    for name, (columns, table) in tables.items():
        data.add_file(file_name=name, data=await _ipc(table), fmt="ArrowStream", structure=columns)
    return data


async def _ipc(table: pa.Table) -> bytes:
    """The table as an Arrow stream; a big one is written beside the event loop."""
    if table.nbytes < OFF_LOOP_BYTES:
        return _stream(table)
    return await asyncio.to_thread(_stream, table)


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    content: bytes = sink.getvalue().to_pybytes()
    return content
