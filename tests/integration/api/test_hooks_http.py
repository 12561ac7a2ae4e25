"""`POST /hooks/<platform>/<shop>` in a real process beside a real Kafka: what is signed is there, and nothing else."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from api_harness import HOOK_SECRETS, Kafka, bearer, stream, token

from api.hooks.routes import MEMORY_BYTES
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


async def test_no_secret_is_written_down(
    http: httpx.AsyncClient, broker: Kafka, folder: Path
) -> None:
    texts = [path.read_text(errors="replace") for path in folder.glob("api-*.log")]
    texts.append((await http.get("/metrics")).text)
    assert texts and not any(secret(p) in text for p in CASES for text in texts)
