"""Statements over one kept connection, by the plainest of clients: what it costs is next to nothing."""

import json
import time
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

from shopbench.processes import EngineAddress


class Sql:
    """Not for use by two threads."""

    def __init__(self, address: EngineAddress, timeout: float = 120) -> None:
        self._connection = HTTPConnection("127.0.0.1", address.port, timeout=timeout)
        login = b64encode(f"{address.user}:{address.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}

    def text(self, statement: str, **settings: str | int) -> bytes:
        """What the engine answers; RuntimeError where it refuses."""
        path = "/?" + urlencode({"wait_end_of_query": 1, **settings})
        self._connection.request("POST", path, statement.encode(), self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(body.decode(errors="replace")[:500])
        return body

    def rows(self, statement: str, **settings: str | int) -> list[list[Any]]:
        """64-bit numbers come as numbers."""
        body = self.text(
            f"{statement} FORMAT JSONCompactEachRow",
            output_format_json_quote_64bit_integers=0,
            **settings,
        )
        return [json.loads(line) for line in body.splitlines()]

    def answers(self) -> bool:
        """Whether the engine is there."""
        try:
            return self.text("SELECT 1").strip() == b"1"
        except (OSError, HTTPException, RuntimeError):
            self._connection.close()
            return False


def milliseconds(call: Callable[[], object]) -> float:
    """How long a call took."""
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000
