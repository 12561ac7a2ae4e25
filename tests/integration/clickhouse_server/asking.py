"""Statements over both protocols, and what the server answers."""

import base64
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from support.engine import ClickHouseServer
from support.waiting import eventually

BUSY = 202
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"


@dataclass(frozen=True)
class Answer:
    """`code` is ClickHouse's, 0 without an error."""

    status: int
    code: int
    text: str


def headers(engine: ClickHouseServer, login: str) -> dict[str, str]:
    """`default` has no password."""
    pair = f"{login}:{engine.passwords.get(login, '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def ask(
    engine: ClickHouseServer, login: str, sql: str, *, timeout: float = 20.0, **params: str | int
) -> Answer:
    """`default` may run one statement at once, and the last one may not be gone yet when its answer is here."""

    def answered() -> Answer | None:
        answer = _ask(engine, login, sql, timeout, params)
        return None if login == "default" and answer.code == BUSY else answer

    found = eventually(answered, what=sql, passing=())
    assert found is not None
    return found


def _ask(
    engine: ClickHouseServer, login: str, sql: str, timeout: float, params: Mapping[str, str | int]
) -> Answer:
    connection = HTTPConnection("127.0.0.1", engine.port, timeout=timeout)
    url = "/?" + urlencode({"wait_end_of_query": 1, **params})
    try:
        connection.request("POST", url, sql.encode(), headers(engine, login))
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except HTTPException as error:
        raise OSError(f"broken off: {error!r}") from error
    finally:
        connection.close()
    return Answer(answer.status, int(answer.getheader("X-ClickHouse-Exception-Code", "0")), text)


def code_over_tcp(engine: ClickHouseServer, login: str, sql: str) -> int:
    """0 where the statement runs."""

    def code() -> str:
        with native(engine, login) as client:
            try:
                client.execute(sql)
            except ServerException as error:
                return "" if login == "default" and error.code == BUSY else str(error.code)
        return "0"

    return int(eventually(code, what=sql, passing=()))


@contextmanager
def native(engine: ClickHouseServer, login: str, **more: object) -> Iterator[Client]:
    client = Client(
        "127.0.0.1",
        port=engine.native_port,
        user=login,
        password=engine.passwords.get(login, ""),
        send_receive_timeout=20,
        **more,
    )
    try:
        yield client
    finally:
        client.disconnect()


def running(engine: ClickHouseServer, query_id: str) -> list[str]:
    """Who runs it."""
    sql = "SELECT user FROM system.processes WHERE query_id = {id:String}"
    return ask(engine, "app", sql, param_id=query_id).text.split()


class Background:
    """A statement on a thread of its own, which runs when this returns."""

    def __init__(
        self, engine: ClickHouseServer, sql: str, query_id: str, login: str = "app"
    ) -> None:
        self.answer: Answer | OSError | None = None
        self._ask = lambda: ask(engine, login, sql, query_id=query_id, timeout=60)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        eventually(lambda: running(engine, query_id), what=f"{query_id} running")

    def _run(self) -> None:
        try:
            self.answer = self._ask()
        except OSError as error:
            self.answer = error

    def join(self) -> Answer | OSError | None:
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.answer


def listeners(pid: int) -> dict[int, str]:
    """{port: address} of every TCP socket on which the process listens."""
    links = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {found[1] for link in links if (found := re.match(r"socket:\[(\d+)\]", link))}
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                found[int(port, 16)] = address
    return found
