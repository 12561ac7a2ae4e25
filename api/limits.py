"""What a head may have before anybody knows who sent it: its bytes are counted here, and nothing is parsed."""

from collections.abc import Sequence

from api.concurrency import Taken
from api.faults import Busy
from api.problems import Problem, describe

HEAD_BYTES = 64 * 1024
"""Bytes of the line and the headers of a request; the parser itself would take them without end."""
HEADERS = 100
TARGET_BYTES = 40 * 1024
"""Bytes of the address with its query: the longest ticket has 32 KiB."""
PARAMETERS = 50
ESCAPES = 2_000
"""Percent signs of an address: an identifier of 128 characters has at most 1,536 of them."""
MEMBERS = 500
"""Commas and semicolons of all headers together: what lists and cookies are split at."""
BODY_BYTES = 128 * 1024
"""Twice what a client of Socket.IO may send at once."""
EVENTS_BYTES = 4 * 1024 * 1024
"""Bytes of the body of `POST /events`, which waits for its token: of what is not read yet the process has 64 KiB."""
HOOK_BYTES = 1024 * 1024
"""Bytes of the body of a webhook, whose signature is checked over all of it."""
PIECE_BYTES = 64
"""What each piece of a body counts beside its bytes: a chunk of one costs as much as one of many."""
PIECES = 16
"""The part of a larger body that its pieces may count beyond it: 64 bytes of each kilobyte."""
PIPELINED = 16
"""Requests that may wait for the answer to the one before; the connection ends after that of the last."""

Headers = Sequence[tuple[bytes, bytes]]

_FIELDS = "Request Header Fields Too Large"
NO_REQUEST = Problem(400, "", "Bad Request", "Invalid HTTP request received.")
TOO_LONG_HEAD = Problem(400, "", "Bad Request", "The head of the request is too long.")
TOO_MANY_HEADERS = Problem(431, "", _FIELDS, f"A request has at most {HEADERS} headers.")
_MANY_MEMBERS = f"The headers of a request have at most {MEMBERS} commas and semicolons."
TOO_MANY_MEMBERS = Problem(431, "", _FIELDS, _MANY_MEMBERS)
_LONG_TARGET = f"An address has at most {TARGET_BYTES} bytes, {PARAMETERS} parameters, {ESCAPES} percent signs."
TOO_LONG_TARGET = Problem(414, "", "URI Too Long", _LONG_TARGET)
FULL = describe(Busy("This address has as many connections as it may have.", 5))


def too_much(target: bytes, headers: Headers) -> Problem | None:
    """What a head has too much of."""
    if len(target) + sum(len(name) + len(value) + 4 for name, value in headers) > HEAD_BYTES:
        return TOO_LONG_HEAD
    if len(headers) > HEADERS:
        return TOO_MANY_HEADERS
    if (
        len(target) > TARGET_BYTES
        or target.count(b"&") >= PARAMETERS
        or target.count(b"%") > ESCAPES
    ):
        return TOO_LONG_TARGET
    if sum(value.count(b",") + value.count(b";") for _, value in headers) > MEMBERS:
        return TOO_MANY_MEMBERS
    return None


def body_bytes(method: bytes, path: str) -> int:
    """What the body of a request may have."""
    if method == b"POST" and path == "/events":
        return EVENTS_BYTES
    return HOOK_BYTES if method == b"POST" and path.startswith("/hooks/") else BODY_BYTES


def counted_bytes(limit: int) -> int:
    """What a body of at most `limit` bytes may count with its pieces: the endpoints of larger ones hold them to their
    bytes themselves."""
    return limit if limit == BODY_BYTES else limit + limit // PIECES


def too_long_body(limit: int) -> Problem:
    """A body has more than that."""
    return Problem(413, "", "Content Too Large", f"A body has at most {limit} bytes.")


def plain_cookies(value: bytes) -> bytes:
    """A `Cookie` header without those that have a backslash: none of ours has (nor may any, RFC 6265), and Python's
    parser takes seconds for many of them."""
    if b"\\" not in value:
        return value
    return b";".join(one for one in value.split(b";") if b"\\" not in one)


class Connections:
    """How many connections each address has; it may have `limit`, 0 is no limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = Taken()

    def __len__(self) -> int:
        return self._open.total()

    def enter(self, address: str) -> bool:
        """Takes a slot for a connection; returns whether there was one."""
        if self._limit and self._open[address] >= self._limit:
            return False
        self._open[address] += 1
        return True

    def leave(self, address: str) -> None:
        self._open.give_back(address)
