"""One event as bytes, once for each protocol: all subscribers of a channel that speak it get the same bytes.

An encoding is a protocol and how the connection carries it. What a connection cannot tell apart by itself ends with
RECORD_SEPARATOR (as Engine.IO v4 separates packets); JSON text never has that byte.
"""

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from api.push.records import PushEvent

RETRY_MS = (1000, 3000)
"""A client of `EventSource` comes back after a random time in between, so that not all of them do at once."""
RECORD_SEPARATOR = b"\x1e"
_KEY = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*:\s*')
_SCALAR = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,{}\[\]"]+')
_AFTER = re.compile(r"\s*[,}]")
# what numbers mean is of no matter here, only where they end
_scan = json.JSONDecoder(parse_int=len, parse_float=len).scan_once  # type: ignore[attr-defined]

Text = Callable[[PushEvent, str], bytes]
"""The text of an event with its cursor; empty where the event is not part of the replayable stream."""
Control = Callable[[str, Mapping[str, Any]], bytes]
"""The text of a message of the stream itself: its name, such as `stream:ready`, and its members."""
Frame = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """`ping` is a whole frame that keeps a silent connection open; empty where the protocol has its own."""

    name: str
    text: Text
    control_text: Control
    frame: Frame
    ping: bytes
    one_frame: bool
    """Whether many texts may share a frame."""

    def events(self, events: Iterable[tuple[PushEvent, str]]) -> bytes:
        """The frames of events with their cursors."""
        texts = [self.text(event, cursor) for event, cursor in events]
        if self.one_frame:
            return self.frame(b"".join(texts))
        return b"".join(map(self.frame, texts))

    def control(self, name: str, **members: Any) -> bytes:
        """The frame of a message of the stream itself."""
        return self.frame(self.control_text(name, members))


def _sse(event: PushEvent, cursor: str) -> bytes:
    """WHATWG HTML, section 9.2."""
    id_line = b"id: %b\n" % cursor.encode() if cursor else b""
    return b"%bevent: %b\ndata: %b\n\n" % (id_line, event.type.encode(), event.value)


def _sse_control(name: str, members: Mapping[str, Any]) -> bytes:
    """With the id of its cursor: a browser that is cut off before the first event comes back to where it began. An
    empty one would make it forget."""
    head = b"id: %b\n" % members["cursor"].encode() if "cursor" in members else b""
    if name == "stream:ready":
        head += b"retry: %d\n" % random.randint(*RETRY_MS)  # noqa: S311
    return b"%bevent: %b\ndata: %b\n\n" % (head, name.encode(), orjson.dumps(members))


def _ws(event: PushEvent, cursor: str) -> bytes:
    if not cursor:
        return b'{"event":%b}' % event.value
    return b'{"cursor":"%b","event":%b}' % (cursor.encode(), event.value)


def _ws_control(name: str, members: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"control": name, **members})


def _socketio(event: PushEvent, cursor: str) -> bytes:
    """An EVENT packet of Socket.IO v5 in a message packet of Engine.IO v4: `data` first, then what is known of it."""
    envelope = _members(event.value)
    meta = {"id": envelope["id"], "time": envelope.get("time")}
    if cursor:
        meta["cursor"] = cursor
    data = member(event.value, "data")
    if data is None:
        data = orjson.dumps(envelope["data"])
    return b'42["%b",%b,%b]' % (event.type.encode(), data, orjson.dumps(meta))


def _members(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:  # a number beyond those of binary floating point
        return json.loads(value, parse_int=float)


def _socketio_control(name: str, members: Mapping[str, Any]) -> bytes:
    return b"42" + orjson.dumps([name, members])


def websocket_frame(payload: bytes, opcode: int = 1) -> bytes:
    """RFC 6455, section 5.2: final, not masked, as a server sends it."""
    head, size = bytes((0x80 | opcode,)), len(payload)
    if size < 126:
        return b"%b%c%b" % (head, size, payload)
    if size < 65536:
        return b"%b\x7e%b%b" % (head, size.to_bytes(2, "big"), payload)
    return b"%b\x7f%b%b" % (head, size.to_bytes(8, "big"), payload)


def chunk(payload: bytes) -> bytes:
    """RFC 9112, section 7.1."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def _separated(payload: bytes) -> bytes:
    return payload + RECORD_SEPARATOR


def _plain(payload: bytes) -> bytes:
    return payload


_SSE_PING = b": ping\n\n"
SSE = Encoding("sse", _sse, _sse_control, _plain, _SSE_PING, True)
SSE_CHUNKED = Encoding("sse, chunked", _sse, _sse_control, chunk, chunk(_SSE_PING), True)
WEBSOCKET = Encoding("websocket", _ws, _ws_control, websocket_frame, websocket_frame(b"", 9), False)
WEBSOCKET_SEPARATED = Encoding("websocket, separated", _ws, _ws_control, _separated, b"", False)
SOCKETIO = Encoding("socket.io", _socketio, _socketio_control, websocket_frame, b"", False)
SOCKETIO_SEPARATED = Encoding(
    "socket.io, separated", _socketio, _socketio_control, _separated, b"", False
)


def member(document: bytes, name: str) -> bytes | None:
    """The value of a member of a JSON object as it was written, so that no digit of a number is lost.

    None where the name does not stand there in plain letters. The document must be valid JSON.
    """
    text, found = document.decode(), None
    at = text.index("{") + 1
    while (key := _KEY.match(text, at)) is not None:
        begin = key.end()
        scalar = _SCALAR.match(text, begin)
        end = scalar.end() if scalar else _scan(text, begin)[1]
        if key[1] == name:
            found = text[begin:end]
        at = _AFTER.match(text, end).end()  # type: ignore[union-attr]
    return None if found is None else found.encode()
