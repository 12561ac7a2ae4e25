"""RFC 6455 from the side of the server, with its own examples."""

import random

import pytest

from api.push.encoding import websocket_frame
from api.push.websocket import (
    CLOSE,
    MAX_MESSAGE,
    PING,
    TEXT,
    TOO_LONG,
    Broken,
    Message,
    Reader,
    accept_key,
)

ASKED = {
    "upgrade": "WebSocket",
    "connection": "keep-alive, Upgrade",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
}


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True, key: bytes = b"abcd") -> bytes:
    size = len(payload)
    head = bytes(((0x80 if final else 0) | opcode,))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 65536:
        head += b"\xfe" + size.to_bytes(2, "big")
    else:
        head += b"\xff" + size.to_bytes(8, "big")
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def test_the_handshake_of_the_standard() -> None:
    assert accept_key(ASKED) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    "change",
    [
        {"upgrade": "h2c"},
        {"connection": "close"},
        {"sec-websocket-version": "8"},
        {"sec-websocket-key": "short"},
        {"sec-websocket-key": "é" * 24},
        {"sec-websocket-key": ""},
    ],
)
def test_no_other_request_is_one(change: dict[str, str]) -> None:
    assert accept_key({**ASKED, **change}) is None


def test_the_masked_text_of_the_standard() -> None:
    assert list(Reader().feed(bytes.fromhex("818537fa213d7f9f4d5158"))) == [Message(TEXT, b"Hello")]


def test_what_the_server_sends_is_not_masked() -> None:
    assert websocket_frame(b"Hello") == bytes.fromhex("810548656c6c6f")
    assert websocket_frame(b"x" * 256)[:4] == bytes.fromhex("817e0100")
    assert websocket_frame(b"x" * 65536)[:10] == bytes.fromhex("817f0000000000010000")


@pytest.mark.parametrize("seed", range(20))
def test_messages_come_whole_however_the_bytes_come(seed: int) -> None:
    dice = random.Random(seed)
    messages, data = [], b""
    for _ in range(20):
        payload = dice.randbytes(dice.choice((0, 1, 125, 126, 300, 3000)))
        pieces = dice.choice((1, 1, 2, 3))
        cuts = sorted(dice.randrange(len(payload) + 1) for _ in range(pieces - 1))
        bounds = [0, *cuts, len(payload)]
        for n in range(pieces):
            part = payload[bounds[n] : bounds[n + 1]]
            key = dice.choice((b"\0\0\0\0", dice.randbytes(4)))
            data += frame(part, 0 if n else TEXT, final=n == pieces - 1, key=key)
            if n == pieces - 1:
                messages.append(Message(TEXT, payload))
            if dice.random() < 0.3:
                data += frame(b"p", PING)
                messages.append(Message(PING, b"p"))
    reader, found, at = Reader(), [], 0
    while at < len(data):
        step = dice.choice((1, 2, 7, 1000, 10_000))
        found += reader.feed(data[at : at + step])
        at += step
    assert found == messages


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x05Hello", 1002),  # not masked
        (b"\xc1\x80abcd", 1002),  # a reserved bit
        (frame(b"", 3), 1002),
        (frame(b"", 11), 1002),
        (frame(b"x" * 126, PING), 1002),
        (frame(b"", CLOSE, final=False), 1002),
        (frame(b"x", 0), 1002),  # goes on with nothing
        (frame(b"x", final=False) + frame(b"y"), 1002),  # does not go on
        (b"\x81\xff" + (2**40).to_bytes(8, "big"), TOO_LONG),
        (frame(b"x" * (MAX_MESSAGE + 1)), TOO_LONG),
        (frame(b"x" * MAX_MESSAGE, final=False) + frame(b"y", 0), TOO_LONG),
    ],
)
def test_what_the_standard_forbids_ends_the_connection(data: bytes, code: int) -> None:
    with pytest.raises(Broken) as broken:
        list(Reader().feed(data))
    assert broken.value.code == code
