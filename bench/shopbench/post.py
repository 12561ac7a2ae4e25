"""Events over HTTP: how many a second one API process takes by `POST /events`, in batches, until Kafka has them."""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from shopbench.orders import Generator, shop_name
from shopbench.output import Result, Row, arguments, median, publish, quantile, run, say
from shopbench.processes import Failed, cpu
from shopbench.up import Up, settle, up, verify

SHOPS = 50
"""Under one token, as of a service that writes for all of them."""
WARM = 20
"""Requests before those that count."""
TYPE = "application/cloudevents-batch+json"
PARTS = {"api": "API", "broker": "Kafka"}


async def _measure(system: Up, bodies: list[bytes], flags: argparse.Namespace) -> Row:
    url = f"http://127.0.0.1:{system.api_port}/events"
    shops = [shop_name(number) for number in range(1, SHOPS + 1)]
    headers = {"Authorization": f"Bearer {system.token(shops)}", "Content-Type": TYPE}
    took: list[float] = []
    statuses = Counter[int]()
    waiting = iter(bodies[WARM:])

    async def client(session: aiohttp.ClientSession) -> None:
        for body in waiting:  # each takes the next
            begun = time.monotonic()
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                statuses[answer.status] += 1
            took.append((time.monotonic() - begun) * 1000)

    async with aiohttp.ClientSession() as session:
        for body in bodies[:WARM]:
            async with session.post(url, data=body, headers=headers) as answer:
                answer.raise_for_status()
        begun, used = time.monotonic(), _used(system)
        await asyncio.gather(*(client(session) for _ in range(flags.clients)))
        seconds = time.monotonic() - begun
    events = (len(bodies) - WARM) * flags.batch
    if set(statuses) != {202}:
        raise Failed(f"answers by status: {dict(statuses)}")
    return {
        "events a request": flags.batch,
        "requests at once": flags.clients,
        "events/s": events / seconds,
        "p50 ms": quantile(took, 0.5),
        "p99 ms": quantile(took, 0.99),
        **{f"{PARTS[n]} us": (b - used[n]) / events * 1e6 for n, b in _used(system).items()},
    }


def _used(system: Up) -> dict[str, float]:
    return {name: cpu(system.processes[name]) for name in PARTS}


def _bodies(flags: argparse.Namespace) -> list[bytes]:
    events = Generator(lambda _: datetime.now(UTC), shops=SHOPS)
    count = max(1, flags.events // flags.batch) + WARM
    return [
        b"[" + b",".join(value for _, value in events.events(flags.batch)) + b"]"
        for _ in range(count)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/post", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=500, help="events of a request")
    parser.add_argument("--clients", type=int, default=4, help="requests at once")
    parser.add_argument("--rounds", type=int, default=3)
    flags = arguments(parser)
    found: list[Row] = []
    compared = 0
    for number in range(flags.rounds):
        say(f"round {number + 1} of {flags.rounds}")
        bodies = _bodies(flags)
        with (
            tempfile.TemporaryDirectory(prefix="shopbench-") as folder,
            up(Path(folder)) as system,
        ):
            settle()
            found.append(asyncio.run(_measure(system, bodies, flags)))
            rows, differences = verify(Path(folder))
        if differences:
            raise Failed(f"verify found {differences} differences")
        compared += rows
    result = Result("post", f"{flags.events:,} order events by POST /events, one API process")
    result.rows = [{column: median(row[column] for row in found) for column in found[0]}]
    result.notes = [
        f"medians of {flags.rounds} rounds, each on a fresh directory; pipeline and engine take the events meanwhile",
        "a request is answered once Kafka has its events on all replicas; every answer was 202",
        "us: CPU of a process for an event",
        f"verify: {compared:,} rows compared, 0 differences",
    ]
    publish(result, flags)


if __name__ == "__main__":
    run(main)
