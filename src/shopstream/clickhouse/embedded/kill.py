"""KILL QUERY by client id, for one's own statements only.

Understood: `KILL QUERY WHERE query_id = 'x'`, `LIKE 'x%'`, `IN ('x', 'y')`, `{name:String}` for a
text, and `user = 'me'` instead or with AND; then ASYNC, SYNC or TEST; then FORMAT.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .engine import quote
from .errors import ServerError
from .running import Registry, Running

SYNC_SECONDS = 5.0
_STRING = r"'(?:\\.|''|[^'\\])*'|\{\s*\w+\s*:\s*String\s*\}"
_STATEMENT = re.compile(
    r"\s*KILL\s+QUERY\s+WHERE\s+(?P<where>.*?)\s*(?P<mode>\b(?:ASYNC|SYNC|TEST))?"
    r"(?:\s+FORMAT\s+\w+)?\s*;?\s*\Z",
    re.I | re.S,
)
_TERM = re.compile(
    r"(?P<column>query_id|user|initial_query_id)\s*(?P<test>=|LIKE|IN)\s*"
    rf"\(?\s*(?P<texts>(?:{_STRING})(?:\s*,\s*(?:{_STRING}))*)\s*\)?",
    re.I,
)
_AND = re.compile(r"\s+AND\s+", re.I)
_ESCAPE = re.compile(r"\\(.)|''", re.S)


@dataclass(frozen=True, slots=True)
class Kill:
    """`mode` is ASYNC, SYNC or TEST; `matches` judges a running statement."""

    mode: str
    matches: Callable[[Running], bool]


def parse_kill(sql: str, params: Mapping[str, str]) -> Kill | None:
    """None if this is not KILL QUERY (but, say, KILL MUTATION).

    Raises:
        ServerError: 48 for a condition that is not understood.
    """
    found = _STATEMENT.match(sql)
    if not found:
        return None
    terms = [_term(part, params) for part in _AND.split(_unbracketed(found["where"]))]
    mode = (found["mode"] or "ASYNC").upper()
    return Kill(mode, lambda running: all(term(running) for term in terms))


def kill_own(
    registry: Registry, asking: Running, sql: str, params: Mapping[str, str]
) -> str | None:
    """Stops those of the login's own statements that KILL QUERY names.

    SYNC waits for their end, up to 5 s. Gives a SELECT of what KILL QUERY answers (kill_status,
    query_id, user, query); None if this is another kind of KILL.

    Raises:
        ServerError: 48 for a condition that is not understood.
    """
    kill = parse_kill(sql, params)
    if kill is None:
        return None
    victims = registry.find(
        lambda one: one is not asking and one.login == asking.login and kill.matches(one)
    )
    if kill.mode != "TEST":
        registry.kill(victims)
    if kill.mode == "SYNC":
        _wait(victims)
    rows = ", ".join(
        f"({quote('finished' if one.ended.is_set() else 'waiting')}, {quote(one.query_id)},"
        f" {quote(one.login)}, {quote(one.text)})"
        for one in victims
    )
    columns = quote("kill_status String, query_id String, user String, query String")
    return f"SELECT * FROM values({columns}, {rows})" if rows else f"SELECT * FROM null({columns})"


def _wait(victims: list[Running]) -> None:
    deadline = time.monotonic() + SYNC_SECONDS
    for victim in victims:
        victim.ended.wait(max(0.0, deadline - time.monotonic()))


def _unbracketed(where: str) -> str:
    return where[1:-1].strip() if where.startswith("(") and where.endswith(")") else where


def _term(part: str, params: Mapping[str, str]) -> Callable[[Running], bool]:
    found = _TERM.fullmatch(part.strip())
    if not found:
        raise ServerError(
            48, "NOT_IMPLEMENTED", "KILL QUERY here takes conditions on query_id or user only"
        )
    texts = [_text(literal, params) for literal in re.findall(_STRING, found["texts"])]
    patterns = [_like(t) if found["test"].upper() == "LIKE" else re.escape(t) for t in texts]
    pattern = re.compile("|".join(patterns), re.S)
    if found["column"].lower() == "user":
        return lambda running: pattern.fullmatch(running.login) is not None
    return lambda running: pattern.fullmatch(running.query_id) is not None


def _text(literal: str, params: Mapping[str, str]) -> str:
    if literal.startswith("{"):
        name = literal[1:].split(":")[0].strip()
        if name not in params:
            raise ServerError(456, "UNKNOWN_QUERY_PARAMETER", f"Substitution `{name}` is not set")
        return params[name]
    return _ESCAPE.sub(lambda found: found[1] or "'", literal[1:-1])


def _like(pattern: str) -> str:
    parts = re.findall(r"\\.|.", pattern, re.S)
    wild = {"%": ".*", "_": "."}
    return "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
