"""Two shops with the same ids and other numbers: no answer ever shows a byte of the other.

With SHOPSTREAM_FULL=1 more than 20,000 requests.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from api_harness import order_event, write
from fastapi import FastAPI
from scope_fuzz import ROUTES, SHOPS, Answer, Fuzz, Request, ask, token

from api.freshness.tracker import FreshnessTracker
from api.push.hub import Hub
from api.reports import read_your_writes
from clickhouse.client import ClickHouseClient
from provider.apps import application
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.notices import PipelineState, Progress
from shopstream.contracts.topics import ORDERS, TOPIC_OF_TYPE

REQUESTS = 24_000 if os.environ.get("SHOPSTREAM_FULL") else 2_000
AT_ONCE = 8
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLACE = Partition(ORDERS, 0)
MARK = {"fz-alpha": "Quartz", "fz-bravo": "Walnut"}
PRICE = {"fz-alpha": "1234.5671", "fz-bravo": "98765.4329"}
COUNT = {"fz-alpha": 3, "fz-bravo": 7}


def events(shop: str) -> Iterator[dict[str, Any]]:
    """The same ids in both shops, and nothing else alike."""
    mark, price, at = MARK[shop], PRICE[shop], "2026-11-21T10:00:00Z"
    lines = [
        {"productId": f"p{n}", "quantity": COUNT[shop], "unitPrice": price, "name": f"{mark} {n}"}
        for n in range(5)
    ]
    for day in (19, 20, 21, 22):
        created = f"2026-11-{day}T10:00:00Z"
        order = {"orderId": f"o{day}", "status": "paid", "currency": "EUR", "items": lines}
        yield event(shop, "order:updated", order | {"createdAt": created, "updatedAt": created})
    for n in range(5):
        level = {"productId": f"p{n}", "quantity": int(float(price)) + n, "updatedAt": at}
        more = {"name": f"{mark} {n}", "sku": f"{mark}-{n}"}
        yield event(shop, "inventory:updated", {**level, **more})
    paid = {"paymentId": "y1", "amount": price, "currency": "EUR", "at": at}
    yield event(shop, "payment:received", paid)


def event(shop: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    head = {"specversion": "1.0", "id": f"{kind}-{len(data)}", "source": "/test", "type": kind}
    return {**head, "shopid": shop, "data": data}


@pytest.fixture(scope="module")
async def world(engine: ClickHouseClient) -> tuple[FastAPI, Hub]:
    """Both shops stored; the API keeps answers, and its hub is live."""
    for shop in SHOPS:
        for each in events(shop):
            await write(engine, TOPIC_OF_TYPE[each["type"]], [json.dumps(each).encode()])
    tracker, hub = FreshnessTracker(), Hub(NOW.timestamp)
    tracker.observe(PipelineState("w", {PLACE: Progress(1, 5, NOW)}, {}))
    hub.begin({PLACE: Position(1, 5)})
    hub.read.ready()
    return application(engine, now=lambda: NOW, tracker=tracker, hub=hub), hub


def published(hub: Hub) -> Callable[[], None]:
    """An event of each shop, and one to another user, while a stream is open."""

    def now() -> None:
        for shop in SHOPS:
            for named in ({}, {"userid": "u2"}):
                value = json.dumps(order_event(shop, MARK[shop], **named)).encode()
                hub.publish(shop, PLACE, Position(1, 6), int(NOW.timestamp()), value)
        hub.flush()

    return now


def leaves(found: Any) -> Iterator[str]:
    """Every text and number of a report, but when it was stored: both shops may share a second."""
    if isinstance(found, dict):
        found = [each for name, each in found.items() if name not in {"revisedAt", "revised"}]
    if isinstance(found, list):
        for each in found:
            yield from leaves(each)
    elif found is not None:
        yield found if isinstance(found, str) else json.dumps(found)


async def answers(app: FastAPI, shop: str) -> tuple[set[str], list[str]]:
    """Everything that the shop's own reports say, and its tags and cursors."""
    said: set[str] = set()
    theirs: list[str] = []
    for path in (*ROUTES[:6], "/stock?limit=1"):
        where, _, query = path.partition("?")
        head = (("authorization", f"Bearer {token(shop)}"),)
        answer = await ask(app, Request("GET", where, query.encode(), head, shop))
        body = json.loads(answer.body, parse_float=str)
        assert (answer.status, body["shopId"]) == (200, shop)
        said |= set(leaves(body))
        theirs += [
            line[6:].decode() for line in answer.content.split(b"\n") if line[:6] == b"etag: "
        ]
        theirs += [body["next"]] if body.get("next") else []
    return said, theirs


async def test_no_answer_shows_a_byte_of_another_shop(
    world: tuple[FastAPI, Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_your_writes, "WAIT_SECONDS", 0.01)
    app, hub = world
    own = {shop: await answers(app, shop) for shop in SHOPS}
    marks = secrets_of({shop: said for shop, (said, _) in own.items()})
    fuzz = Fuzz(20261122, parameters(app), [each for _, theirs in own.values() for each in theirs])
    seen: Counter[tuple[int, bool]] = Counter()
    for _ in range(REQUESTS // AT_ONCE):
        requests = [fuzz.request() for _ in range(AT_ONCE)]
        found = await asyncio.gather(*(ask(app, each, published(hub)) for each in requests))
        for request, answer in zip(requests, found, strict=True):
            check(request, answer, marks)
            seen[answer.status, request.shop is not None] += 1
    print(f"\n{sum(seen.values())} requests: {sorted(seen.items())}")
    assert {200, 304, 400, 401, 403, 404, 405, 415} >= {status for status, _ in seen} - {503}
    for status, reached in ((200, True), (400, True), (400, False), (401, False), (403, False)):
        assert seen[status, reached] > REQUESTS / 200, (status, reached)


def secrets_of(said: dict[str, set[str]]) -> dict[str, list[bytes]]:
    """By shop, what only its answers say; shorter texts turn up in a ticket by chance."""
    found: dict[str, list[bytes]] = {}
    for shop, texts in said.items():
        others = " ".join(text for other, some in said.items() if other != shop for text in some)
        own = {text for text in texts if len(text) >= 6 and text not in others}
        assert len(own) > 20 and {f"{MARK[shop]} 1", shop} <= own
        found[shop] = [text.encode() for text in own | {MARK[shop]}]
    return found


def parameters(app: FastAPI) -> dict[str, list[str]]:
    return {
        path: [each["name"] for each in operation.get("parameters", [])]
        for path, operations in app.openapi()["paths"].items()
        for operation in operations.values()
    }


def check(request: Request, answer: Answer, marks: dict[str, list[bytes]]) -> None:
    own = (request.shop or "").encode()
    for shop in SHOPS:
        if shop != request.shop:
            shown = [mark for mark in marks[shop] if mark in answer.content and mark not in own]
            assert not shown, (request, answer)
    assert b'"u2"' not in answer.body, (request, answer)
    if answer.status in (200, 304):
        mine = (
            request.shop is not None
            or request.path == "/auth/ticket"
            or request.method == "OPTIONS"
        )
        assert mine, (request, answer)
    if answer.status >= 500:
        kind = json.loads(answer.body)["type"]
        assert (answer.status, kind) == (503, "urn:shopstream:problem:not-yet"), (request, answer)
