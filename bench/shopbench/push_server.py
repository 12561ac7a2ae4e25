"""The product's API process with a driver in the place of its reader of Kafka; commands come on standard input."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import uvloop

from api.access import Access
from api.app import Deps, create_app
from api.freshness.topology import Look
from api.freshness.tracker import FreshnessTracker
from api.push import channel as channels
from api.push.event_types import TOPICS
from api.push.hub import Hub
from api.push.records import PushEvent, read_record
from api.push.timekeeper import Timekeeper
from api.server import Server, configure, listen
from api.tickets import Tickets
from clickhouse.client import Address, ClickHouseClient
from shopstream.contracts.cursor import Partition, Position
from shopstream.contracts.topics import BY_NAME, INVENTORY
from shopstream.settings import Settings

PARTITIONS = 12


class Driver:
    """Publishes records as the reader of Kafka does; `prepared`: they were checked before, only the fan-out is left."""

    def __init__(self, hub: Hub, prepared: bool) -> None:
        self._hub = hub
        self._offsets = dict.fromkeys(range(PARTITIONS), 0)
        self._known: dict[bytes, PushEvent] = {}
        if prepared:
            channels.read_record = self._read  # type: ignore[assignment]

    async def run(self, deed: str, **how: Any) -> None:
        """One command."""
        await {"single": self._single, "burst": self._burst, "rate": self._rate}[deed](**how)

    async def _single(self, events: int, channels: int) -> None:
        values = [self._value(n, n % channels) for n in range(events)]
        for n, value in enumerate(values):
            self._publish(n % channels, n, value)
            await asyncio.sleep(0)

    async def _burst(self, events: int, at_once: int) -> None:
        values = [self._value(n, 0) for n in range(events)]
        for n, value in enumerate(values):
            self._publish(0, n, value)
            if n % at_once == at_once - 1:
                await asyncio.sleep(0)
                while any(one.paused is not None for one in self._hub.subscribers()):
                    await asyncio.sleep(0)

    async def _rate(self, rate: int, seconds: int, channels: int) -> None:
        begun, n = time.monotonic(), 0
        while n < rate * seconds:
            due = (time.monotonic() - begun) * rate
            while n < due and n < rate * seconds:
                self._publish(n % channels, n, self._value(n, n % channels, time.monotonic_ns()))
                n += 1
            await asyncio.sleep(0)

    def _value(self, n: int, shop: int, at: int | None = None) -> bytes:
        data: dict[str, Any] = {
            "productId": f"p{n % 100}",
            "quantity": n,
            "updatedAt": "2026-11-22T10:15:30.123Z",
            "mark": 1,
            "name": "Earl Grey, loose leaf, 100 g tin with a very long name indeed",
        }
        if at is not None:
            data["t"] = str(at)
        head = {"specversion": "1.0", "id": f"event-{n}", "source": "/bench"}
        event = {**head, "type": "inventory:updated", "shopid": f"s{shop}", "data": data}
        value = json.dumps(event, separators=(",", ":")).encode()
        if channels.read_record == self._read:
            known = read_record(value, INVENTORY)
            assert known is not None
            self._known[value] = known
        return value

    def _read(self, value: bytes | None, _: str) -> PushEvent | None:
        return self._known.get(value or b"")

    def _publish(self, shop: int, n: int, value: bytes) -> None:
        partition = n % PARTITIONS
        self._offsets[partition] += 1
        place, position = Partition(INVENTORY, partition), Position(1, self._offsets[partition])
        self._hub.publish(f"s{shop}", place, position, 1_764_000_000, value)
        self._hub.passed(place, position)


async def _serve(port: int, secret: str, prepared: bool) -> None:
    hub = Hub(time.time)
    places = {
        Partition(name, n): Position(1, 0)
        for name in TOPICS
        for n in range(BY_NAME[name].partitions or PARTITIONS)
    }
    hub.begin(places)
    hub.read.ready()
    engine = ClickHouseClient(Address.parse("http://127.0.0.1:9"))

    async def look() -> Look:
        return Look(None)

    settings = Settings(
        jwt_secret=secret, streams_per_address=0, streams_per_user=0, stream_seconds=0
    )
    app = create_app(
        Deps(
            engine=engine,
            settings=settings,
            access=Access(settings),
            tickets=Tickets(secret),
            tracker=FreshnessTracker(),
            hub=hub,
            kafka=lambda: None,
            look=look,
        )
    )
    server = Server(configure(app), hub.close)
    serving = asyncio.create_task(server.serve([listen("127.0.0.1", port)]))
    keeping = asyncio.create_task(Timekeeper(hub, app.state.sockets.sweep).run())
    await asyncio.sleep(0.5)
    print("ready", flush=True)
    await _obey(Driver(hub, prepared))
    keeping.cancel()
    server.stop()
    await serving


async def _obey(driver: Driver) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        await driver.run(**json.loads(line))
        print("done", flush=True)


def main(arguments: list[str], run: Callable[..., Any] = asyncio.Runner) -> None:
    """PORT SECRET raw|prepared"""
    port, secret, how = arguments
    with run(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(port), secret, how == "prepared"))


if __name__ == "__main__":
    main(sys.argv[1:])
