"""The engine of this process and the handles on it.

A handle costs 0.07 ms to open and close, so every request without a session has its own: SET, USE
and temporary tables cannot reach another, and the rest of a failed statement's output, which chDB
gives to the next statement on the same handle, dies with it.

USE and SET cost 0.24 ms, the same in the handle's address 0.03. But an address takes any name: one
that is no setting, or is an option of chDB too (`limit`), does nothing.
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
_NUMBER = re.compile(r"[0-9]{1,12}")
_SETTINGS_IN_ADDRESS = """
    max_block_size max_execution_time max_result_bytes max_threads optimize_move_to_prewhere
    os_threads_nice_value_query output_format_json_named_tuples_as_objects
    output_format_json_quote_64bit_integers output_format_json_quote_decimals
    output_format_parallel_formatting
"""
SETTINGS_IN_ADDRESS: Final = frozenset(_SETTINGS_IN_ADDRESS.split())
"""Known to do the same in an address as in SET, and to leave the parser alone."""
_CLASSES_KEPT: Final = 512
_CLASS_CHARACTERS: Final = 8192


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
        self._classes: dict[str, tuple[str, int]] = {}
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

    def connect_prepared(
        self, query_id: str, database: str, settings: Mapping[str, str]
    ) -> Handle | None:
        """`connect`, USE and SET at once; None where only those do, or have the error's words.

        A database that does not exist is refused later: no statement runs there.
        """
        texts = {"log_comment": query_id, **({"database": database} if database else {})}
        if not all(map(_IN_ADDRESS.fullmatch, texts.values())) or not all(
            name in SETTINGS_IN_ADDRESS and _NUMBER.fullmatch(value)
            for name, value in settings.items()
        ):
            return None
        pairs = "&".join(f"{name}={value}" for name, value in {**texts, **settings}.items())
        try:
            return Handle(chdb.connect(f"{self._path}?{pairs}"))
        except RuntimeError:
            return None

    def classify(self, handle: Handle, sql: str) -> tuple[str, int]:
        """`handle.classify`, remembered: for handles of `connect_prepared`, which parse alike.

        A report's statement takes 0.2 ms to parse and comes again and again.
        """
        found = self._classes.get(sql)
        if found is None:
            found = handle.classify(sql)
            if len(self._classes) >= _CLASSES_KEPT:
                self._classes.clear()
            if len(sql) <= _CLASS_CHARACTERS:
                self._classes[sql] = found
        return found

    def close(self) -> None:
        self._keep.close()

    def _pairs(self, sql: str) -> list[tuple[str, str]]:
        lines = self._keep.text(sql).split("\n")
        return [(left, right) for left, _, right in (line.partition("\t") for line in lines)]
