"""What an event that an API process reads costs it: reader, hub and channels, of checkouts at once on one stream."""

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import uvloop

from api.freshness.topology import Watch
from api.freshness.tracker import FreshnessTracker
from api.push.encoding import SSE
from api.push.event_types import DEFAULT, TOPICS
from api.push.hub import Hub
from api.push.subscriber import Subscriber, SubscriptionFilter
from api.push.topic_reader import TopicReader
from shopbench import order_stream, topic
from shopbench.orders import shop_name
from shopbench.output import Result, median
from shopbench.processes import broker
from shopstream.bounded_aiokafka import bound_aiokafka
from shopstream.broker import TopicAdmin, client_options
from shopstream.contracts.topics import ORDERS
from shopstream.settings import Settings

SHOPS = 50
SECONDS, START_SECONDS = 12.0, 60.0
SUBSCRIBERS = (0, 1, 10)


class Sink:
    """A connection that always takes everything."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


async def _read(bootstrap: str, subscribers: int, seconds: float) -> None:
    """Prints a line once it reads; after a line of standard input and so many seconds, CPU microseconds an event."""
    settings = Settings(kafka_bootstrap=bootstrap)
    hub = Hub(time.time)
    reader = TopicReader(client_options(settings), hub, FreshnessTracker(), time.time)
    loop = asyncio.get_running_loop()
    Watch(TopicAdmin(settings, 2.0), TOPICS, reader.update_topology).start(loop)
    running = asyncio.create_task(reader.run())
    await hub.read.wait_ready(START_SECONDS)
    for number in range(1, subscribers + 1):
        wanted = SubscriptionFilter("u", DEFAULT)
        hub.join(shop_name(number), Subscriber(wanted, SSE, Sink(), float("inf")), None)

    def offsets() -> int:
        return sum(at.next for place, at in hub.read.positions.items() if place.topic == ORDERS)

    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    begun, cpu = offsets(), time.process_time()
    await asyncio.sleep(seconds)
    used, events = time.process_time() - cpu, offsets() - begun
    print(json.dumps(used / max(events, 1) * 1e6), flush=True)
    running.cancel()
    os._exit(0)  # threads of the clients would hold it up


def measure(rates: list[float], rounds: int, before: Path | None) -> Result:
    """The table of `bench/push --read`."""
    checkouts = {"now": Path(__file__).parents[2]}
    if before:
        checkouts = {"before": before.absolute(), **checkouts}
    found: dict[tuple[float, int], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="shopbench-") as name, broker(Path(name)) as (_, at):
        topic.make(Settings(kafka_bootstrap=at))
        for _ in range(rounds):
            for rate in rates:
                for subscribers in SUBSCRIBERS:
                    one = _one(at, rate, subscribers, checkouts)
                    found.setdefault((rate, subscribers), []).append(one)
    columns = {name: f"{name} us" for name in checkouts}
    return Result(
        "push-read",
        f"what an event costs an API process that reads it, orders of {SHOPS} shops, each for {SECONDS:g} s",
        rows=[
            {
                "events/s": f"{rate:g}",
                "subscribers": subscribers,
                **{text: median(one[name] for one in runs) for name, text in columns.items()},
            }
            for (rate, subscribers), runs in found.items()
        ],
        notes=[
            f"medians of {rounds} rounds; us: CPU of the process, all threads, for each event offered",
            "the checkouts read one stream at the same time; reports, connections and ClickHouse are left out",
            "subscribers: one of each of the biggest shops, 1 gets 16 % of the events, 10 some 60 %",
        ],
        rounds=[{"rate": rate, "subscribers": n, "us": runs} for (rate, n), runs in found.items()],
    )


def _one(
    bootstrap: str, rate: float, subscribers: int, checkouts: dict[str, Path]
) -> dict[str, float]:
    load, _ = order_stream.start(bootstrap, rate, 3600, SHOPS)
    try:
        with ExitStack() as stack:
            started = {
                name: stack.enter_context(_process(bootstrap, subscribers, folder))
                for name, folder in checkouts.items()
            }
            for one in started.values():
                _line(one)
            time.sleep(1)
            for one in started.values():
                print(file=one.stdin, flush=True)
            return {name: json.loads(_line(one)) for name, one in started.items()}
    finally:
        load.terminate()
        load.join()


def _process(bootstrap: str, subscribers: int, folder: Path) -> "subprocess.Popen[str]":
    """This file beside the product of that checkout."""
    command = [str(folder / ".venv/bin/python"), __file__, bootstrap, str(subscribers)]
    bench = str(Path(__file__).parents[1])
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{bench}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


if __name__ == "__main__":
    sys.setswitchinterval(0.001)
    bound_aiokafka()
    pa.set_memory_pool(pa.system_memory_pool())
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_read(sys.argv[1], int(sys.argv[2]), SECONDS))
