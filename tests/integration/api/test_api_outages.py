"""An API whose broker, engine or own process ends. One broker and one engine for all tests here."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from api_harness import (
    PARTITIONS,
    Child,
    api_child,
    bearer,
    eventually,
    kafka,
    order_event,
    stream,
    token,
)

from clickhouse.client import Address, ClickHouseClient
from clickhouse.migrations import migrate_engine
from shopstream.contracts.cursor import Partition, decode
from shopstream.contracts.envelope import BATCH
from shopstream.contracts.topics import INPUTS, ORDERS
from support.brokers import Brokers
from support.engine import ClickHouseServer as Server
from support.migrated import copy_migrated
from support.processes import free_port

DAY = "/reports/daily-sales?date=2026-11-22"
PLACE = Partition(ORDERS, 0)


@dataclass
class Stack:
    api: Child
    brokers: Brokers
    engine: Server
    port: int
    http: httpx.AsyncClient

    @property
    def kafka(self) -> str:
        return self.brokers.bootstrap

    async def ready(self, status: int = 200) -> dict[str, str]:
        answer = await eventually(
            lambda: self.http.get("/ready"), lambda answer: answer.status_code == status, 20
        )
        return answer.json()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Brokers, Server]]:
    """To be stopped and started at will; a test leaves them running."""
    folder = tmp_path_factory.mktemp("outages")
    brokers, server = Brokers(folder), Server(folder)
    try:
        brokers.start()
        copy_migrated(server.path)
        server.start()
        yield brokers, server
    finally:
        brokers.end()
        server.child.kill()


@pytest.fixture
async def own(servers: tuple[Brokers, Server], tmp_path: Path) -> AsyncIterator[Stack]:
    """An API of the test's own on them; it knows of no progress."""
    brokers, server = servers
    address, port = Address.parse(server.url()), free_port()
    await migrate_engine(address)
    async with ClickHouseClient(address) as engine:
        await engine.execute("TRUNCATE TABLE progress")
    api = api_child(tmp_path, port, clickhouse_url=server.url(), kafka_bootstrap=brokers.bootstrap)
    api.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=15) as http:
            yield Stack(api, brokers, server, port, http)
    finally:
        assert api.process
        api.process.kill()
        api.process.wait()


async def test_without_kafka_reports_are_served_and_streams_go_on_once_it_is_back(
    own: Stack,
) -> None:
    async with kafka(own.kafka) as first:
        await own.ready()
        epoch = await first.epoch(ORDERS)
        async with stream(own.http, headers=bearer(token("b1"))) as events:
            await events.until("stream:ready")
            last = await first.event(order_event("b1", "last"), ORDERS)
            before = await events.order("last")
            own.brokers.end()
            down = await own.ready(503)
            answer = await own.http.get(DAY, headers=bearer(token("b1")))
            health = await own.http.get("/health")
            own.brokers.start()
            async with kafka(own.kafka) as second:
                await own.ready()
                await second.event(order_event("b1", "new"), ORDERS)
                after = await events.order("new")
    assert (down["status"], down["clickhouse"]) == ("unready", "ok")
    assert down["kafka"].startswith(f"Kafka does not answer at {own.kafka}")
    assert (answer.status_code, answer.json()["asOf"], health.status_code) == (200, None, 200)
    assert decode(str(before.id))[PLACE] == (epoch, last + 1)
    assert decode(str(after.id))[PLACE] == (epoch, last + 2)
    assert own.api.text().count("WARNING") <= 2, own.api.text()


async def test_a_topic_that_is_made_again_is_read_from_its_beginning(own: Stack) -> None:
    async with kafka(own.kafka) as first:
        await own.ready()
        old = await first.epoch(ORDERS)
        async with stream(own.http, headers=bearer(token("b2"))) as events:
            await events.until("stream:ready")
            for number in range(3):
                await first.event(order_event("b2", f"old{number}"), ORDERS)
            before = await events.order("old2")
            await delete(own.kafka, ORDERS)
            async with kafka(own.kafka) as second:
                offset = await second.event(order_event("b2", "new"), ORDERS)
                new = await second.epoch(ORDERS)
                # until the API has looked at the topics again, it may push the record as one of the former topic
                event = await events.order("new", within=20)
                while decode(str(event.id))[PLACE].epoch == old:
                    event = await events.order("new", within=20)
                gone = await own.http.get(
                    DAY, params={"includes": str(before.id)}, headers=bearer(token("b2"))
                )
    assert decode(str(before.id))[PLACE].epoch == old
    assert (offset, decode(str(event.id))[PLACE]) == (0, (new, 1))
    assert old != new
    assert (gone.status_code, gone.json()["parameter"]) == (400, "includes")


async def delete(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()


async def test_events_over_http_wait_for_the_broker_to_be_back(own: Stack) -> None:
    """The client repeats what was refused, and its key, until it is accepted: then all is there, once."""
    events = [order_event("b3", f"o{number}") for number in range(50)]
    body = json.dumps(events).encode()
    headers = {
        **bearer(token("b3", role="producer")),
        "Content-Type": BATCH,
        "Idempotency-Key": "k-1",
    }

    async def post() -> httpx.Response:
        return await own.http.post("/events", content=body, headers=headers)

    async with kafka(own.kafka):
        await own.ready()
        own.brokers.end()
        at_once = await post()
        await own.ready(503)
        later = await post()
        for answer in (at_once, later):
            assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
        own.brokers.start()
        await own.ready()
        accepted = await eventually(post, lambda answer: answer.status_code == 202, 30)
        ends = await in_orders(own.kafka)
        again = await post()
        assert (again.status_code, again.content) == (202, accepted.content)
        assert await in_orders(own.kafka) == ends
    places = [(each["partition"], each["offset"]) for each in accepted.json()["records"]]
    assert [json.loads(ends[place]) for place in places] == events
    # what the first try left in the client may have followed: the same events
    mine = {json.loads(value)["id"] for value in ends.values() if b'"b3"' in value}
    assert mine == {event["id"] for event in events}


async def in_orders(bootstrap: str) -> dict[tuple[int, int], bytes]:
    """All records of `shop.orders` by partition and offset."""
    places = [TopicPartition(ORDERS, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found: dict[tuple[int, int], bytes] = {}
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found |= {(each.partition, each.offset): each.value for each in records}
        return found
    finally:
        await consumer.stop()


async def test_a_frozen_or_dead_engine_is_a_503_and_it_goes_on_by_itself(own: Stack) -> None:
    async with kafka(own.kafka):
        await own.ready()
        own.engine.child.freeze()
        begun = time.monotonic()
        frozen, state = await asyncio.gather(
            own.http.get(DAY, headers=bearer(token("b1"))), own.ready(503)
        )
        assert (frozen.status_code, frozen.headers["retry-after"]) == (503, "1")
        assert time.monotonic() - begun < 20
        assert (state["clickhouse"], state["kafka"]) == ("The database does not answer.", "ok")
        own.engine.child.wake()
        await own.ready()
        own.engine.child.kill()
        dead = await own.http.get(DAY, headers=bearer(token("b1")))
        assert dead.json()["type"] == "urn:shopstream:problem:database-unavailable"
        own.engine.start()
        await own.ready()
        assert (await own.http.get(DAY, headers=bearer(token("b1")))).status_code == 200


async def test_a_new_process_knows_stored_progress_and_cursors_of_its_predecessor(
    own: Stack,
) -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    async with (
        kafka(own.kafka) as broker,
        ClickHouseClient(Address.parse(own.engine.url())) as engine,
    ):
        await own.ready()
        async with stream(own.http, headers=bearer(token("b1"))) as events:
            await events.until("stream:ready")
            await broker.event(order_event("b1"), ORDERS)
            cursor = str((await events.next()).id)
        rows = [
            f"('{topic}', {number}, {await broker.epoch(topic)}, 1, '{at:%Y-%m-%d %H:%M:%S}', now())"
            for topic in INPUTS
            for number in range(PARTITIONS)
        ]
        await engine.execute(f"INSERT INTO progress VALUES {', '.join(rows)}")
        own.api.stop()
        own.api.start()
        await own.ready()
        answer = await eventually(
            lambda: own.http.get(DAY, headers=bearer(token("b1"))),
            lambda answer: answer.json()["asOf"] is not None,
        )
        assert answer.json()["asOf"] == "2026-11-22T12:00:00.000000Z"
        headers = bearer(token("b1")) | {"Last-Event-ID": cursor}
        async with stream(own.http, headers=headers) as events:
            assert (await events.next()).data == {"complete": True, "cursor": cursor}


async def test_a_stop_says_goodbye_to_open_streams_and_is_quick(own: Stack) -> None:
    async with kafka(own.kafka):
        await own.ready()
        async with (
            stream(own.http, headers=bearer(token("b1"))) as one,
            stream(own.http, headers=bearer(token("b2"))) as two,
        ):
            for events in (one, two):
                await events.until("stream:ready")
            assert own.api.process
            begun = time.monotonic()
            own.api.process.send_signal(signal.SIGTERM)
            last = [(await events.rest())[-1] for events in (one, two)]
            code = await asyncio.to_thread(own.api.process.wait, 5)
            took = time.monotonic() - begun
    assert [(event.event, event.data["reason"]) for event in last] == [
        ("stream:bye", "shutdown")
    ] * 2
    assert all(decode(event.data["cursor"]) for event in last)
    assert (code, took < 2) == (0, True), took
    assert "Traceback" not in own.api.text()


async def test_a_stop_is_quick_while_a_client_reads_nothing_and_another_waits(own: Stack) -> None:
    async with kafka(own.kafka) as broker:
        await own.ready()
        reader, writer = await asyncio.open_connection("127.0.0.1", own.port, limit=1024)
        head = f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token('b1')}\r\n\r\n"
        writer.write(head.encode())
        await reader.readuntil(b"stream:ready")
        waiting = asyncio.create_task(
            own.http.get(DAY, params={"includes": f"{ORDERS}:0:9999"}, headers=bearer(token("b1")))
        )
        for _ in range(40):
            await broker.event(order_event("b1", pad="x" * 200_000), ORDERS)
        begun = time.monotonic()
        assert await asyncio.to_thread(own.api.stop) == 0
        assert time.monotonic() - begun < 10
        await asyncio.wait({waiting}, timeout=5)
        writer.close()


async def test_without_a_secret_it_does_not_start(tmp_path: Path) -> None:
    child = api_child(tmp_path, free_port(), jwt_secret=None)
    child.start()
    assert child.process
    code = await asyncio.to_thread(child.process.wait, 10)
    assert (code, child.text()) == (
        2,
        "SHOPSTREAM_JWT_SECRET: is not set, nor is SHOPSTREAM_JWKS_URL, so no token could be checked\n",
    )


async def test_a_port_in_use_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        child = api_child(tmp_path, port)
        child.start()
        assert child.process
        code = await asyncio.to_thread(child.process.wait, 10)
    assert (code, child.text()) == (
        2,
        f"SHOPSTREAM_PORT: cannot listen on 127.0.0.1:{port} (Address already in use)\n",
    )
