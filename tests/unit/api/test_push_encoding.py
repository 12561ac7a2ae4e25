import json
import random

import pytest

from api.push.encoding import (
    SOCKETIO,
    SSE,
    SSE_CHUNKED,
    WEBSOCKET,
    member,
    websocket_frame,
)
from api.push.records import PushEvent

VALUE = (
    b'{"specversion":"1.0","id":"e1","source":"/s","type":"order:created","shopid":"s1",'
    b'"time":"2026-11-22T10:15:30Z","data":{"total":12.50,"note":"a, b: {c}"}}'
)
EVENT = PushEvent("s1", "order:created", None, VALUE)


def test_server_sent_events_share_a_chunk() -> None:
    one = b"id: C1\nevent: order:created\ndata: " + VALUE + b"\n\n"
    assert SSE.events([(EVENT, "C1")]) == one
    two = one + one.replace(b"C1", b"C2")
    chunked = b"%x\r\n%b\r\n" % (len(two), two)
    assert SSE_CHUNKED.events([(EVENT, "C1"), (EVENT, "C2")]) == chunked


def test_messages_of_a_websocket_are_a_frame_each() -> None:
    one = websocket_frame(b'{"cursor":"C1","event":' + VALUE + b"}")
    assert WEBSOCKET.events([(EVENT, "C1"), (EVENT, "C1")]) == one + one


def test_data_comes_first_over_socketio_with_every_digit() -> None:
    meta = b'{"id":"e1","time":"2026-11-22T10:15:30Z","cursor":"C1"}'
    data = b'{"total":12.50,"note":"a, b: {c}"}'
    packet = b'42["order:created",' + data + b"," + meta + b"]"
    assert SOCKETIO.events([(EVENT, "C1")]) == websocket_frame(packet)


def test_control_messages_tell_where_to_come_back_to() -> None:
    assert SSE.control("stream:reset", reason="x", cursor="C") == (
        b'id: C\nevent: stream:reset\ndata: {"reason":"x","cursor":"C"}\n\n'
    )
    assert SSE.control("stream:types", types=[]) == b'event: stream:types\ndata: {"types":[]}\n\n'
    assert WEBSOCKET.control("stream:reset", a=1) == websocket_frame(
        b'{"control":"stream:reset","a":1}'
    )
    assert SOCKETIO.control("stream:reset", a=1) == websocket_frame(b'42["stream:reset",{"a":1}]')
    place, first, rest = SSE.control("stream:ready", complete=True, cursor="C").split(b"\n", 2)
    assert place == b"id: C"
    assert 1000 <= int(first.removeprefix(b"retry: ")) <= 3000
    assert rest.startswith(b"event: stream:ready\n")


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (b'{"data":1.50}', b"1.50"),
        (b'{ "x" : {"data":2} , "data" : [1, {"a":"}"}] }', b'[1, {"a":"}"}]'),
        (b'{"a":"\\"data\\":","data":"x\\\\"}', b'"x\\\\"'),
        (b'{"data":1,"data":2}', b"2"),
        (b'{"a":"data","b":["data",{"data":1}]}', None),
        (b"{}", None),
        (b'{"d\\u0061ta":1}', None),
        (b'{"data":null}', b"null"),
        (b'{"data":{"n":' + b"9" * 5000 + b"}}", b'{"n":' + b"9" * 5000 + b"}"),
        ('{"ä":"€","data":["\U0001f600"]}'.encode(), '["\U0001f600"]'.encode()),
    ],
)
def test_a_member_as_it_was_written(document: bytes, found: bytes | None) -> None:
    assert member(document, "data") == found


def test_a_member_of_any_document() -> None:
    dice = random.Random(3)

    def value(depth: int) -> object:
        kind = dice.randrange(7 if depth < 4 else 4)
        if kind < 4:
            return dice.choice((None, True, 1.25, 'a"b\\c{[,:]}', "data", ""))
        if kind == 4:
            return [value(depth + 1) for _ in range(dice.randrange(4))]
        names = dice.choices(("data", "x", 'q"', "{", "y:"), k=dice.randrange(5))
        return {name: value(depth + 1) for name in names}

    for _ in range(500):
        inner = value(0)
        document = {"a": value(0), "data": inner, "z": value(0)}
        text = json.dumps(document, indent=dice.choice((None, 1))).encode()
        found = member(text, "data")
        assert found is not None
        assert json.loads(found) == inner
