"""The engine of this process and the handles on it.

A handle costs 0.07 ms to open and close, so every request without a session has its own: SET, USE
and temporary tables cannot reach another, and the rest of a failed statement's output, which chDB
gives to the next statement on the same handle, dies with it.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import chdb

from .errors import statuses

READ_CLASS: Final = "READ_ONLY"
_SERVER_SETTINGS: Final = "?os_threads_nice_value_merge_mutate=10"
"""Of the first connection, for the whole process: merges come after statements."""
_IN_ADDRESS = re.compile(r"[A-Za-z0-9_-]+")


def quote(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def backquote(name: str) -> str:
    """A quoted identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


class Handle:
    """One connection to the engine with its own settings, database and temporary tables.

    Not for two threads at once. Every method raises what chDB raises, with `Code: N.` in its text.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def query(self, sql: str, form: str = "TSVRaw", params: Mapping[str, str] | None = None) -> Any:
        """The whole result: chDB's object with `bytes()`, `rows_read()`, `rows_written()`, …"""
        return self._connection.query(sql, form, params=params or {})

    def text(self, sql: str) -> str:
        """A small result as tab-separated text without escapes, without the last line end."""
        return (self.query(sql).bytes() or b"").decode().removesuffix("\n")

    def set(self, settings: Mapping[str, str | None]) -> None:
        """All of them in one statement; None puts back the default."""
        if settings:
            each = (f"{k} = {'DEFAULT' if v is None else quote(v)}" for k, v in settings.items())
            self.query("SET " + ", ".join(each))

    def use(self, database: str) -> None:
        self.query("USE " + backquote(database))

    def rows(self, sql: str, form: str, params: Mapping[str, str]) -> "Rows":
        """A result in pieces; nothing else may run on the handle until it ends or is closed."""
        return Rows(self._connection.send_query(sql, form, params=params))

    def insert(self, head: str, form: str, data: Iterable[bytes]) -> tuple[int, int]:
        """Writes data in an input format, in one statement; (rows, bytes) written.

        Args:
            head: INSERT without FORMAT, VALUES and data.
        """
        with self._connection.send_insert(head, form) as inserter:
            for piece in data:
                if piece:
                    inserter.append(piece)
            result = inserter.finish()
        return result.rows_written, result.bytes_written

    def drain(self) -> None:
        """After a failed statement: takes its left-over output off the handle."""
        self.query("SELECT 1 FORMAT Null")

    def classify(self, sql: str) -> tuple[str, int]:
        """What the engine's parser sees, without running it: (class, number of statements).

        The class is READ_ONLY, MUTATING, CONTROL or UNKNOWN (does not parse, 0 statements).
        """
        seen = self._connection._conn.classify_query(sql)
        return seen["query_class"].name, seen["statement_count"]

    def close(self) -> None:
        self._connection.close()


class Rows:
    """Pieces of a running statement's output. The last, without rows, has the header and totals."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def next(self) -> tuple[bytes, int] | None:
        """(bytes, rows in them), or None after the last."""
        try:
            piece = self._stream._conn.streaming_fetch_result(self._stream._result)
        except Exception:
            self.done()
            raise
        if piece is None:
            self.done()
            return None
        return bytes(piece.bytes() or b""), piece.rows_read()

    def done(self) -> None:
        """The statement has ended by itself; `close` must not cancel it."""
        self._stream._exhausted = True

    def close(self) -> None:
        """Cancels the statement if it still runs."""
        self._stream.close()


class Engine:
    """Opens the data directory; the process has one engine, and none may fork after this.

    `content_types` is by format name in lower case, `statuses` HTTP status by error number.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._keep = Handle(chdb.connect(self._path + _SERVER_SETTINGS))
        self.version, self.timezone = self._keep.text("SELECT version(), timezone()").split("\t")
        self.content_types = {
            name.lower(): kind.encode()
            for name, kind in self._pairs(
                "SELECT name, content_type FROM system.formats WHERE is_output"
            )
        }
        codes = self._pairs("SELECT errorCodeToName(number), number FROM numbers(2000)")
        self.statuses = statuses({name: int(number) for name, number in codes})
        self.table_functions = frozenset(
            self._keep.text("SELECT lower(name) FROM system.table_functions").split("\n")
        )

    def connect(self, query_id: str = "") -> Handle:
        """A new handle; `query_id` becomes `log_comment` of all that runs on it."""
        if query_id and _IN_ADDRESS.fullmatch(query_id):
            # 0.06 ms less than SET
            return Handle(chdb.connect(f"{self._path}?log_comment={query_id}"))
        handle = Handle(chdb.connect(self._path))
        if query_id:
            handle.set({"log_comment": query_id})
        return handle

    def close(self) -> None:
        self._keep.close()

    def _pairs(self, sql: str) -> list[tuple[str, str]]:
        lines = self._keep.text(sql).split("\n")
        return [(left, right) for left, _, right in (line.partition("\t") for line in lines)]
