"""`POST /hooks/<platform>/<shop>` in a real process beside a real Kafka: what is signed is there, and nothing else."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from api_harness import HOOK_SECRETS, Kafka, bearer, stream, token

from api import bodies
from api.bodies import BodyMemory
from api.faults import Busy
from api.hooks.routes import ADDRESS_BYTES, MEMORY_BYTES
from api.limits import HOOK_BYTES
from provider.apps import Counting, application, client
from support.signing import sign

SHOP = "hooked"
GOLDEN = Path(__file__).parents[2] / "unit" / "sources" / "golden"
TOPIC = {"shopify": "x-shopify-topic", "woocommerce": "x-wc-webhook-topic"}
CASES = {
    "shopify": "order-created",
    "woocommerce": "order-created-by-a-guest",
    "stripe": "charge",
}


def golden(platform: str, name: str) -> tuple[bytes, dict[str, str], list[dict[str, Any]]]:
    """The body, the header of its topic, and the events of the shop `hooked`."""
    case = json.loads((GOLDEN / platform / f"{name}.json").read_text())
    topic = {TOPIC[platform]: case["topic"]} if platform in TOPIC else {}
    events = [
        {**event, "shopid": SHOP, "source": f"/{platform}/{SHOP}"}
        for event in case.get("events", ())
    ]
    return json.dumps(case["payload"]).encode(), topic, events


def secret(platform: str) -> str:
    given = HOOK_SECRETS[platform][SHOP]  # type: ignore[index]
    return given if isinstance(given, str) else given[-1]


def signed(platform: str, body: bytes, now: float | None = None) -> dict[str, str]:
    return sign(platform, secret(platform), body, time.time() if now is None else now)


async def post(
    http: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str]
) -> httpx.Response:
    return await http.post(f"/hooks/{path}", content=body, headers=headers)


@pytest.mark.parametrize("platform", CASES)
async def test_a_signed_payload_is_pushed_as_its_events(
    http: httpx.AsyncClient, broker: Kafka, platform: str
) -> None:
    body, topic, events = golden(platform, CASES[platform])
    async with stream(http, "/events", bearer(token(SHOP))) as listening:
        await listening.until("stream:ready")
        answer = await post(http, f"{platform}/{SHOP}", body, {**signed(platform, body), **topic})
        assert (answer.status_code, answer.json()) == (200, {"events": len(events)})
        pushed = [(await listening.next(within=20)).data for _ in events]
    assert sorted(pushed, key=lambda event: event["id"]) == sorted(events, key=lambda e: e["id"])


@pytest.mark.parametrize("platform", CASES)
async def test_without_a_signature_that_fits_every_answer_is_the_same(
    http: httpx.AsyncClient, broker: Kafka, platform: str
) -> None:
    body, topic, _ = golden(platform, CASES[platform])
    good = signed(platform, body)
    bad = sign(platform, "another", body, time.time())
    answers = [
        await post(http, f"{platform}/{SHOP}", body, {**bad, **topic}),
        await post(http, f"{platform}/nobody", body, {**good, **topic}),
        await post(http, f"{platform}/nobody", body, {**bad, **topic}),
        await post(http, f"etsy/{SHOP}", body, {**good, **topic}),
        await post(http, f"{platform}/{SHOP}", body, topic),
        await post(http, f"{platform}/{SHOP}", body + b" ", {**good, **topic}),
        await post(http, f"{platform}/{SHOP}", b"{", {**good, **topic}),
        await post(http, f"{platform}/{SHOP}", b"", {**good, **topic}),
    ]
    shown = set()
    for answer in answers:
        problem = answer.json()
        del problem["requestId"]
        shown.add((answer.status_code, json.dumps(problem), answer.headers["WWW-Authenticate"]))
    assert len(shown) == 1
    assert answers[0].status_code == 401


async def test_a_payload_that_was_listened_in_on_is_of_no_use_later(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    body, _, _ = golden("stripe", "charge")
    for ago, status in ((290, 200), (310, 401), (-310, 401)):
        answer = await post(http, f"stripe/{SHOP}", body, signed("stripe", body, time.time() - ago))
        assert answer.status_code == status


async def test_both_secrets_of_a_shop_are_good(http: httpx.AsyncClient, broker: Kafka) -> None:
    body, topic, _ = golden("woocommerce", "stock")
    for each in ("of-woo-old", "of-woo"):
        headers = {**sign("woocommerce", each, body, 0), **topic}
        assert (await post(http, f"woocommerce/{SHOP}", body, headers)).status_code == 200


async def test_any_identifier_is_an_address_and_a_secret_is_of_one_shop(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    body, topic, _ = golden("shopify", "order-created")
    slashes = {**sign("shopify", "of-a-shop-with-slashes", body, 0), **topic}
    own = {**signed("shopify", body), **topic}
    path = quote("m/\u00fc/..", safe="")
    for shop, headers, status in (
        (path, slashes, 200),
        (path, own, 401),
        (SHOP, slashes, 401),
        (f"{SHOP}/", own, 401),
        (f"{SHOP}%00", own, 401),
        ("%ff", own, 401),
        (f"nobody/..%2F{SHOP}", own, 401),
    ):
        answer = await post(http, f"shopify/{shop}", body, headers)
        assert answer.status_code == status, shop


async def test_what_gives_no_event_is_answered_and_counted(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    body, topic, _ = golden("shopify", "refund")
    answer = await post(http, f"shopify/{SHOP}", body, {**signed("shopify", body), **topic})
    assert (answer.status_code, answer.json()) == (200, {"ignored": "topic refunds/create"})
    body, topic, _ = golden("shopify", "stock-of-two-variants")
    test = {**signed("shopify", body), **topic, "X-Shopify-Test": "true"}
    answer = await post(http, f"shopify/{SHOP}", body, test)
    assert (answer.status_code, answer.json()) == (200, {"ignored": "a test notification"})
    unsigned = {**test, **sign("shopify", "another", body, 0)}
    assert (await post(http, f"shopify/{SHOP}", body, unsigned)).status_code == 401
    answer = await post(http, f"woocommerce/{SHOP}", b"webhook_id=7", {})
    assert (answer.status_code, answer.json()) == (200, {"ignored": "ping"})
    assert (await post(http, "woocommerce/nobody", b"webhook_id=7", {})).status_code == 200
    assert (await post(http, f"shopify/{SHOP}", b"webhook_id=7", {})).status_code == 401
    metrics = (await http.get("/metrics")).text
    for outcome in ("written", "ignored", "unsigned"):
        assert f'shopstream_hooks_total{{outcome="{outcome}",platform="shopify"}}' in metrics
    assert 'platform="etsy"' not in metrics


@pytest.mark.parametrize(
    ("name", "field", "detail"),
    [
        ("order-without-updated-at", "updated_at", "updated_at is missing"),
        (
            "order-with-bad-price",
            "line_items[0].price",
            "line_items[0].price must be a decimal number of at most 13 digits and 8 decimals",
        ),
    ],
)
async def test_a_payload_that_no_event_can_be_made_of_names_the_member(
    http: httpx.AsyncClient, broker: Kafka, name: str, field: str, detail: str
) -> None:
    body, topic, _ = golden("shopify", name)
    answer = await post(http, f"shopify/{SHOP}", body, {**signed("shopify", body), **topic})
    assert answer.status_code == 422
    assert (answer.json()["field"], answer.json()["detail"]) == (field, detail)


async def test_a_rule_of_the_contract_is_named_too(http: httpx.AsyncClient, broker: Kafka) -> None:
    case = json.loads((GOLDEN / "shopify" / "order-created.json").read_text())
    case["payload"]["currency"] = "euro"
    body = json.dumps(case["payload"]).encode()
    headers = {**signed("shopify", body), "x-shopify-topic": "orders/create"}
    answer = await post(http, f"shopify/{SHOP}", body, headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "data.currency")
    body = b"{"
    answer = await post(http, f"shopify/{SHOP}", body, {**headers, **signed("shopify", body)})
    assert answer.status_code == 422


async def test_bodies_are_bounded(http: httpx.AsyncClient, broker: Kafka) -> None:
    body, topic, _ = golden("shopify", "order-created")
    body += b" " * (HOOK_BYTES - len(body))
    headers = {**signed("shopify", body), **topic}
    assert (await post(http, f"shopify/{SHOP}", body, headers)).status_code == 200
    body = b"x" * (HOOK_BYTES + 1)
    try:
        answer = await post(http, f"shopify/{SHOP}", body, signed("shopify", body))
    except httpx.TransportError:
        pass  # the API has closed the connection before it was asked
    else:
        assert answer.status_code == 413
    assert HOOK_BYTES < MEMORY_BYTES
    body = b'{"line_items":[' + b" " * (HOOK_BYTES // 2) + b"]}"
    answer = await post(http, "shopify/nobody", body, signed("shopify", body))
    assert answer.status_code == 401


async def test_without_kafka_the_platform_sends_again() -> None:
    secrets = {("shopify", SHOP): (secret("shopify").encode(),)}
    app = application(Counting(), kafka=lambda: "Kafka is away.", hook_secrets=secrets)
    body, topic, _ = golden("shopify", "order-created")
    async with client(app) as http:
        answer = await post(http, f"shopify/{SHOP}", body, {**signed("shopify", body), **topic})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


class Slow:
    """A body that stays open once its bytes are sent, until `end`."""

    def __init__(self, size: int) -> None:
        self.end, self._size = asyncio.Event(), size
        self.sent = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._size // 65536):
            yield b" " * 65536
        self.sent.set()
        await self.end.wait()


async def test_a_stranger_fills_its_own_share_of_the_memory_and_no_more() -> None:
    app = application(Counting(), hook_secrets={("shopify", SHOP): (secret("shopify").encode(),)})
    body, _, _ = golden("shopify", "refund")
    headers = {**signed("shopify", body), "x-shopify-topic": "refunds/create"}
    bad = {"x-shopify-hmac-sha256": "AAAA"}
    many = ADDRESS_BYTES // HOOK_BYTES

    def sender(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://test")

    async with sender("10.0.0.1") as stranger, sender("10.0.0.2") as platform:
        held = [Slow(HOOK_BYTES) for _ in range(many)]
        waiting = [
            asyncio.create_task(stranger.post("/hooks/shopify/made-up", content=each, headers=bad))
            for each in held
        ]
        for each in held:
            await each.sent.wait()
        await asyncio.sleep(0)
        refused = await post(stranger, f"shopify/{SHOP}", body, headers)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert (await post(platform, f"shopify/{SHOP}", body, headers)).status_code == 200
        for each in held:
            each.end.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {401}
        assert (await post(stranger, f"shopify/{SHOP}", body, headers)).status_code == 200


async def test_behind_a_proxy_all_senders_share_the_memory() -> None:
    memory = BodyMemory("full", MEMORY_BYTES)
    with memory.slot("proxy") as take, memory.slot("proxy") as other:
        take(MEMORY_BYTES - 1)
        with pytest.raises(Busy):
            other(2)
        other(1)


async def test_a_body_has_so_much_time_as_its_bytes_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "FIRST_SECONDS", 0.2)
    app = application(Counting(), hook_secrets={})
    headers = {"x-shopify-hmac-sha256": "AAAA"}
    async with client(app) as http:
        for size in (0, 65536):
            body = Slow(size)
            answer = await http.post("/hooks/shopify/s", content=body, headers=headers)
            assert (answer.status_code, answer.json()["title"]) == (408, "Request Timeout")
            assert body.sent.is_set()


async def test_no_secret_is_written_down(
    http: httpx.AsyncClient, broker: Kafka, folder: Path
) -> None:
    texts = [path.read_text(errors="replace") for path in folder.glob("api-*.log")]
    texts.append((await http.get("/metrics")).text)
    assert texts and not any(secret(p) in text for p in CASES for text in texts)
