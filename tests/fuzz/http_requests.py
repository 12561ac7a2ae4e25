"""Mutated HTTP requests for a running API: `python tests/fuzz/http_requests.py HOST:PORT COUNT [SEED [TOKEN]]`.

Each is answered, or its connection is closed; no answer is a 500, and the API still answers after it.
"""

import asyncio
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable

AT_ONCE = 50
READ_SECONDS = 1.0
"""What is not answered by then waits for the rest of its request, as it may, or is a stream."""
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
PATHS = (
    *(b"/", b"/health", b"/ready", b"/metrics", b"/openapi.json", b"/nothing"),
    *(b"/reports/daily-sales", b"/reports/trends", b"/stock", b"/events", b"/events/history"),
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
QUERIES = (b"shopId=s", b"ticket=a.b.c", b"lastEventId=AgAA", b"includes=x:0:1", b"date=%", b"a")
PIECES = (b"\r\n", b"\0", b"\xff", b"%", b"&", b";", b",", b":", b" ", b"[", b'"', b"\\", b"0")


def request(dice: random.Random, token: bytes | None = None) -> bytes:
    """One request, or some on one connection, with bytes changed."""
    text = b"".join(_one(dice, token) for _ in range(dice.choice((1, 1, 1, 2, 20))))
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 8))):
        text = dice.choice(_CHANGES)(dice, text)
    return text


def _one(dice: random.Random, token: bytes | None) -> bytes:
    path = dice.choice(PATHS)
    for n in range(dice.choice((0, 1, 2, 60))):
        path += (b"&" if n or b"?" in path else b"?") + dice.choice(QUERIES)
    headers = [b"Host: x", *dice.choices(HEADERS, k=dice.choice((0, 0, 1, 1, 3, 3, 8, 120)))]
    if token and dice.randrange(2):
        headers.append(b"Authorization: Bearer " + token)
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
    host: str, port: int, count: int, seed: int, token: str | None = None
) -> Counter[str]:
    """What became of the requests: statuses, `closed` without an answer, `waits` where neither came."""
    dice, found, numbers = random.Random(seed), Counter[str](), iter(range(count))

    async def some() -> None:
        for _ in numbers:
            text = request(dice, token.encode() if token else None)
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
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return time.monotonic() - began


async def _main(address: str, count: str, seed: str = "1", token: str | None = None) -> int:
    host, _, port = address.rpartition(":")
    slowest = 0.0
    sending = asyncio.create_task(send(host, int(port), int(count), int(seed), token))
    while not sending.done():
        slowest = max(slowest, await answers(host, int(port)))
        await asyncio.sleep(0.05)
    found = await sending
    print(dict(sorted(found.items())))
    print(f"the slowest answer to /health beside it: {slowest * 1000:.0f} ms")
    return 1 if found["500"] else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(*sys.argv[1:])))
