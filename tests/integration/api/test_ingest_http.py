"""`POST /events` in a real process beside a real Kafka: what was answered is there, and is pushed."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from api_harness import Addresses, Kafka, bearer, order_event, stream, token

from api.limits import EVENTS_BYTES
from shopstream.contracts.envelope import BATCH, STRUCTURED
from shopstream.contracts.events import read_event

SHOP = "ingest"


@pytest.fixture
async def consumer(addresses: Addresses) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=addresses.kafka, enable_auto_commit=False)
    await consumer.start()
    yield consumer
    await consumer.stop()


async def record_at(consumer: AIOKafkaConsumer, topic: str, partition: int, offset: int) -> Any:
    place = TopicPartition(topic, partition)
    consumer.assign([place])
    consumer.seek(place, offset)
    return await asyncio.wait_for(consumer.getone(place), 10)


async def post(http: httpx.AsyncClient, content: bytes, kind: str, **head: str) -> httpx.Response:
    said = {"Content-Type": kind, **bearer(token(SHOP, role="producer")), **head}
    return await http.post("/events", content=content, headers=said)


async def test_a_batch_is_there_as_it_was_sent_and_is_pushed(
    http: httpx.AsyncClient, broker: Kafka, consumer: AIOKafkaConsumer
) -> None:
    events = [json.dumps(order_event(SHOP, f"b{n}", price=n)).encode() for n in range(300)]
    async with stream(http, "/events", bearer(token(SHOP))) as listening:
        await listening.until("stream:ready")
        answer = await post(http, b"[" + b",\n".join(events) + b"]", BATCH)
        assert answer.status_code == 202, answer.text
        await listening.order("b299", within=20)
    records = answer.json()["records"]
    assert len({tuple(each.values()) for each in records}) == 300
    for n in (0, 150, 299):
        found = await record_at(consumer, **records[n])
        assert (found.value, found.key) == (events[n], f"{SHOP}/b{n}".encode())


async def test_every_content_mode_is_one_event_in_kafka(
    http: httpx.AsyncClient, broker: Kafka, consumer: AIOKafkaConsumer
) -> None:
    event = order_event(SHOP, "modes")
    data = json.dumps(event["data"]).encode()
    heads = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    whole = json.dumps(event).encode()
    seen = set()
    for content, kind, head in (
        (whole, STRUCTURED, {}),
        (whole, "application/json", {}),
        (data, "application/json", heads),
    ):
        answer = await post(http, content, kind, **head)
        assert answer.status_code == 202, answer.text
        found = await record_at(consumer, **answer.json()["records"][0])
        seen.add(repr(read_event(found.value, "shop.orders")))
    assert len(seen) == 1


async def test_a_large_batch_passes_and_one_beyond_the_bound_does_not(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    note = "x" * 2_000
    events = [json.dumps(order_event(SHOP, f"l{n}", note=note)) for n in range(1_500)]
    body = f"[{','.join(events)}]".encode()
    assert 3_500_000 < len(body) < EVENTS_BYTES
    answer = await post(http, body, BATCH)
    assert answer.status_code == 202, answer.text
    assert len(answer.json()["records"]) == 1_500
    whole = await post(http, body + b" " * (EVENTS_BYTES - len(body)), BATCH)
    assert whole.status_code == 202, whole.text
    try:
        refused = await post(http, body + b" " * (EVENTS_BYTES + 1 - len(body)), BATCH)
    except httpx.TransportError:  # the connection is closed while the client still sends
        return
    assert refused.status_code == 413


async def test_a_token_of_another_shop_writes_nothing(
    http: httpx.AsyncClient, broker: Kafka, consumer: AIOKafkaConsumer
) -> None:
    places = [TopicPartition("shop.orders", n) for n in range(2)]
    before = await consumer.end_offsets(places)
    for shop in ("other", "Ingest", f"{SHOP} "):
        events = [order_event(SHOP, "own"), order_event(shop, "theirs")]
        answer = await post(http, json.dumps(events).encode(), BATCH)
        assert answer.status_code == 403
    assert await consumer.end_offsets(places) == before


@pytest.mark.parametrize("number", [0, 1])
async def test_the_curl_of_the_page_writes_an_event(
    number: int, http: httpx.AsyncClient, broker: Kafka
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "producing.md").read_text()
    found = re.findall(r"^```sh\n(NOW=.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(found) == 2
    told = {"API": str(http.base_url).rstrip("/"), "TOKEN": token("my-shop", role="producer")}
    ran = await asyncio.create_subprocess_exec(
        "bash", "-ec", found[number], env={**os.environ, **told}, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(ran.communicate(), 30)
    answer = json.loads(out)
    assert ran.returncode == 0
    assert answer["records"][0]["topic"] == ("shop.orders", "shop.inventory")[number]
    assert answer["includes"].startswith(answer["records"][0]["topic"])


async def test_a_record_in_binary_mode_is_pushed_as_an_event(
    http: httpx.AsyncClient, broker: Kafka
) -> None:
    event = order_event(SHOP, "pushed-binary", userid="u1")
    heads = [(f"ce_{name}", str(value).encode()) for name, value in event.items() if name != "data"]
    data = json.dumps(event["data"]).encode()
    batch = [("content-type", BATCH.encode())]
    async with stream(http, "/events", bearer(token(SHOP))) as listening:
        await listening.until("stream:ready")
        whole = json.dumps([order_event(SHOP, "pushed-batch")]).encode()
        await broker.producer.send_and_wait("shop.orders", whole, headers=batch, partition=0)
        await broker.producer.send_and_wait("shop.orders", None, key=b"k", partition=0)
        await broker.producer.send_and_wait("shop.orders", data, headers=heads, partition=0)
        pushed = await listening.until("order:created")
    assert pushed.data == event
