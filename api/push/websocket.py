"""The server's side of a WebSocket (RFC 6455): the handshake, and the frames that a client sends.

What the server sends is in `encoding`: the same bytes for all. Extensions are not offered; compression would cost
34 KB of memory a connection.
"""

import asyncio
import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from websockets import utils

from api.push.encoding import websocket_frame

MAX_MESSAGE = 64 * 1024
"""Bytes of a message of a client; none that we read is longer."""
MAX_FRAMES = 1_000
"""Frames in one read, which is up to 256 KiB; a frame may have two bytes and its mask."""
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NORMAL, GOING_AWAY, PROTOCOL_ERROR = 1000, 1001, 1002
POLICY, TOO_LONG, RESTART = 1008, 1009, 1012
EXPIRED = 4401
"""The token has run out."""


class Broken(Exception):
    """The client broke the protocol; `code` is that of the close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Message(NamedTuple):
    """A whole message, or a control frame."""

    opcode: int
    payload: bytes


def accept_key(headers: Mapping[str, str]) -> str | None:
    """`Sec-WebSocket-Accept` for the headers of a request (section 4.2.2); None where it asks for no WebSocket."""
    upgrade = headers.get("upgrade", "").lower()
    connection = [token.strip().lower() for token in headers.get("connection", "").split(",")]
    key = headers.get("sec-websocket-key", "")
    if upgrade != "websocket" or "upgrade" not in connection:
        return None
    if headers.get("sec-websocket-version") != "13" or not _is_key(key):
        return None
    return utils.accept_key(key)


def close(transport: asyncio.Transport, code: int) -> None:
    """Sends a close frame as the last one; nothing where the connection is being closed already."""
    if not transport.is_closing():
        transport.write(websocket_frame(close_payload(code), CLOSE))
        transport.close()


def close_payload(code: int) -> bytes:
    return code.to_bytes(2, "big")


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


class Reader:
    """From bytes as they arrive to messages."""

    __slots__ = ("_at", "_buffer", "_opcode", "_parts")

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        """Where the next frame begins in it."""
        self._opcode: int | None = None
        self._parts = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are whole now.

        Raises:
            Broken: on what section 5 forbids, and beyond `MAX_MESSAGE` and `MAX_FRAMES`.
        """
        self._buffer += data
        frames = 0
        while (frame := self._frame()) is not None:
            frames += 1
            if frames > MAX_FRAMES:
                raise Broken(POLICY, "too many frames at once")
            message = self._assemble(*frame)
            if message is not None:
                yield message
        # once, and not for each of many small frames
        self._buffer, self._at = self._buffer[self._at :], 0

    def _frame(self) -> tuple[bool, int, bytes] | None:
        data, begin = self._buffer, self._at
        if len(data) < begin + 2:
            return None
        first, second = data[begin : begin + 2]
        final, opcode, size = bool(first & 0x80), first & 15, second & 127
        if first & 0x70 or not second & 0x80:
            raise Broken(PROTOCOL_ERROR, "reserved bits, or a frame that is not masked")
        if opcode >= CLOSE and (size > 125 or not final):
            raise Broken(PROTOCOL_ERROR, "a control frame that is too long or in parts")
        at = begin + 2 + {126: 2, 127: 8}.get(size, 0)
        if size > 125:
            if len(data) < at:
                return None
            size = int.from_bytes(data[begin + 2 : at], "big")
        if size + len(self._parts) > MAX_MESSAGE:
            raise Broken(TOO_LONG, "the message is too long")
        if len(data) < at + 4 + size:
            return None
        payload = utils.apply_mask(data[at + 4 : at + 4 + size], data[at : at + 4])
        self._at = at + 4 + size
        return final, opcode, payload

    def _assemble(self, final: bool, opcode: int, payload: bytes) -> Message | None:
        if opcode in (CLOSE, PING, PONG):
            return Message(opcode, payload)
        if opcode not in (CONTINUATION, TEXT, BINARY) or (opcode == CONTINUATION) == (
            self._opcode is None
        ):
            raise Broken(PROTOCOL_ERROR, "a frame that does not belong here")
        if opcode != CONTINUATION:
            self._opcode = opcode
        self._parts += payload
        if not final:
            return None
        whole, self._parts = Message(self._opcode or TEXT, bytes(self._parts)), bytearray()
        self._opcode = None
        return whole
