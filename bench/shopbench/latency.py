"""Time from produce to visible, in the report and at a subscriber, under a steady load."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from confluent_kafka import Producer

from shopbench import order_stream, topic
from shopbench.orders import Generator, Order, shop_name
from shopbench.output import Result, arguments, publish, quantile, run, say
from shopbench.up import Up, up
from shopstream.contracts.topics import BY_NAME, ORDERS
from shopstream.settings import Settings

WARM_SECONDS = 3.0
PROBE_SECONDS = 0.25
"""Between the end of one probe and the next, a little shifted so that it meets every phase."""
ASK_SECONDS = 0.1
DRAIN_SECONDS = 10.0
INCLUDES, TOTALS = "probe-includes", "probe-totals"


@dataclass
class Samples:
    """Milliseconds by what was waited for; `missing` counts what never came."""

    warm: float
    report_includes: list[float] = field(default_factory=list)
    report_totals: list[float] = field(default_factory=list)
    stream: list[float] = field(default_factory=list)
    sent: int = 0
    sent_to_stream: int = 0
    seen_by_stream: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, name: str, begun: float, ended: float) -> None:
        """What began while it was still warming up does not count."""
        if begun >= self.warm:
            getattr(self, name).append((ended - begun) * 1000)


class Bench:
    """One run against one `up`; `mark` tells the shops of its probes from those of another run."""

    def __init__(
        self,
        system: Up,
        session: aiohttp.ClientSession,
        rate: float,
        mark: str = "",
        *,
        shops: int = order_stream.SHOPS,
        streams: int = 1,
    ) -> None:
        self._mark = mark
        self._shops = shops
        self._streams = streams
        self._up = system
        self._session = session
        self._rate = rate
        self._producer: Producer = topic.producer(system.kafka, linger_ms=5)
        self._seen: set[str] = set()
        self._stopped = asyncio.Event()
        self.samples = Samples(time.time() + WARM_SECONDS)

    async def run(self, seconds: float) -> Samples:
        """The load, the subscriber and the two probes, together."""
        streaming = asyncio.Event()
        stream = asyncio.create_task(self._subscribe(streaming))
        await asyncio.wait_for(streaming.wait(), 30)
        self.samples.warm = time.time() + WARM_SECONDS
        polls = asyncio.create_task(self._poll())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._produce(WARM_SECONDS + seconds))
            tasks.create_task(self._probe(INCLUDES + self._mark, self._includes))
            tasks.create_task(self._probe(TOTALS + self._mark, self._totals))
        await self._drain()
        polls.cancel()
        stream.cancel()
        return self.samples

    async def _produce(self, seconds: float) -> None:
        load, told = order_stream.start(
            self._up.kafka, self._rate, seconds, self._shops, self._streams
        )
        await asyncio.to_thread(load.join)
        self.samples.sent, self.samples.sent_to_stream = told.recv()
        self._stopped.set()

    async def _poll(self) -> None:
        """Lets the producer tell where its records are."""
        while True:
            self._producer.poll(0)
            await asyncio.sleep(order_stream.TICK_SECONDS)

    async def _drain(self) -> None:
        end = time.monotonic() + DRAIN_SECONDS
        while self.samples.seen_by_stream < self.samples.sent_to_stream and time.monotonic() < end:
            await asyncio.sleep(0.05)

    async def _subscribe(self, begun: asyncio.Event, number: int = 1) -> None:
        """The stream of a shop, by default the biggest: each event carries the instant it was made at."""
        limit = aiohttp.ClientTimeout(total=None)
        url, headers = self._url("/events", shop_name(number)), self._headers(shop_name(number))
        async with self._session.get(url, headers=headers, timeout=limit) as answer:
            answer.raise_for_status()
            buffer = b""
            async for piece in answer.content.iter_any():
                now = time.time()
                *frames, buffer = (buffer + piece).split(b"\n\n")
                for frame in frames:
                    if b"event: stream:ready" in frame:
                        begun.set()
                    elif b"event: order:" in frame:
                        self._pushed(frame, now)

    def _pushed(self, frame: bytes, now: float) -> None:
        line = next(part for part in frame.split(b"\n") if part.startswith(b"data:"))
        event = orjson.loads(line[5:])
        self.samples.seen_by_stream += 1
        if event["id"] not in self._seen:  # the time in a repeat is that of the first
            self._seen.add(event["id"])
            self.samples.add("stream", datetime.fromisoformat(event["time"]).timestamp(), now)

    async def _probe(self, shop: str, wait: Callable) -> None:
        """One order after the other, each waited for until the report counts it."""
        count = 0
        while not self._stopped.is_set():
            count += 1
            begun = time.time()
            placed = self._place(shop, count)
            try:
                await asyncio.wait_for(wait(shop, count, placed, begun), 15)
            except (TimeoutError, aiohttp.ClientError) as error:
                self.samples.faults.append(f"{shop} {count}: {error!r}")
            await asyncio.sleep(PROBE_SECONDS + count % 10 * 0.01)

    def _place(self, shop: str, count: int) -> asyncio.Future[str]:
        """Sends an order; where it is (topic:partition:offset), once the broker has told."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[str] = loop.create_future()
        now = datetime.now(UTC)
        key, value = _probe_order(shop, count, now)

        def told(error: Any, message: Any) -> None:
            if not found.done():
                place = f"{message.topic()}:{message.partition()}:{message.offset()}"
                found.set_result(place if error is None else f"failed: {error}")

        self._producer.produce(ORDERS, value, key, on_delivery=told)
        return found

    async def _includes(self, shop: str, count: int, placed: Any, begun: float) -> None:
        body = await self._report(shop, includes=await placed)
        ended = time.time()
        if body.get("totalOrders") == count:
            self.samples.add("report_includes", begun, ended)
        else:
            self.samples.faults.append(f"{shop} {count}: {body}")

    async def _totals(self, shop: str, count: int, placed: Any, begun: float) -> None:
        while (await self._report(shop)).get("totalOrders") != count:
            await asyncio.sleep(ASK_SECONDS)
        self.samples.add("report_totals", begun, time.time())

    async def _report(self, shop: str, **parameters: str) -> dict[str, Any]:
        url = self._url("/reports/daily-sales", shop)
        async with self._session.get(url, params=parameters, headers=self._headers(shop)) as answer:
            return orjson.loads(await answer.read())

    def _url(self, path: str, shop: str) -> str:
        return f"http://127.0.0.1:{self._up.api_port}{path}"

    def _headers(self, shop: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._up.token([shop])}"}


def _probe_order(shop: str, count: int, now: datetime) -> tuple[bytes, bytes]:
    order = Order(shop, f"{shop}-{count}", now, count, [(count % 500, 1, 1000)])
    return Generator(lambda _: now, shops=1).write(order, now)


@contextmanager
def _kafka(flags: argparse.Namespace) -> Iterator[None]:
    """A broker from outside has none of our topics, before and after."""
    if flags.kafka is None:
        yield
        return
    topic.check(Settings(kafka_bootstrap=flags.kafka), BY_NAME)
    try:
        yield
    finally:
        topic.remove(flags.kafka, BY_NAME)


async def _run(flags: argparse.Namespace, system: Up) -> Samples:
    async with aiohttp.ClientSession() as session:
        return await Bench(system, session, flags.rate).run(flags.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/latency", description=__doc__)
    parser.add_argument("--rate", type=float, default=1000, help="events a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--kafka", metavar="HOST:PORT", help="another broker, for this bench alone")
    flags = arguments(parser)
    result = Result("latency", "")
    with (
        tempfile.TemporaryDirectory(prefix="shopbench-") as name,
        _kafka(flags),
        up(Path(name), flags.kafka) as system,
    ):
        say(f"{flags.rate:g} events/s for {flags.seconds:g} s, after {WARM_SECONDS:g} s to warm up")
        samples = asyncio.run(_run(flags, system))
    _fill(result, flags, samples)
    publish(result, flags)


def _fill(result: Result, flags: argparse.Namespace, samples: Samples) -> None:
    rate = samples.sent / (flags.seconds + WARM_SECONDS)
    result.about = (
        f"{rate:,.0f} order events/s of {order_stream.SHOPS} shops for {flags.seconds:g} s"
    )
    result.rows = [
        _row("GET /reports/daily-sales?includes=", samples.report_includes),
        _row("GET /reports/daily-sales, polled", samples.report_totals),
        _row("GET /events (SSE), biggest shop", samples.stream),
    ]
    result.notes = [
        "ms from the call of produce until the answer is read",
        "includes=: an order is sent, the broker tells its offset, the report is asked for with"
        " it, and must count the order",
        f"polled: the report is asked for every {ASK_SECONDS * 1000:g} ms until it counts the order",
        f"SSE: every event of one shop; {samples.seen_by_stream} of {samples.sent_to_stream} came",
        f"faults: {len(samples.faults)}{': ' + samples.faults[0] if samples.faults else ''}",
    ]


def _row(name: str, values: list[float]) -> dict[str, object]:
    return {
        "visible in": name,
        "samples": len(values),
        "p50 ms": quantile(values, 0.5),
        "p90 ms": quantile(values, 0.9),
        "p99 ms": quantile(values, 0.99),
        "max ms": max(values, default=None),
    }


if __name__ == "__main__":
    run(main)
