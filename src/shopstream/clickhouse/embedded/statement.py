"""A request's statement: what runs, and the rows an INSERT brings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .engine import backquote
from .errors import ServerError, syntax_error
from .scanner import Insert, first_word, format_clause, insert_head

HEAD_BYTES = 4096
_PARAMETER = re.compile(r"\{\s*(\w+)\s*:\s*(\w[^}]*?)\s*\}")


@dataclass(frozen=True, slots=True)
class Statement:
    """`word` is the first keyword; `data` is set for an INSERT with rows, and then `form` is theirs
    and `sql` ends before FORMAT or VALUES. `form` is None without a FORMAT clause.
    """

    word: str
    sql: str
    form: str | None
    data: Sequence[bytes] | None = None


def read_statement(query: str, body: Sequence[bytes], params: Mapping[str, str]) -> Statement:
    """Puts together the URL's `query` and the body, which goes on as it came where it is data.

    Raises:
        ServerError: 62 without a statement, 6 where it is not UTF-8.
    """
    try:
        return _read(query.strip().encode(), _with_head([p for p in body if p]), params)
    except UnicodeDecodeError:
        raise ServerError(6, "CANNOT_PARSE_TEXT", "The statement is not valid UTF-8") from None


def _with_head(body: list[bytes]) -> list[bytes]:
    """Joins first pieces that may be too short to hold the statement's beginning."""
    count = 1
    while count < len(body) and sum(map(len, body[:count])) < HEAD_BYTES:
        count += 1
    return [b"".join(body[:count]), *body[count:]] if body else []


def _read(query: bytes, body: Sequence[bytes], params: Mapping[str, str]) -> Statement:
    word = first_word(query or (body[0] if body else b""))
    if word == "INSERT":
        found = _insert(query, body)
        if found:
            return _with_data(*found, params)
    sql = b"\n".join(part for part in (query, b"".join(body)) if part)
    if not sql.strip():
        raise syntax_error("Syntax error: failed at position 1 (end of query): . Empty query")
    return Statement(word or first_word(sql), sql.decode(), format_clause(sql))


def _insert(query: bytes, body: Sequence[bytes]) -> tuple[Insert, Sequence[bytes]] | None:
    if query:
        line = query + b"\n"
        head = insert_head(line)
        return (head, [line[head.data :], *body]) if head else None
    head = insert_head(body[0])
    if head and head.data < len(body[0]):
        return head, [body[0][head.data :], *body[1:]]
    whole = b"".join(body)
    head = insert_head(whole)
    return (head, [whole[head.data :]]) if head else None


def _with_data(head: Insert, data: Sequence[bytes], params: Mapping[str, str]) -> Statement:
    """chDB takes no parameters beside data: names go into the text, values run as one statement."""
    if not params:
        return Statement("INSERT", head.text, head.format, data)
    text = _PARAMETER.sub(lambda found: _identifier(found, params), head.text)
    if head.format == "Values":
        values = b"".join(data).decode()
        return Statement("INSERT", f"{text} VALUES {values}", None)
    return Statement("INSERT", text, head.format, data)


def _identifier(found: re.Match[str], params: Mapping[str, str]) -> str:
    name, kind = found[1], found[2]
    if kind != "Identifier" or name not in params:
        return found[0]
    return backquote(params[name])
