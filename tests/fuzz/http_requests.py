"""Mutated HTTP requests for a running API: `python tests/fuzz/http_requests.py HOST:PORT COUNT [SEED [TOKEN …]]`.

Each is answered, or its connection is closed; no answer is a 500, and the API still answers after it. Of the requests
three quarters have one of the tokens, which should be of `SHOPS` and of every role. Webhooks are signed with
`HOOK_SECRET`, which the API should have for the first of `SHOPS`. What each route answered is printed from `/metrics`.
"""

import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

_TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(_TESTS), str(_TESTS / "unit" / "contracts")]

from record_mutations import record  # noqa: E402

from shopstream.contracts.topics import INPUTS  # noqa: E402
from support.signing import sign  # noqa: E402

AT_ONCE = 100
SHOPS = ("s-1", "š")
"""Those of the events of `record_mutations`."""
HOOK_SECRET = "of-the-fuzz"
READ_SECONDS = 1.0
"""What is not answered by then waits for the rest of its request, as it may, or is a stream."""
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
PATHS = (
    *(b"/", b"/health", b"/ready", b"/metrics", b"/openapi.json", b"/nothing"),
    *(b"/docs", b"/redoc", b"/reports/daily-sales", b"/reports/weekly-sales", b"/reports/trends"),
    *(b"/reports/monthly-sales", b"/reports/metrics", b"/stock", b"/events", b"/events/history"),
    *(b"/ws", b"/presence", b"/auth/ticket", b"/socket.io/?EIO=4&transport=polling"),
    b"/socket.io/?EIO=4&transport=websocket",
    *(b"/hooks/shopify/s", b"/hooks/stripe/s", b"/hooks/nothing/s"),
)
METHODS = (b"GET", b"GET", b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"CONNECT", b"PRI", b"X")
HEADERS = (
    b"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
    b"Authorization: Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.AAAA",
    b'Cookie: a=b; c="\\"\\101"',
    b"Origin: https://evil.test",
    b"Access-Control-Request-Method: POST",
    b"Access-Control-Request-Headers: a,b,c",
    b"Accept-Encoding: gzip;q=0.5, br",
    b'If-None-Match: W/"a", "b"',
    b"Last-Event-ID: AgAA",
    b"X-Request-Id: r1",
    b"Expect: 100-continue",
    b"Connection: Upgrade, keep-alive",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Content-Type: application/cloudevents+json",
    b"Content-Type: application/cloudevents-batch+json",
    b"Content-Type: application/json",
    b"Idempotency-Key: k",
    b"X-Shopify-Hmac-Sha256: AAAA",
    b"Stripe-Signature: t=1,v1=00",
)
FRAMES = (
    (b"", b""),
    (b"", b""),
    (b"", b"hello"),
    (b"Content-Length: 5", b"hello"),
    (b"Content-Length: 9", b"hello"),
    (b"Content-Length: 6", b"[{}, 1"),
    (b"Content-Length: 21", b'{"specversion":"1.0"}'),
    (b"Content-Length: 99999999999999999999", b"hello"),
    (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"1;x=y\r\nz\r\n0\r\na: b\r\n\r\n"),
    (b"Transfer-Encoding: chunked, identity", b""),
    (b"Content-Length: 5\r\nContent-Length: 6", b"40\x1e41"),
)
"""How a body is announced, and what comes."""
QUERIES = (
    *(
        b"shopId=s-1",
        b"shopId=s-1",
        b"shopId=%C5%A1",
        b"shopId=s",
        b"ticket=a.b.c",
        b"lastEventId=AgAA",
    ),
    *(
        b"includes=x:0:1",
        b"includes=shop.orders:0:1",
        b"date=%",
        b"date=2026-11-22",
        b"a",
        b"days=7",
    ),
    *(b"startDate=2026-11-16", b"endDate=2026-11-22", b"year=2026", b"month=11", b"low=true"),
    *(b"limit=5", b"cursor=AgAA", b"types=order:created", b"after=AgAA"),
)
PIECES = (b"\r\n", b"\0", b"\xff", b"%", b"&", b";", b",", b":", b" ", b"[", b'"', b"\\", b"0")


GOLDEN = {
    platform: [
        json.loads(path.read_text())
        for path in sorted((_TESTS / "unit/sources/golden" / platform).glob("*.json"))
    ]
    for platform in ("shopify", "woocommerce", "stripe")
}
"""Payloads of webhooks, by platform."""
_ODD: tuple[Any, ...] = (None, True, -1, 0.1, 10**30, "", "NaN", "é" * 200, "\ud800", [], {}, [[]])


def request(dice: random.Random, tokens: Sequence[bytes] = ()) -> bytes:
    """One request, or some on one connection, with bytes changed."""
    text = b"".join(_one(dice, tokens) for _ in range(dice.choice((1, 1, 1, 2, 20))))
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 8))):
        text = dice.choice(_CHANGES)(dice, text)
    return text


def _one(dice: random.Random, tokens: Sequence[bytes]) -> bytes:
    kind = dice.randrange(8)
    if kind == 0:
        return _events(dice, tokens)
    return _webhook(dice) if kind == 1 else _any(dice, tokens)


def _events(dice: random.Random, tokens: Sequence[bytes]) -> bytes:
    """`POST /events` with events that keep the rules, or nearly."""
    topic = dice.choice(INPUTS)
    events = [
        record(dice, topic, changes=dice.choice((0, 0, 0, 1, 2)))
        for _ in range(dice.choice((1, 1, 2, 5)))
    ]
    headers = _authorization(dice, tokens)
    match dice.randrange(3):
        case 0:
            headers.append(b"Content-Type: application/cloudevents-batch+json")
            body = b"[" + b",".join(events) + b"]"
        case 1:
            headers.append(b"Content-Type: application/cloudevents+json; charset=utf-8")
            body = events[0]
        case _:
            headers += [b"Content-Type: application/json", *_binary(dice)]
            body = events[0]
    if not dice.randrange(4):
        headers.append(b"Idempotency-Key: %d" % dice.randrange(5))
    return _post(b"/events", headers, body)


def _binary(dice: random.Random) -> list[bytes]:
    """The attributes of an event as headers, or none of them."""
    given = {
        "specversion": "1.0",
        "id": str(dice.randrange(1000)),
        "source": "/fuzz",
        "type": "order:created",
        "shopid": dice.choice(SHOPS),
    }
    return [
        f"ce-{name}: {quote_from_bytes(value.encode())}".encode() for name, value in given.items()
    ] * dice.randrange(2)


def _webhook(dice: random.Random) -> bytes:
    """A signed payload, in which a member may be another."""
    platform = dice.choice(list(GOLDEN))
    case = dice.choice(GOLDEN[platform])
    payload = json.loads(json.dumps(case["payload"]))
    for _ in range(dice.choice((0, 1, 1, 3))):
        node = payload
        while isinstance(node, dict | list) and node:
            at = dice.choice(list(node) if isinstance(node, dict) else range(len(node)))
            if not isinstance(node[at], dict | list) or not dice.randrange(3):
                node[at] = deepcopy(dice.choice(_ODD))
                break
            node = node[at]
    body = json.dumps(payload).encode()
    if not dice.randrange(4):
        body = dice.choice((_flip, _cut))(dice, body)
    headers = sign(platform, HOOK_SECRET, body, time.time())
    names = {"shopify": "x-shopify-topic", "woocommerce": "x-wc-webhook-topic"}
    if platform in names and dice.randrange(9):
        headers[names[platform]] = case["topic"]
    path = f"/hooks/{platform}/{SHOPS[0]}".encode()
    return _post(path, [f"{name}: {value}".encode() for name, value in headers.items()], body)


def _post(path: bytes, headers: list[bytes], body: bytes) -> bytes:
    head = [b"POST " + path + b" HTTP/1.1", b"Host: x", *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join((*head, b"", body))


def _authorization(dice: random.Random, tokens: Sequence[bytes]) -> list[bytes]:
    return [b"Authorization: Bearer " + dice.choice(tokens)] if tokens and dice.randrange(4) else []


def _any(dice: random.Random, tokens: Sequence[bytes]) -> bytes:
    path = dice.choice(PATHS)
    for n in range(dice.choice((0, 1, 2, 60))):
        path += (b"&" if n or b"?" in path else b"?") + dice.choice(QUERIES)
    headers = [b"Host: x", *dice.choices(HEADERS, k=dice.choice((0, 0, 1, 1, 3, 3, 8, 120)))]
    headers += _authorization(dice, tokens)
    frame, body = dice.choice(FRAMES)
    headers += [frame] if frame else []
    method = dice.choice(METHODS) if dice.randrange(3) else b"GET"
    version = dice.choice((b"1.1", b"1.1", b"1.1", b"1.1", b"1.1", b"1.0", b"1.7"))
    line = method + b" " + path + b" HTTP/" + version
    return b"\r\n".join((line, *headers, b"", body))


def _flip(dice: random.Random, text: bytes) -> bytes:
    at = dice.randrange(len(text) + 1)
    return text[:at] + bytes((dice.randrange(256),)) + text[at + 1 :]


def _cut(dice: random.Random, text: bytes) -> bytes:
    at = dice.randrange(len(text) + 1)
    return text[:at] + text[at + dice.choice((1, 10, 1000)) :]


def _repeat(dice: random.Random, text: bytes) -> bytes:
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice(PIECES) * dice.choice((1, 10, 1_000, 70_000)) + text[at:]


def _double(dice: random.Random, text: bytes) -> bytes:
    first, last = sorted((dice.randrange(len(text) + 1), dice.randrange(len(text) + 1)))
    return text[:last] + text[first:last] * dice.choice((1, 5)) + text[last:]


_CHANGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (_flip, _cut, _repeat, _double)


async def send(
    host: str, port: int, count: int, seed: int, tokens: Sequence[str] = ()
) -> Counter[str]:
    """What became of the requests: statuses, `closed` without an answer, `waits` where neither came."""
    dice, found, numbers = random.Random(seed), Counter[str](), iter(range(count))
    known = [token.encode() for token in tokens]

    async def some() -> None:
        for _ in numbers:
            text = request(dice, known)
            for outcome in await _outcomes(host, port, text):
                found[outcome] += 1

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return found


async def _outcomes(host: str, port: int, text: bytes) -> list[str]:
    reader, writer = await asyncio.open_connection(host, port)
    answer, end = b"", "closed"
    try:
        writer.write(text)
        async with asyncio.timeout(READ_SECONDS):
            while piece := await reader.read(1 << 16):
                answer += piece
                if len(answer) < 1 << 16 and _is_kept(answer):
                    break
    except TimeoutError:
        end = "waits"
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return [status.decode() for status in _STATUS.findall(answer)] or [end]


def _is_kept(answer: bytes) -> bool:
    """Whether there is nothing more to wait for but the end of an idle connection."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(end and length and len(body) >= int(length[1]) and b"connection: close" not in head)


async def answers(host: str, port: int) -> float:
    """How long the API takes to say that it runs, in seconds."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return time.monotonic() - began


async def routes(host: str, port: int) -> Counter[str]:
    """The answers of the process so far, by method, route and status."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    found = re.findall(r"shopstream_http_requests_total\{(.+)\} (\S+)", text)
    return Counter({labels: int(float(count)) for labels, count in found})


async def _main(address: str, count: str, seed: str = "1", *tokens: str) -> int:
    host, _, port = address.rpartition(":")
    slowest, before = 0.0, await routes(host, int(port))
    sending = asyncio.create_task(send(host, int(port), int(count), int(seed), tokens))
    while not sending.done():
        slowest = max(slowest, await answers(host, int(port)))
        await asyncio.sleep(0.05)
    found = await sending
    for labels, answered in sorted((await routes(host, int(port)) - before).items()):
        print(f"{answered:9,} {labels}")
    print(dict(sorted(found.items())))
    print(f"the slowest answer to /health beside it: {slowest * 1000:.0f} ms")
    return 1 if found["500"] else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(*sys.argv[1:])))
