"""What was missed comes from memory, then from what is stored, then what is live: once, in order."""

import asyncio
import json
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from listeners import PROTOCOLS, Item, Request, listen

from shopstream.contracts.cursor import Partition, decode
from support.events import Sent
from support.kafka import Place
from support.system import System
from support.waiting import eventually

FORGETFUL = [
    sys.executable,
    "-c",
    "import api.push.topic_reader as topic_reader\n"
    "topic_reader.REPLAY_RECORDS = 0\n"
    "from api.main import run; from shopstream.settings import load; exit(run(load()))",
]
"""An API process that knows nothing of what came before it."""
SLOW = [
    sys.executable,
    "-c",
    "import api.push.status_words as status_words\n"
    "status_words.PAUSE_SECONDS = 60\n"
    "from api.main import run; from shopstream.settings import load; exit(run(load()))",
]
"""An API process that looks for words of shops as it starts, and not again for a minute."""
AT = "2026-11-22T10:15:30Z"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("replay")) as system:
        yield system.start()


@pytest.fixture(scope="module")
def port(system: System) -> int:
    return system.add_api()


def level(shop: str, name: str, number: int, **more: Any) -> Sent:
    data = {"productId": name, "quantity": number, "updatedAt": AT}
    head = {"specversion": "1.0", "id": f"{name}-{number}", "source": "/replay"}
    event = {**head, "type": "inventory:updated", "shopid": shop, **more, "data": data}
    return Sent(f"{shop}/{name}".encode(), json.dumps(event).encode(), topic="shop.inventory")


async def take(protocol: str, request: Request, count: int, within: float = 20) -> list[Item]:
    """The first items of a stream."""
    found: list[Item] = []
    async with asyncio.timeout(within), aiohttp.ClientSession() as session:
        async for item in listen(session, protocol, request):
            found.append(item)
            if len(found) == count:
                return found
    raise AssertionError(found)


def ids(items: list[Item]) -> list[str]:
    return [data["id"] for _, cursor, data in items if cursor is not None]


def history(system: System, port: int, shop: str, **query: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {system.token(shop, 'u1')}"}
    url = f"http://127.0.0.1:{port}/events/history?{urlencode(query)}"
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


async def test_history_is_neither_pushed_nor_replayed(system: System, port: int) -> None:
    shop = "replay-backfill"
    token = system.token(shop, "u1", role="staff")
    types = "inventory:updated"
    (ready,) = await take("sse", Request(port, token, types=types), 1)
    old = [level(shop, f"old{n}", n, shopstreambackfill=True) for n in range(3)]
    new = [level(shop, "new", n, shopstreambackfill=False) for n in range(2)]
    await asyncio.to_thread(system.produce, [*old[:2], new[0], old[2], new[1]])
    await asyncio.to_thread(system.settle)
    for where in (port, await asyncio.to_thread(system.add_api, FORGETFUL)):
        seen = await take("sse", Request(where, token, ready[2]["cursor"], types), 3)
        assert ids(seen) == ["new-0", "new-1"]
    told = await asyncio.to_thread(history, system, port, shop, types=types)
    assert [one["event"]["id"] for one in told["events"]] == ["new-0", "new-1"]
    wanted = f"SELECT uniqExact(product_id) FROM levels WHERE shop_id = '{shop}'"
    assert system.sql.rows(wanted) == [["4"]]


async def test_a_process_that_forgot_everything_replays_what_is_stored(
    system: System, port: int
) -> None:
    shop = "replay-stored"
    token = system.token(shop, "u1", role="staff")
    types = "inventory:updated"
    (ready,) = await take("sse", Request(port, token, types=types), 1)
    names = [level(shop, f"p{n % 7}", n) for n in range(150)]
    names[40] = level(shop, "mine", 40, userid="u1")
    names[41] = level(shop, "theirs", 41, userid="u2")
    await asyncio.to_thread(system.produce, names)
    live = await take("sse", Request(port, token, ready[2]["cursor"], types), 150)
    other = await asyncio.to_thread(system.add_api, FORGETFUL)
    for protocol in PROTOCOLS:
        again = await take(protocol, Request(other, token, ready[2]["cursor"], types), 150)
        assert again[0][2]["complete"] is True
        assert sorted(ids(again)) == sorted(ids(live))
        for name in {f"p{n}" for n in range(7)}:
            mine = [each for each in ids(again) if each.startswith(f"{name}-")]
            assert mine == [each for each in ids(live) if each.startswith(f"{name}-")]
        assert "theirs-41" not in ids(again)
    # the last cursor of the one process is level with what the other one tells
    last = again[-1][1]
    (ready,) = await take("ws", Request(port, token, last, types), 1)
    assert ready[2]["complete"] is True
    more = [level(shop, "later", n) for n in range(3)]
    await asyncio.to_thread(system.produce, more)
    after = await take("socketio", Request(other, token, last, types), 4)
    assert ids(after) == ["later-0", "later-1", "later-2"]


def order(shop: str, name: str, status: str, size: int = 0) -> Sent:
    lines = [{"productId": "p", "quantity": 1, "unitPrice": "1.50"}]
    data = {"orderId": name, "status": status, "currency": "EUR", "items": lines}
    head = {"specversion": "1.0", "id": name, "source": "/replay", "type": "order:created"}
    event = {**head, "shopid": shop, "data": {**data, "createdAt": AT, "updatedAt": AT}}
    key = f"{shop}/orders-of-one-partition".encode()
    return Sent(key, json.dumps(event).ljust(size).encode(), topic="shop.orders")


def post(system: System, port: int, sent: Sent) -> None:
    """Writes an event over HTTP."""
    token = system.token(json.loads(sent.value or b"")["shopid"], role="producer")
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents+json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/events", sent.value, head)
    with urllib.request.urlopen(request, timeout=20) as answer:
        (place,) = json.load(answer)["records"]
    system.produced(Place(**place))


def words(shop: str, version: int, map: dict[str, str]) -> Sent:
    data = {
        "name": shop,
        "timezone": "UTC",
        "currency": "EUR",
        "updatedAt": f"2026-11-22T10:15:3{version}Z",
    }
    head = {"specversion": "1.0", "id": f"w{version}", "source": "/replay", "type": "shop:updated"}
    event = {**head, "shopid": shop, "data": {**data, "statusMap": map}}
    return Sent(shop.encode(), json.dumps(event).encode(), topic="shop.settings")


async def test_an_order_right_after_other_words_for_statuses_is_pushed_as_the_pipeline_decides(
    system: System,
) -> None:
    shop = "replay-words"
    token = system.token(shop, "u1", role="staff")
    slow = await asyncio.to_thread(system.add_api, SLOW)
    types = "order:created"
    # one by one, as columns, and beside the event loop
    first = [order(shop, "one", "on-hold")]
    many = [order(shop, f"m{n}", "on-hold" if n % 2 else "paid", 1000) for n in range(60)]
    last = [order(shop, "big", "on-hold", 20_000), order(shop, "after", "paid")]
    gone = [order(shop, f"g{n}", "on-hold" if n % 2 else "paid") for n in range(10)]
    rest = [json.loads(one.value or b"")["id"] for one in [*first, *many, *last]]
    rest += ["posted", *(f"g{n}" for n in range(0, 10, 2))]

    async def told(protocol: str, ready: asyncio.Event) -> tuple[str | None, list[str]]:
        cursor, found = None, []
        async with aiohttp.ClientSession() as session:
            async for name, at, data in listen(
                session, protocol, Request(slow, token, types=types)
            ):
                if name == "stream:ready":
                    cursor = data["cursor"]
                    ready.set()
                elif name == types and at is not None:
                    found.append(data["id"])
                else:
                    raise AssertionError((name, data))
                if len(found) == len(rest):
                    return cursor, found
        raise AssertionError(found)

    readies = [asyncio.Event() for _ in PROTOCOLS]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        streams = [
            group.create_task(told(protocol, ready))
            for protocol, ready in zip(PROTOCOLS, readies, strict=True)
        ]
        for ready in readies:
            await ready.wait()
        for sent in ([words(shop, 1, {"on-hold": "pending"})], first, many, last):
            await asyncio.to_thread(system.produce, sent)
            await asyncio.to_thread(system.settle)
        await asyncio.to_thread(post, system, slow, order(shop, "posted", "on-hold"))
        await asyncio.to_thread(system.settle)
        await asyncio.to_thread(system.produce, [words(shop, 2, {})])
        await asyncio.to_thread(system.settle)
        await asyncio.to_thread(system.produce, gone)
    for stream in streams:
        cursor, found = stream.result()
        assert found == rest
        again = await take("sse", Request(slow, token, cursor, types), 1 + len(rest))
        assert ids(again) == rest
    refused = [each["data"]["offset"] for each in system.dead_letters()]
    assert len(refused) == len(gone[1::2])


async def test_a_cursor_in_the_middle_goes_on_right_after_it(system: System, port: int) -> None:
    shop = "replay-middle"
    token = system.token(shop, "u1", role="staff")
    (ready,) = await take("sse", Request(port, token, types="inventory:updated"), 1)
    await asyncio.to_thread(system.produce, [level(shop, f"p{n}", n) for n in range(60)])
    start = Request(port, token, ready[2]["cursor"], types="inventory:updated")
    whole = await take("ws", start, 61)
    other = await asyncio.to_thread(system.add_api, FORGETFUL)
    for at in (1, 17, 59):
        for where in (port, other):
            request = Request(where, token, whole[at][1], types="inventory:updated")
            rest = await take("sse", request, 61 - at)
            assert sorted(ids(rest)) == sorted(ids(whole[at + 1 :]))


async def test_a_cursor_of_another_shop_shows_nothing_of_it(system: System, port: int) -> None:
    """From memory, from what is stored, and page by page: the events of the own shop behind that position."""
    shops = ("replay-scope", "replay-scope-2")
    types = "inventory:updated"
    tokens = [system.token(shop, "u1", role="staff") for shop in shops]
    (ready,) = await take("sse", Request(port, tokens[1], types=types), 1)
    # the same ids and products in both
    sent = [
        level(shop, f"p{n % 5}", n + 1000 * mine, id=f"e{n}")
        for n in range(40)
        for mine, shop in enumerate(shops)
    ]
    places = await asyncio.to_thread(system.produce, sent)
    await asyncio.to_thread(system.settle)
    theirs = await take("ws", Request(port, tokens[1], ready[2]["cursor"], types), 41)
    forgetful = await asyncio.to_thread(system.add_api, FORGETFUL)
    for cursor in (theirs[0][2]["cursor"], theirs[20][1]):
        reached = decode(cursor)
        wanted = sorted(
            json.loads(one.value or b"")["data"]["quantity"]
            for one, place in zip(sent[::2], places[::2], strict=True)
            if place.offset >= reached[Partition(place.topic, place.partition)].next
        )
        assert wanted
        for where in (port, forgetful):
            for protocol in PROTOCOLS:
                request = Request(where, tokens[0], cursor, types)
                _, *mine = await take(protocol, request, 1 + len(wanted))
                quantities = [data["data"]["quantity"] for _, _, data in mine]
                assert sorted(quantities) == wanted, protocol
            page = await asyncio.to_thread(
                lambda where=where, cursor=cursor: history(
                    system, where, shops[0], after=cursor, types=types, limit=1000
                )
            )
            found = [one["event"] for one in page["events"]]
            assert {one["shopid"] for one in found} == {shops[0]}
            assert sorted(one["data"]["quantity"] for one in found) == wanted


async def test_the_history_has_the_same_events_with_cursors_to_go_on_from(
    system: System, port: int
) -> None:
    shop = "replay-history"
    token = system.token(shop, "u1", role="staff")
    (ready,) = await take("sse", Request(port, token, types="inventory:updated"), 1)
    sent = [level(shop, f"p{n % 5}", n) for n in range(57)]
    sent[3] = level(shop, "theirs", 3, userid="u2")
    await asyncio.to_thread(system.produce, sent)
    # this process has read them all
    await take("sse", Request(port, token, ready[2]["cursor"], "inventory:updated"), 57)
    after, found = ready[2]["cursor"], []
    while after is not None:
        query = {"after": after, "limit": 10, "types": "inventory:updated"}
        page = await asyncio.to_thread(lambda q=query: history(system, port, shop, **q))
        assert page["complete"] is True
        assert len(page["events"]) <= 10
        found += page["events"]
        after = page["next"]
    names = [one["event"]["id"] for one in found]
    assert sorted(names) == sorted({f"p{n % 5}-{n}" for n in range(57) if n != 3})
    oldest = await asyncio.to_thread(
        lambda: history(system, port, shop, limit=1000, types="inventory:updated")
    )
    assert sorted(one["event"]["id"] for one in oldest["events"]) == sorted(names)
    request = Request(port, token, found[20]["cursor"], types="inventory:updated")
    rest = await take("sse", request, 1 + len(names) - 21)
    assert sorted(ids(rest)) == sorted(names[21:])


async def test_who_was_away_gets_what_the_system_said_meanwhile(system: System, port: int) -> None:
    shop = "replay-said"
    token = system.token(shop, "u1", role="staff")
    (ready,) = await take("sse", Request(port, token), 1)
    high, low = level(shop, "p", 1), level(shop, "p", 2)
    stock = [json.loads(each.value or b"") for each in (high, low)]
    for number, quantity in enumerate((50, 3)):
        stock[number]["data"] |= {"quantity": quantity, "updatedAt": f"2026-11-22T10:15:3{number}Z"}
        value = json.dumps(stock[number]).encode()
        sent = Sent(f"{shop}/p".encode(), value, topic="shop.inventory")
        await asyncio.to_thread(system.produce, [sent])
        await asyncio.to_thread(system.caught_up)
    items = [{"productId": "p", "quantity": 1, "unitPrice": "1.50"}]
    order = {"orderId": "o", "status": "paid", "currency": "EUR", "createdAt": AT, "updatedAt": AT}
    event = {**stock[0], "id": "o", "type": "order:created", "data": {**order, "items": items}}
    value = json.dumps(event).encode()
    await asyncio.to_thread(system.produce, [Sent(f"{shop}/o".encode(), value)])
    since = Request(port, token, ready[2]["cursor"], types="stock:low,report:updated")
    live = await take("sse", since, 3)
    assert {name for name, _, _ in live[1:]} == {"stock:low", "report:updated"}
    other = await asyncio.to_thread(system.add_api, FORGETFUL)
    again = await take("ws", Request(other, token, ready[2]["cursor"], types=since.types), 3)
    assert sorted(ids(again)) == sorted(ids(live))
    by_id = {data["id"]: data for _, cursor, data in live if cursor}
    assert all(data == by_id[data["id"]] for _, cursor, data in again if cursor)


async def test_a_topic_that_was_made_again_is_told_and_live_streams_go_on(
    system: System, port: int
) -> None:
    shop = "replay-again"
    token = system.token(shop, "u1", role="staff")

    def supplier(number: int) -> Sent:
        data = {"supplierId": f"s{number}", "name": "x", "updatedAt": AT}
        head = {"specversion": "1.0", "id": f"s-{number}", "source": "/replay"}
        event = {**head, "type": "supplier:updated", "shopid": shop, "data": data}
        return Sent(
            f"{shop}/s{number}".encode(), json.dumps(event).encode(), topic="shop.suppliers"
        )

    await asyncio.to_thread(system.produce, [supplier(n) for n in range(20)])
    request = Request(port, token, types="supplier:updated")
    (ready,) = await take("sse", request, 1)
    seen: list[Item] = []

    async def live() -> None:
        async with aiohttp.ClientSession() as session:
            async for item in listen(session, "ws", request):
                seen.append(item)

    listening = asyncio.create_task(live())
    while not seen:
        await asyncio.sleep(0.05)
    await asyncio.to_thread(make_again, system, "shop.suppliers")
    await asyncio.to_thread(system.produce, [supplier(n) for n in range(100, 110)])
    async with asyncio.timeout(30):
        while not {f"s-{n}" for n in range(100, 110)} <= set(ids(seen)):
            await asyncio.sleep(0.05)
    await asyncio.sleep(1.5)
    listening.cancel()
    new = [each for each in ids(seen) if each not in {f"s-{n}" for n in range(20)}]
    assert sorted(new) == sorted(f"s-{n}" for n in range(100, 110))
    assert [name for name, _, _ in seen if name == "stream:reset"] == []
    old = Request(port, token, ready[2]["cursor"], types="supplier:updated")
    (first, reset) = await take("sse", old, 2)
    assert first[2]["complete"] is False
    assert (reset[0], reset[2]["reason"]) == (
        "stream:reset",
        "a topic was recreated since the cursor",
    )


def make_again(system: System, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": system.bootstrap, "log_level": 0})
    for done in admin.delete_topics([topic]).values():
        done.result(10)
    new = NewTopic(topic, 4, 1, config={"message.timestamp.type": "LogAppendTime"})

    def made() -> bool:
        try:
            for done in admin.create_topics([new]).values():
                done.result(10)
        except Exception as error:
            raise OSError(str(error)) from error
        return True

    eventually(made, 20, "the topic again")
