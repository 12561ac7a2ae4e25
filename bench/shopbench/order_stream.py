"""A steady stream of order events, from a process of its own, so that what is measured waits for nobody."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from shopbench import topic
from shopbench.orders import Generator, shop_name
from shopstream.contracts.topics import ORDERS

SHOPS = 30
TICK_SECONDS = 0.002


def start(
    bootstrap: str, rate: float, seconds: float, shops: int = SHOPS, streamed: int = 1
) -> tuple[SpawnProcess, Connection]:
    """The process, and where it tells at its end how many it has sent, and how many of the `streamed` biggest shops."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(
        target=_send, args=(bootstrap, rate, seconds, shops, streamed, send), daemon=True
    )
    process.start()
    return process, receive


@contextmanager
def meanwhile(bootstrap: str, rate: float) -> Iterator[None]:
    """So many events a second while the block runs."""
    process, _ = start(bootstrap, rate, 3600)
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _send(
    bootstrap: str, rate: float, seconds: float, shops: int, heard: int, told: Connection
) -> None:
    """By the clock: what is late is sent at once, so the rate holds."""
    producer = topic.producer(bootstrap, linger_ms=5)
    # orders that no earlier stream has placed
    events = Generator(lambda _: datetime.now(UTC), shops=shops, made=time.time_ns() // 1000)
    streams = {shop_name(number + 1).encode() for number in range(heard)}
    sent = streamed = 0
    begun = time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        while sent < passed * rate:
            key, value = events.event()
            sent += 1
            streamed += key.partition(b"/")[0] in streams
            producer.produce(ORDERS, value, key)
        producer.poll(TICK_SECONDS)
    producer.flush()
    told.send((sent, streamed))
