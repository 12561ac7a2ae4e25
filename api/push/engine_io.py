"""Engine.IO v4: its packets, its errors, its times, and the first request of a session.

https://socket.io/docs/v4/engine-io-protocol/
"""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from starlette.datastructures import QueryParams

from api.push.websocket import MAX_MESSAGE

VERSION = "4"
"""Revision of Engine.IO."""
PING_INTERVAL, PING_TIMEOUT = 25.0, 20.0
"""Seconds: the defaults of socket.io, which its clients expect."""
CONNECT_SECONDS = 5.0
"""A session must authenticate in this time: until then it has a slot among the streams without a token."""
UPGRADE_SECONDS = 20.0
"""A WebSocket that a session may move to must be moved to in this time."""
MOVING_POLL_SECONDS = 0.1
"""How long a poll waits where its client was told that it may move to a WebSocket: it waits for the end of a poll."""
MAX_PAYLOAD = MAX_MESSAGE
MAX_PACKETS = 1_000
"""Packets in one POST."""

UNKNOWN_TRANSPORT, UNKNOWN_SID, BAD_REQUEST, BAD_VERSION = 0, 1, 3, 5
"""Codes of Engine.IO's errors."""
_MESSAGES = {
    UNKNOWN_TRANSPORT: "Transport unknown",
    UNKNOWN_SID: "Session ID unknown",
    BAD_REQUEST: "Bad request",
    BAD_VERSION: "Unsupported protocol version",
}


class Packet:
    """The first byte of a packet."""

    OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = b"0", b"1", b"2", b"3", b"4", b"5", b"6"


class BadHandshake(Exception):
    """A request that Engine.IO refuses; `code` is that of its errors."""

    def __init__(self, code: int) -> None:
        super().__init__(_MESSAGES[code])
        self.code = code

    def body(self) -> bytes:
        """As its clients read it."""
        return orjson.dumps({"code": self.code, "message": _MESSAGES[self.code]})


@dataclass(frozen=True, slots=True)
class Handshake:
    """The first request of a session, as far as it says who comes."""

    query: QueryParams
    authorization: str | None
    address: str
    cookies: Mapping[str, str]
