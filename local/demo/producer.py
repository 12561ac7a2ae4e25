"""The demo's process: sends the past at once, then what happens as it happens."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from local.demo.events import Event, settings_event, supplier_event
from local.demo.shops import SHOPS
from local.demo.stream import Stream, beginning
from local.demo.world import World, hour_of
from local.directory import write_private
from shopstream.producer import ShopProducer
from shopstream.settings import load

DAYS = 14
MOST_ORDERS = 8_000
"""The past that is sent at a start has at most so many days and about so many orders."""
LIVE_LIMIT = 5.0
"""Events a second, so that the disk fills slowly."""
LAG = timedelta(minutes=1)
"""Further behind than this (the machine slept) the limit is lifted."""
PAUSE = 0.2

Send = Callable[[Event], None]


def main() -> None:
    """Runs until it is stopped.

    Raises:
        ProducerError, BrokerUnreachable: the supervisor starts it again, and it sends the past again.
    """
    settings = load()
    world = known_world(settings.data_dir, _now())
    with ShopProducer(settings) as producer:

        def send(event: Event) -> None:
            # a test holds the demo's events to the rules; checking each again would delay the start
            producer.send(orjson.dumps(event), checked=False)
            if producer.failed:
                producer.flush()

        stream = Stream(world, beginning(world, _now(), DAYS, MOST_ORDERS))
        send_past(stream, send, _now())
        producer.flush()
        for event in live(stream, _now, time.sleep):
            send(event)


def known_world(directory: Path, now: datetime) -> World:
    """The world of this data directory; at the first call it opens `now`."""
    path = directory / "demo.json"
    try:
        kept = json.loads(path.read_bytes())
        return World(int(kept["seed"]), int(kept["opened"]))
    except (OSError, ValueError, KeyError, TypeError):
        world = World(seed=1, opened=hour_of(now))
        write_private(path, {"seed": world.seed, "opened": world.opened})
        return world


def send_past(stream: Stream, send: Send, now: datetime) -> None:
    """The shops themselves, then everything before `now`."""
    for shop in SHOPS:
        send(settings_event(shop))
        send(supplier_event(shop))
    for event in stream.until(now):
        send(event)


def live(
    stream: Stream, now: Callable[[], datetime], sleep: Callable[[float], None]
) -> Iterator[Event]:
    """Each event once its time has come, at most `LIVE_LIMIT` a second."""
    while True:
        for event in stream.until(now()):
            yield event
            if now() - datetime.fromisoformat(event["time"]) < LAG:
                sleep(1 / LIVE_LIMIT)
        sleep(PAUSE)


def _now() -> datetime:
    return datetime.now(UTC)
