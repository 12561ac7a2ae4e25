"""A ClickHouse client in thirty lines, of its own: the product's must not vouch for itself."""

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

_FORMAT = {
    "default_format": "JSONCompact",
    "output_format_json_quote_decimals": 1,
    "output_format_json_quote_64bit_integers": 1,
}


class SqlError(AssertionError):
    """The engine refused a statement."""


class Sql:
    """Statements to database `shopstream` of an engine at 127.0.0.1."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._port = port
        self._login = base64.b64encode(f"{user}:{password}".encode()).decode()

    def rows(self, statement: str, timeout: float = 30.0) -> list[list[Any]]:
        """Whole numbers as text, decimals too."""
        answer = self.text(statement, timeout)
        found: list[list[Any]] = json.loads(answer)["data"] if answer else []
        return found

    def as_dicts(self, statement: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """Rows by column name; whole numbers and decimals as text."""
        answer = json.loads(self.text(statement, params=params))
        names = [column["name"] for column in answer["meta"]]
        return [dict(zip(names, row, strict=True)) for row in answer["data"]]

    def text(
        self, statement: str, timeout: float = 30.0, params: Mapping[str, str] | None = None
    ) -> bytes:
        fixed = {"database": "shopstream", "wait_end_of_query": 1, **_FORMAT}
        url = "/?" + urlencode({**fixed, **(params or {})})
        connection = HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            headers = {"Authorization": f"Basic {self._login}"}
            connection.request("POST", url, statement.encode(), headers)
            answer = connection.getresponse()
            body = answer.read()
        except HTTPException as error:
            raise OSError(f"the engine broke off: {error!r}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise SqlError(body.decode(errors="replace")[:2000])
        return body

    def sums(self, statement: str, keys: int) -> dict[tuple[str, ...], tuple[Decimal, ...]]:
        """A result as {first `keys` columns: the others as decimals}."""
        return {
            tuple(row[:keys]): tuple(Decimal(cell) for cell in row[keys:])
            for row in self.rows(statement)
        }
