"""A client for the HTTP interface of ClickHouse: statements, rows, Arrow, external tables.

Thin on purpose: one POST a statement, every setting in its URL, nothing kept between two statements. An
answer begins when the statement has ended, so an error always comes with its status.
Protocol: https://clickhouse.com/docs/interfaces/http.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

import aiohttp
import orjson
import pyarrow as pa

from shopstream.clickhouse.errors import EngineUnavailable, from_text
from shopstream.clickhouse.literals import parameter

Settings = Mapping[str, str | int]
Row = dict[str, Any]
DATABASE = "shopstream"
BEHIND_REPORTS: Settings = {"os_threads_nice_value_query": 10}
"""For statements nobody waits for: threads of reports come first. Does nothing where the engine may not set it."""
OFF_LOOP_BYTES = 128 * 1024
_ROWS: Settings = {
    "wait_end_of_query": 1,
    "default_format": "JSONCompactEachRowWithNames",
    "output_format_json_quote_decimals": 1,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_named_tuples_as_objects": 0,
}


class External(NamedTuple):
    """A table that travels with one statement; `columns` is its ClickHouse structure."""

    columns: str
    table: pa.Table


@dataclass(frozen=True, slots=True)
class Address:
    """Where the engine is, and as whom to speak to it."""

    url: str
    user: str
    password: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """From http(s)://user:password@host:port."""
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = parts.port or (8443 if parts.scheme == "https" else 8123)
        user, password = unquote(parts.username or "default"), unquote(parts.password or "")
        return cls(f"{parts.scheme}://{host}:{port}/", user, password)


class Engine:
    """An asynchronous connection pool to one engine. Use as `async with Engine(address) as engine`.

    Every method raises `EngineError` where the engine refuses the statement, and `EngineUnavailable` where
    it cannot be reached, is overloaded, or does not answer within `timeout` seconds. `settings` go with each
    statement, unless it has its own.
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
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._pool, keepalive_timeout=20),
            headers={
                "X-ClickHouse-User": self.address.user,
                "X-ClickHouse-Key": self.address.password,
            },
            auto_decompress=True,
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every connection; statements under way fail."""
        if self._session:
            await self._session.close()

    async def rows(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        *,
        external: Mapping[str, External] | None = None,
        timeout: float | None = None,
    ) -> list[Row]:
        """Rows as dicts. Decimals, 128-bit numbers, dates and times come as text, exact."""
        body, _ = await self._post(sql, params, _ROWS, settings, external=external, timeout=timeout)
        names, *lines = [orjson.loads(line) for line in body.splitlines()]
        return [dict(zip(names, line, strict=True)) for line in lines]

    async def content(
        self,
        sql: str,
        form: str,
        params: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
    ) -> bytes:
        """The answer in one of ClickHouse's formats, as it came."""
        base: Settings = {"wait_end_of_query": 1, "default_format": form}
        return (await self._post(sql, params, base, settings))[0]

    async def execute(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        *,
        external: Mapping[str, External] | None = None,
        query_id: str | None = None,
        timeout: float | None = None,
    ) -> int:
        """Runs a statement to its end; `external` tables can be read in it by name.

        Returns:
            The rows that it wrote.
        """
        _, summary = await self._post(
            sql,
            params,
            {"wait_end_of_query": 1},
            settings,
            external=external,
            query_id=query_id,
            timeout=timeout,
        )
        return int(summary.get("written_rows", 0))

    async def insert(
        self,
        table: str,
        rows: pa.Table,
        settings: Settings | None = None,
        *,
        query_id: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Inserts the columns of `rows` by name; acknowledged means durable."""
        columns = ", ".join(f"`{name}`" for name in rows.column_names)
        await self._post(
            f"INSERT INTO {table} ({columns}) FORMAT ArrowStream",
            None,
            {"async_insert": 0, "wait_end_of_query": 1},
            settings,
            data=await _ipc(rows),
            query_id=query_id,
            timeout=timeout,
        )

    async def ping(self, timeout: float = 2) -> None:
        """Returns where the engine answers a statement."""
        await self.rows("SELECT 1", timeout=timeout)

    async def _post(
        self,
        sql: str,
        params: Mapping[str, Any] | None,
        base: Settings,
        settings: Settings | None,
        *,
        data: bytes | None = None,
        external: Mapping[str, External] | None = None,
        query_id: str | None = None,
        timeout: float | None = None,
    ) -> tuple[bytes, Row]:
        """The body of the answer, and the summary that the engine gives in its head."""
        if self._session is None:
            raise RuntimeError("the engine is used outside its `async with`")
        url: dict[str, str | int] = {
            "database": self._database,
            **self._settings,
            **base,
            **(settings or {}),
        }
        url.update((f"param_{k}", parameter(v)) for k, v in (params or {}).items())
        if query_id:
            url["query_id"] = query_id
        body: Any = sql.encode()
        if external:
            body = await _form(sql, external, url)
        elif data is not None:
            url["query"] = sql
            body = data
        return await self._send(url, body, timeout or self._timeout)

    async def _send(
        self, url: Mapping[str, str | int], body: Any, timeout: float
    ) -> tuple[bytes, Row]:
        assert self._session is not None
        limit = aiohttp.ClientTimeout(total=timeout, connect=min(timeout, 10))
        try:
            async with self._session.post(
                self.address.url, params=url, data=body, timeout=limit
            ) as answer:
                content = await answer.read()
        except TimeoutError:
            raise EngineUnavailable(f"no answer from the engine within {timeout:g} s") from None
        except aiohttp.ClientError as error:
            raise EngineUnavailable(f"the engine cannot be reached: {error}") from error
        if answer.status != 200:
            raise from_text(content.decode(errors="replace"), answer.status)
        return content, orjson.loads(answer.headers.get("X-ClickHouse-Summary", "{}"))


async def _form(
    sql: str, external: Mapping[str, External], url: dict[str, str | int]
) -> aiohttp.FormData:
    url["query"] = sql
    form = aiohttp.FormData()
    for name, (columns, table) in external.items():
        url[f"{name}_format"] = "ArrowStream"
        url[f"{name}_structure"] = columns
        content = await _ipc(table)
        form.add_field(name, content, filename=name, content_type="application/octet-stream")
    return form


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
