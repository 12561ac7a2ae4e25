"""Where a statement's FORMAT clause and an INSERT's data are, without parsing it.

Everything else about a statement is asked from the engine's own parser. Only the ends are looked
at where that is certain; a statement with comments or an unusual end is read token by token.
Token rules: ClickHouse `src/Parsers/Lexer.cpp`, `src/Parsers/ParserInsertQuery.cpp`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACE = rb"\s+|--[^\n]*|#[ !][^\n]*|/\*.*?\*/"
_QUOTED = rb"'(?:\\.|''|[^'\\])*'|`(?:\\.|``|[^`\\])*`|\"(?:\\.|\"\"|[^\"\\])*\"|\$(\w*)\$.*?\$\2\$"
_TOKEN = re.compile(rb"(" + _SPACE + rb")|" + _QUOTED + rb"|([A-Za-z_][\w$]*)|(\d\w*|.)", re.S)
_LEADING = re.compile(rb"(?:" + _SPACE + rb")*", re.S)
_WORD = re.compile(rb"[A-Za-z_]+|\(")
_FORMAT = re.compile(rb"\bformat\b", re.I)
_PLAIN_END = re.compile(rb"\bformat\s+([A-Za-z_]\w*)\s*;?\s*\Z", re.I)
_UNPLAIN = re.compile(rb"--|/\*|#|\$")
_OPEN, _CLOSE = b"([{", b")]}"
_NOT_A_CLAUSE = (b"INTO", b"TABLE", b".", b",")


@dataclass(frozen=True, slots=True)
class Insert:
    """The head of an INSERT with data: `text` without FORMAT or VALUES; data begins at `data`."""

    text: str
    format: str
    data: int


def first_word(sql: bytes) -> str:
    """The first keyword in upper case, or `(`; empty if there is none."""
    found = _WORD.match(sql, _leading(sql))
    return found[0].decode().upper() if found else ""


def format_clause(sql: bytes) -> str | None:
    """The name in the trailing FORMAT clause of a statement that is not an INSERT with data."""
    if not _FORMAT.search(sql):
        return None
    if not _UNPLAIN.search(sql) and (plain := _PLAIN_END.search(sql)):
        return None if plain[1].upper() in (b"ASC", b"DESC") else plain[1].decode()
    return _scan_format(sql)


def insert_head(sql: bytes) -> Insert | None:
    """The head of an INSERT whose data follows in `sql`; None for INSERT … SELECT.

    The data begins after the spaces and at most one line end that follow the format's name.
    """
    previous = before = b""
    previous_start = 0
    for word, start, end, depth in _words(sql):
        if depth == 0:
            if previous == b"FORMAT" and word[:1].isalpha() and before not in _NOT_A_CLAUSE:
                text, name = sql[:previous_start].decode(), sql[start:end].decode()
                return Insert(text, name, _skip(sql, end))
            if word == b"VALUES" and previous not in _NOT_A_CLAUSE:
                return Insert(sql[:start].decode(), "Values", end)
            if word in (b"SELECT", b"WITH", b"WATCH"):
                return None
        before, previous, previous_start = previous, word, start
    return None


def has_several(sql: bytes) -> bool:
    """Whether anything but comments follows a `;`."""
    ended = False
    for word, _, _, _ in _words(sql):
        if ended and word != b";":
            return True
        ended = ended or word == b";"
    return False


def _leading(sql: bytes) -> int:
    found = _LEADING.match(sql)
    return found.end() if found else 0


def _words(sql: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Tokens but space: (in upper case, start, end, depth of brackets); a string is `'`."""
    position = depth = 0
    while position < len(sql):
        found = _TOKEN.match(sql, position)
        if not found:
            return
        start, position = position, found.end()
        if found[1] is not None:
            continue
        word = (found[3] or found[4] or b"'").upper()
        depth -= word in _CLOSE if len(word) == 1 else 0
        yield word, start, position, depth
        depth += word in _OPEN if len(word) == 1 else 0


def _scan_format(sql: bytes) -> str | None:
    name: str | None = None
    settings = False
    previous = before = b""
    for word, start, end, depth in _words(sql):
        if depth == 0 and word != b";":
            if name and not settings:
                settings = word == b"SETTINGS"
                name = name if settings else None
            if previous == b"FORMAT" and word[:1].isalpha() and before not in _NOT_A_CLAUSE:
                name, settings = sql[start:end].decode(), False
        before, previous = previous, word
    return name


def _skip(sql: bytes, position: int) -> int:
    while sql[position : position + 1] in (b" ", b"\t"):
        position += 1
    if sql[position : position + 2] == b"\r\n":
        return position + 2
    return position + (sql[position : position + 1] in (b"\n", b";"))
