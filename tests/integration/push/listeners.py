"""Clients of each protocol, written for the tests alone, and what each must have got."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

Item = tuple[str, str | None, dict[str, Any]]
"""Name, cursor, and the CloudEvent or the members of a message of the stream itself."""
PROTOCOLS = ("sse", "ws", "socketio", "polling")


class Refused(Exception):
    """The server did not grant the stream; why."""


@dataclass
class Request:
    """What a listener asks for."""

    port: int
    token: str
    cursor: str | None = None
    types: str | None = None
    more: dict[str, str] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        return {**({"types": self.types} if self.types else {}), **self.more}


async def listen(
    session: aiohttp.ClientSession, protocol: str, request: Request
) -> AsyncIterator[Item]:
    """Items until the connection ends, however it does."""
    opened = {"sse": _sse, "ws": _ws, "socketio": _socketio, "polling": _polling}[protocol]
    with suppress(aiohttp.ClientError, OSError, asyncio.IncompleteReadError):
        async for item in opened(session, request):
            yield item


async def _sse(session: aiohttp.ClientSession, request: Request) -> AsyncIterator[Item]:
    headers = {"Authorization": f"Bearer {request.token}"}
    if request.cursor:
        headers["Last-Event-ID"] = request.cursor
    url = f"http://127.0.0.1:{request.port}/events"
    async with session.get(url, params=request.query, headers=headers) as answer:
        await _granted(answer)
        fields: dict[str, str] = {}
        async for line in answer.content:
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
            else:
                if "data" in fields:
                    name, data = fields["event"], json.loads(fields["data"])
                    place = fields.get("id")
                    if name.startswith("stream:"):
                        assert place == data["cursor"]
                        place = None
                    yield name, place, data
                fields = {}


async def _ws(session: aiohttp.ClientSession, request: Request) -> AsyncIterator[Item]:
    query = {**request.query, **({"cursor": request.cursor} if request.cursor else {})}
    headers = {"Authorization": f"Bearer {request.token}"}
    url = f"http://127.0.0.1:{request.port}/ws"
    async with session.ws_connect(url, params=query, headers=headers) as socket:
        async for message in socket:
            said = json.loads(message.data)
            if "control" in said:
                yield said["control"], None, said
            else:
                yield said["event"]["type"], said.get("cursor"), said["event"]


def _auth(request: Request) -> str:
    auth = {"token": request.token, "cursor": request.cursor, "types": request.types}
    return "40" + json.dumps({name: value for name, value in auth.items() if value})


def _packet(packet: str) -> Item | None:
    """What a packet of Socket.IO tells; None where it is only of the protocol."""
    if packet.startswith("44"):
        raise Refused(packet[2:])
    if not packet.startswith("42"):
        return None
    name, data, *meta = json.loads(packet[2:])
    if not meta:
        return name, None, data
    return name, meta[0].get("cursor"), {**meta[0], "type": name, "data": data}


async def _socketio(session: aiohttp.ClientSession, request: Request) -> AsyncIterator[Item]:
    query = {"EIO": "4", "transport": "websocket", **request.more}
    url = f"http://127.0.0.1:{request.port}/socket.io/"
    async with session.ws_connect(url, params=query) as socket:
        assert (await socket.receive_str()).startswith('0{"sid":')
        await socket.send_str(_auth(request))
        async for message in socket:
            if message.data == "2":
                await socket.send_str("3")
            if (item := _packet(message.data)) is not None:
                yield item


async def _polling(session: aiohttp.ClientSession, request: Request) -> AsyncIterator[Item]:
    url = f"http://127.0.0.1:{request.port}/socket.io/"
    query = {"EIO": "4", "transport": "polling", **request.more}
    async with session.get(url, params=query) as answer:
        await _granted(answer)
        query["sid"] = json.loads((await answer.text())[1:])["sid"]

    async def post(packet: str) -> None:
        async with session.post(url, params=query, data=packet) as answer:
            await _granted(answer)

    await post(_auth(request))
    while True:
        async with session.get(url, params=query) as answer:
            await _granted(answer)
            packets = (await answer.text()).split("\x1e")
        for packet in packets:
            if packet == "2":
                await post("3")
            elif packet == "1":
                return
            elif (item := _packet(packet)) is not None:
                yield item


async def _granted(answer: aiohttp.ClientResponse) -> None:
    if answer.status >= 500:
        raise OSError(f"{answer.status}: {await answer.text()}")
    if answer.status != 200:
        raise Refused(f"{answer.status}: {await answer.text()}")


@dataclass
class Log:
    """What was produced of one shop: by event id partition and offset; by partition the ids in order, with users."""

    places: dict[str, tuple[tuple[str, int], int]] = field(default_factory=dict)
    events: dict[tuple[str, int], list[tuple[int, str, str | None]]] = field(default_factory=dict)

    def add(self, topic: str, partition: int, offset: int, event: str, user: str | None) -> None:
        where = (topic, partition)
        self.places[event] = (where, offset)
        known = self.events.setdefault(where, [])
        known.append((offset, event, user))
        known.sort()

    def due(self, user: str, where: tuple[str, int], after: int) -> list[str]:
        """Ids of what this user has to get of a partition after an offset."""
        events = self.events.get(where, [])
        return [event for offset, event, to in events if offset > after and to in (None, user)]


class Listener:
    """Comes back after every end with the last cursor, and notes what it sees; `check` holds it against the log."""

    def __init__(self, protocol: str, user: str, ask: Callable[[str | None], Request]) -> None:
        self.protocol = protocol
        self.user = user
        self.cursor: str | None = None
        self.connections: list[list[Item]] = []
        self.resets: list[str] = []
        self.faults: list[str] = []
        self._ask = ask
        self._cut = asyncio.Event()
        self.ready = asyncio.Event()

    def cut(self) -> None:
        """Ends the connection, without a word."""
        self._cut.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            async with aiohttp.ClientSession() as session:
                await self._once(session)
            await asyncio.sleep(0.05)

    async def _once(self, session: aiohttp.ClientSession) -> None:
        self._cut.clear()
        items: list[Item] = []
        self.connections.append(items)
        reading = asyncio.create_task(self._read(session, items))
        cutting = asyncio.create_task(self._cut.wait())
        await asyncio.wait({reading, cutting}, return_when=asyncio.FIRST_COMPLETED)
        for task in (reading, cutting):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await reading

    async def _read(self, session: aiohttp.ClientSession, items: list[Item]) -> None:
        try:
            async for name, cursor, data in listen(session, self.protocol, self._ask(self.cursor)):
                items.append((name, cursor, data))
                if name == "stream:reset":
                    self.resets.append(data["reason"])
                if cursor is not None:
                    self.cursor = cursor
                elif name in ("stream:ready", "stream:reset"):
                    self.cursor = data["cursor"]
                    self.ready.set()
        except (Refused, AssertionError) as fault:
            self.faults.append(repr(fault))

    def check(self, log: Log) -> int:
        """Every event that it had to get, once and in the order of its partition, but for what a reset told; how many.

        The first connection must have been ready before anything was produced.
        """
        last: dict[tuple[str, int], int | None] = dict.fromkeys(log.events, -1)
        seen = 0
        for items in self.connections:
            within: set[str] = set()
            for name, cursor, data in items:
                if name == "stream:reset":
                    last = dict.fromkeys(log.events)
                elif cursor is not None and data["id"] in log.places:
                    assert data["id"] not in within, (self.protocol, "twice", data["id"])
                    within.add(data["id"])
                    self._follows(log, last, data["id"])
                    seen += 1
        for where, offset in last.items():
            if offset is not None:
                assert log.due(self.user, where, offset) == [], (self.protocol, where)
        assert not self.faults, self.faults
        return seen

    def _follows(self, log: Log, last: dict[tuple[str, int], int | None], event: str) -> None:
        where, offset = log.places[event]
        before = last[where]
        if before is not None:
            expected = log.due(self.user, where, before)
            assert expected and expected[0] == event, (
                self.protocol,
                where,
                before,
                offset,
                expected[:3],
                event,
            )
        last[where] = offset
