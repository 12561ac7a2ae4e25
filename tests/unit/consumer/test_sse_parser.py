"""The format of server-sent events, by the examples and rules of WHATWG HTML, section 9.2."""

import random
from itertools import pairwise

import pytest

from shopstream.consumer import SseFrame, SseParser


def parse(*pieces: bytes) -> list[SseFrame]:
    parser = SseParser()
    return [frame for piece in pieces for frame in parser.feed(piece)]


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        (b"data: a\n\n", [("message", "a", None)]),
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", None)]),
        (b": test stream\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
         [("message", "first", "1"), ("message", "second", ""), ("message", " third", None)]),
        (b"data\n\ndata\ndata\n\ndata:", [("message", "", None), ("message", "\n", None)]),
        (b"event: add\rdata: 1\r\revent: b\r\ndata: 2\r\n\r\n", [("add", "1", None), ("b", "2", None)]),
        (b"\xef\xbb\xbfdata: x\n\n", [("message", "x", None)]),
        (b"event: lost\n\ndata: x\n\n", [("message", "x", None)]),
        (b"id: a\0b\ndata: x\n\n", [("message", "x", None)]),
        (b"data: not ended\n", []),
        ("data: ä€\U0001f600\n\n".encode(), [("message", "ä€\U0001f600", None)]),
        (b"other: 1\ndata: x\n\n", [("message", "x", None)]),
    ],
)  # fmt: skip
def test_the_rules_of_the_format(text: bytes, frames: list[tuple[str, str, str | None]]) -> None:
    expected = [SseFrame(*frame) for frame in frames]
    assert parse(text + b"\n" if text.endswith(b"\r") else text) == expected
    assert parse(*(bytes((byte,)) for byte in text)) == expected


def test_a_stream_cut_anywhere_is_the_same_stream() -> None:
    dice = random.Random(5)
    for _ in range(200):
        end = dice.choice((b"\n", b"\r\n", b"\r"))
        text, frames = b"", []
        for number in range(dice.randrange(1, 8)):
            data = "".join(dice.choices("aä€\U0001f600:{} ", k=dice.randrange(1, 30)))
            data = data.removeprefix(" ") or "x"
            text += b": ping" + end + end if dice.random() < 0.3 else b""
            text += f"id: {number}".encode() + end + b"event: e" + end
            text += f"data: {data}".encode() + end + end
            frames.append(SseFrame("e", data, str(number)))
        text += b":" + end  # so that a carriage return at the end is known to be one
        cuts = sorted(dice.randrange(len(text) + 1) for _ in range(dice.randrange(20)))
        bounds = [0, *cuts, len(text)]
        assert parse(*(text[a:b] for a, b in pairwise(bounds))) == frames


def test_the_time_to_come_back_is_taken() -> None:
    parser = SseParser()
    list(parser.feed(b"retry: 1500\nretry: soon\n\n"))
    assert parser.retry_ms == 1500
