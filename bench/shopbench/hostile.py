"""Every attack that we know at once, beside honest shops: how long their reports take, how fresh they are, which memory
processes have.

The attackers run in a process of their own, on the same cores, at fixed rates: measured is what they cost others, and
not how much this machine can send.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shopbench.latency import Bench, Samples
from shopbench.orders import shop_name
from shopbench.output import Result, arguments, publish, quantile, run, say
from shopbench.processes import MIB, proportional
from shopbench.up import Up, up, verify
from shopstream.contracts.topics import INVENTORY, ORDERS

ASK_SECONDS = 0.05
WATCH_SECONDS = 0.5
CODECS = ("zstd", "gzip", "lz4", "snappy")
BOMB_SECONDS, FLOOD_SECONDS, HOG_SECONDS, HTTP_SECONDS = 2.0, 5.0, 0.2, 0.02
FLOOD_RECORDS = 50_000
SLOW_CONNECTIONS = 40
QUIET_SHOP = 7
"""The honest shop whose reports are asked for."""


@dataclass
class Watched:
    """Milliseconds of each report, the greatest memory of each process, what was answered otherwise than 200."""

    reports: list[float] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


async def _ask(system: Up, seen: Watched) -> None:
    shop = shop_name(QUIET_SHOP)
    url = f"http://127.0.0.1:{system.api_port}/reports"
    head = {"Authorization": f"Bearer {system.token([shop])}"}
    dice = random.Random(1)
    async with aiohttp.ClientSession(headers=head) as session:
        while True:
            path = dice.choice(("daily-sales", "trends", "metrics", "weekly-sales"))
            begun = time.monotonic()
            try:
                async with session.get(f"{url}/{path}") as answer:
                    body = await answer.read()
                    if answer.status != 200:
                        seen.faults.append(f"{path}: {answer.status} {body[:200]!r}")
                seen.reports.append((time.monotonic() - begun) * 1000)
            except aiohttp.ClientError as error:
                seen.faults.append(f"{path}: {error!r}")
            await asyncio.sleep(ASK_SECONDS)


async def _watch(system: Up, seen: Watched) -> None:
    while True:
        for name, number in system.processes.items():
            with suppress(OSError):
                found = proportional(number) / MIB
                seen.memory[name] = max(found, seen.memory.get(name, 0.0))
        await asyncio.sleep(WATCH_SECONDS)


async def _phase(system: Up, name: str, rate: float, seconds: float) -> tuple[Samples, Watched]:
    seen = Watched()
    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.create_task(each(system, seen)) for each in (_ask, _watch)]
        samples = await Bench(system, session, rate, "-" + name).run(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return samples, seen


# -- the attackers, in a process of their own ---------------------------------------------------


ATTACKS = "bombs", "junk", "hogs", "requests", "slow"


def _attack(kafka: str, port: int, attacks: list[str], told: Any) -> None:
    attackers = Attackers(kafka, port)
    with suppress(KeyboardInterrupt):
        asyncio.run(attackers.run(attacks, told))


class Attackers:
    """`counts`: what each of `ATTACKS` has done."""

    def __init__(self, kafka: str, port: int) -> None:
        self._kafka = kafka
        self._port = port
        self._dice = random.Random(7)
        self.counts = dict.fromkeys(ATTACKS, 0)

    async def run(self, attacks: list[str], told: Any) -> None:
        """These attacks, until the other end says stop; then tells the counts."""
        each = {
            "bombs": [self._bombs],
            "junk": [self._floods],
            "hogs": [self._hogs],
            "requests": [self._requests],
            "slow": [self._slow] * SLOW_CONNECTIONS,
        }
        tasks = [asyncio.create_task(begin()) for attack in attacks for begin in each[attack]]
        while not told.poll():
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [repr(each) for each in found if not isinstance(each, asyncio.CancelledError)]
        told.send((self.counts, faults))

    async def _send(self, codec: str, topic: str, values: list[bytes]) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka,
            compression_type=codec,
            max_batch_size=256 * MIB,
            max_request_size=256 * MIB,
            enable_idempotence=False,
        )
        await producer.start()
        try:
            batch = producer.create_batch()
            for value in values:
                batch.append(key=None, value=value, timestamp=None)
            there = sorted(await producer.partitions_for(topic))
            sent = await producer.send_batch(batch, topic, partition=self._dice.choice(there))
            await sent
        except KafkaError:
            pass  # the broker may refuse it: then it costs nobody else
        finally:
            await producer.stop()

    async def _bombs(self) -> None:
        """Some beyond the bound, some just below it."""
        while True:
            size = self._dice.choice((4, 4, 8)) * MIB - 1000
            values = [b"\0" * size] * self._dice.choice((2, 3, 5))
            topic = self._dice.choice((ORDERS, INVENTORY))
            await self._send(self._dice.choice(CODECS), topic, values)
            self.counts["bombs"] += 1
            await asyncio.sleep(BOMB_SECONDS)

    async def _floods(self) -> None:
        while True:
            junk = self._dice.choice((b"junk", b"{}", b'{"specversion":"1.0"}'))
            await self._send("zstd", self._dice.choice((ORDERS, INVENTORY)), [junk] * FLOOD_RECORDS)
            self.counts["junk"] += FLOOD_RECORDS
            await asyncio.sleep(FLOOD_SECONDS)

    async def _hogs(self) -> None:
        """An order that is valid but for its 250,000 numbers where nobody looks, of a shop that somebody listens to."""
        data = {
            "orderId": "hog",
            "status": "paid",
            "currency": "EUR",
            "createdAt": "2026-11-22T10:15:30Z",
            "updatedAt": "2026-11-22T10:15:30Z",
            "items": [{"productId": "p", "quantity": 1, "unitPrice": 1}],
            "ignored": [1] * 250_000,
        }
        head = {"specversion": "1.0", "id": "hog", "source": "/x", "type": "order:created"}
        value = json.dumps({**head, "shopid": shop_name(1), "data": data}, separators=(",", ":"))
        while True:
            await self._send("zstd", ORDERS, [value.encode()] * 2)
            self.counts["hogs"] += 2
            await asyncio.sleep(HOG_SECONDS)

    async def _requests(self) -> None:
        wide = b"&".join([b"a="] * 20_000)
        while True:
            text = self._dice.choice(
                (
                    b"GET /reports/daily-sales?" + wide + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                    + b"a." * 2_000
                    + b"\r\n\r\n",
                    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2_000 + b"\r\n",
                    b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nContent-Length: 90000\r\n\r\n",
                    b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 200,
                )
            )
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(2):
                    reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                    writer.write(text)
                    await reader.read(1000)
                    writer.close()
            self.counts["requests"] += 1
            await asyncio.sleep(HTTP_SECONDS)

    async def _slow(self) -> None:
        """A byte a second, of a head or of a body; where it is cut off, again."""
        head = b"POST /auth/ticket HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
        begin = self._dice.choice((b"GET /", head))
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(begin)
                self.counts["slow"] += 1
                while not writer.is_closing():
                    writer.write(b"a")
                    await writer.drain()
                    await asyncio.sleep(1)
            await asyncio.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/hostile", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="of attacks")
    parser.add_argument(
        "--attacks", nargs="+", choices=ATTACKS, default=ATTACKS, help="all of them by default"
    )
    parser.add_argument("--rate", type=float, default=500, help="honest events a second")
    flags = arguments(parser)
    with tempfile.TemporaryDirectory(prefix="shopbench-") as name, up(Path(name)) as system:
        phases, counts, faults = _phases(system, flags)
        compared, differences = verify(Path(name))
    samples, seen = phases["attacks"]
    title = f"{flags.rate:g} honest events/s, {flags.minutes:g} minutes of attacks"
    rows = [_row(label, *phase) for label, phase in phases.items()]
    result = Result("hostile", title, rows=rows)
    result.notes = [
        "reports of one honest shop, four kinds, 20 a second; includes: from produce to the report that counts it",
        "MiB: the greatest memory of a process (PSS) in the phase",
        "attacks: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()),
        *(f"an attacker failed: {fault}" for fault in faults[:3]),
        *(f"attacks: {fault[:200]}" for fault in (*seen.faults[:3], *samples.faults[:3])),
        f"verify: {compared:,} rows compared, {differences} differences",
    ]
    publish(result, flags)


def _phases(
    system: Up, flags: argparse.Namespace
) -> tuple[dict[str, tuple[Samples, Watched]], dict[str, int], list[str]]:
    """What was measured before, under and after the attacks; what the attackers sent, and what they failed at."""
    alone = min(60, flags.minutes * 60)
    say(f"{alone:g} s without attacks")
    calm = asyncio.run(_phase(system, "calm", flags.rate, alone))
    say("attacks")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    given = system.kafka, system.api_port, flags.attacks, theirs
    attack = context.Process(target=_attack, args=given, daemon=True)
    attack.start()
    hostile = asyncio.run(_phase(system, "attacks", flags.rate, flags.minutes * 60))
    ours.send("stop")
    counts, faults = ours.recv()
    attack.join()
    say("without attacks again")
    after = asyncio.run(_phase(system, "after", flags.rate, alone))
    return {"calm": calm, "attacks": hostile, "after": after}, counts, faults


def _row(label: str, samples: Samples, seen: Watched) -> dict[str, Any]:
    return {
        "phase": label,
        "reports": len(seen.reports),
        "p50 ms": quantile(seen.reports, 0.5),
        "p99 ms": quantile(seen.reports, 0.99),
        "includes p50": quantile(samples.report_includes, 0.5),
        "includes p99": quantile(samples.report_includes, 0.99),
        "SSE p99": quantile(samples.stream, 0.99),
        **{f"{name} MiB": most for name, most in sorted(seen.memory.items()) if name != "up"},
        "faults": len(seen.faults) + len(samples.faults),
    }


if __name__ == "__main__":
    run(main)
