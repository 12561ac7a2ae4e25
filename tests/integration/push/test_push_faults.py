"""Clients of every protocol lose nothing and get nothing twice, whatever dies."""

import asyncio
import json
import os
import random
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from listeners import PROTOCOLS, Listener, Log, Request

from support.events import Sent
from support.kafka import Kafka, Place
from support.system import System

SECONDS = 300.0 if os.environ.get("SHOPSTREAM_FULL") else 15.0
SMALL_MEMORY = [
    sys.executable,
    "-c",
    "import api.push.channels as channels, api.push.topic_reader as topic_reader\n"
    "channels.MAX_ENTRIES, topic_reader.REPLAY_RECORDS = 20, 30\n"
    "from api.main import run; from shopstream.settings import load; exit(run(load()))",
]
"""An API process that remembers next to nothing, so that replay goes to what is stored."""
SHOP = "push-faults"
USERS = ("u1", "u2")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with System(tmp_path) as system:
        yield system.start()


def level(name: str, number: int, user: str | None) -> tuple[str, bytes]:
    """Id and bytes of an event about one product, which the order of its key follows."""
    event_id = f"{name}-{number}"
    data = {"productId": name, "quantity": number, "updatedAt": "2026-11-22T10:15:30Z"}
    named = {} if user is None else {"userid": user}
    head = {"specversion": "1.0", "id": event_id, "source": "/push", "type": "inventory:updated"}
    return event_id, json.dumps({**head, "shopid": SHOP, **named, "data": data}).encode()


class Shop:
    """Produces all the time, on a thread; a broker that is away is waited for."""

    def __init__(self, system: System, log: Log, dice: random.Random) -> None:
        self._system, self._log, self._dice = system, log, dice
        self._numbers = 0
        self._kafka = Kafka(system.bootstrap, {"enable.idempotence": True})

    def send(self, count: int) -> None:
        """Some events, and what becomes of each."""
        batch, ids = [], []
        for _ in range(count):
            self._numbers += 1
            user = self._dice.choice((None, None, None, *USERS))
            event_id, value = level(f"p{self._dice.randrange(50)}", self._numbers, user)
            key = f"{SHOP}/{event_id.partition('-')[0]}".encode()
            batch.append(Sent(key, value, topic="shop.inventory"))
            ids.append((event_id, user))
        places = self._kafka.produce(batch, self._system.produced, within=90)
        for (event_id, user), place in zip(ids, places, strict=True):
            assert isinstance(place, Place)
            self._log.add(place.topic, place.partition, place.offset, event_id, user)


async def test_nothing_is_lost_or_repeated_whatever_dies(system: System) -> None:
    seed = secrets.randbelow(10**6)
    print("seed", seed)
    dice, log = random.Random(seed), Log()
    ports = [system.add_api(SMALL_MEMORY), system.add_api(SMALL_MEMORY)]

    def asker(user: str) -> Callable[[str | None], Request]:
        token = system.token(SHOP, user, role="staff")

        def ask(cursor: str | None) -> Request:
            # from the first cursor on it comes back at any process
            return Request(dice.choice(ports), token, cursor)

        return ask

    listeners = [Listener(p, user, asker(user)) for p in PROTOCOLS for user in USERS]
    running = [asyncio.create_task(listener.run()) for listener in listeners]
    for listener in listeners:
        await asyncio.wait_for(listener.ready.wait(), 20)
    shop = Shop(system, log, dice)
    try:
        await go_wrong(system, shop, dice, listeners, ports)
        await asyncio.to_thread(shop.send, 20)
        await asyncio.to_thread(system.caught_up)
        await until_level(listeners, log)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    seen = [listener.check(log) for listener in listeners]
    print(
        "events",
        len(log.places),
        "seen",
        seen,
        "connections",
        [len(one.connections) for one in listeners],
    )
    assert [listener.resets for listener in listeners] == [[]] * len(listeners)
    assert min(seen) > 40  # how many there are depends on how long each deed takes


async def go_wrong(
    system: System, shop: Shop, dice: random.Random, listeners: list[Listener], ports: list[int]
) -> None:
    """Deeds of all kinds while the shop goes on."""
    loop = asyncio.get_running_loop()
    end = loop.time() + SECONDS
    killed = 0
    while loop.time() < end:
        sending = asyncio.create_task(asyncio.to_thread(shop.send, dice.choice((1, 5, 60))))
        action = dice.random()
        if action < 0.7:
            dice.choice(listeners).cut()
        elif action < 0.85:
            await kill_api(system, dice.choice(ports))
        elif action < 0.92 and killed < 2:
            killed += 1
            system.broker.kill()
            await asyncio.sleep(dice.random())
            system.brokers.start()
        await sending
        await asyncio.sleep(dice.random() * 0.3)


async def kill_api(system: System, port: int) -> None:
    child = system.apis[port]
    child.kill()
    await asyncio.sleep(0.2)
    child.start()
    with suppress(AssertionError):
        await asyncio.to_thread(system.until_api, port)


async def until_level(listeners: list[Listener], log: Log, within: float = 60) -> None:
    """Each has the last event of each partition that is for it."""
    last = {
        user: {due[-1] for where in log.events if (due := log.due(user, where, -1))}
        for user in USERS
    }

    def level() -> bool:
        return all(
            last[one.user] <= {data.get("id") for items in one.connections for _, _, data in items}
            for one in listeners
        )

    async with asyncio.timeout(within):
        while not level():
            await asyncio.sleep(0.1)
