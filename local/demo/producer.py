"""The demo's process: sends the past at once, then what happens as it happens."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import orjson

from local.demo.events import (
    Event,
    order_event,
    payment_event,
    settings_event,
    supplier_event,
    visit_event,
)
from local.demo.orders import Order, order_at
from local.demo.shops import SHOPS
from local.demo.stream import Stream
from local.demo.world import World, hour_of, start_of
from local.directory import write_private
from shopstream.contracts.routing import record_key
from shopstream.contracts.topics import TOPIC_OF_TYPE
from shopstream.producer import ShopProducer
from shopstream.settings import load

DAYS = 8
"""Of history: a week of whole days in every time zone."""
LIVE_LIMIT = 5.0
"""Events a second, so that the disk fills slowly."""
LAG = timedelta(minutes=1)
"""Further behind than this (the machine slept) the limit is lifted."""
PAUSE = 0.2
TURN_SECONDS = 1.5
"""While history is sent each shop has its turn after so many seconds."""
ORDER_EVERY = 4
"""Turns of a shop from one of its orders to the next, from the first on."""
LEAST_TURNS = 8
SALES = ("order:", "payment:")
NOTE_SECONDS = 30.0
"""How often it is noted how far the events are sent."""

Send = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Known:
    """The world of a data directory, and up to when its events were sent; None: nothing was."""

    world: World
    until: datetime | None


def main() -> None:
    """Runs until it is stopped: history in a thread, and meanwhile some life in every shop; then what happens.

    Raises:
        ProducerError, BrokerUnreachable: the supervisor starts it again, and it goes on where it was.
    """
    settings = load()
    known = read_known(settings.data_dir)
    stream = Stream(known.world, beginning(known, _now()), history=_now())
    with ShopProducer(settings) as producer, ThreadPoolExecutor(1) as pool:

        def send(event: Event) -> None:
            # a test holds the demo's events to the rules; reading each again would delay the start
            topic = TOPIC_OF_TYPE[event["type"]]
            producer.send_record(topic, orjson.dumps(event), record_key(topic, event))
            if producer.failed:
                producer.flush()

        for shop in SHOPS:
            send(settings_event(shop))
            send(supplier_event(shop))
        history = pool.submit(send_past, stream, send, _now())
        for event in meanwhile(known.world, history.done, _now, time.sleep):
            send(event)
        history.result()
        producer.flush()
        noted = -NOTE_SECONDS
        for event in live(stream, _now, time.sleep):
            send(event)
            if time.monotonic() - noted >= NOTE_SECONDS:
                noted = time.monotonic()
                producer.flush()
                note(settings.data_dir, known.world, datetime.fromisoformat(event["time"]))


def read_known(directory: Path) -> Known:
    """What `note` has kept in this data directory; at the first start a world without a past."""
    try:
        kept = json.loads((directory / "demo.json").read_bytes())
        return Known(World(int(kept["seed"])), datetime.fromisoformat(kept["until"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Known(World(seed=1), None)


def note(directory: Path, world: World, until: datetime) -> None:
    """Every event before `until` was acknowledged."""
    write_private(directory / "demo.json", {"seed": world.seed, "until": until.isoformat()})


def beginning(known: Known, now: datetime) -> datetime:
    """Where to go on, at most `DAYS` before `now`."""
    earliest = start_of(hour_of(now) - 24 * DAYS)
    return earliest if known.until is None else min(max(known.until, earliest), now)


def send_past(stream: Stream, send: Send, now: datetime) -> None:
    """Everything before `now` that was not sent: sales first, which are most of what a page shows."""
    others = []
    for event in stream.until(now):
        if event["type"].startswith(SALES):
            send(event)
        else:
            others.append(event)
    for event in others:
        send(event)


def meanwhile(
    world: World,
    done: Callable[[], bool],
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> Iterator[Event]:
    """Visits and paid orders in each shop in turn until history is `done`, so that no shop is silent at the start."""
    begun = int(now().timestamp())
    open_orders: dict[str, Order] = {}
    for turn in count():
        if turn >= LEAST_TURNS and done():
            return
        for shop in SHOPS:
            name = f"{begun}-{turn}"
            if order := open_orders.pop(shop.id, None):
                yield order_event(order, 1)
                yield payment_event(order, 1)
            yield visit_event(shop, f"s-{name}", now())
            if turn % ORDER_EVERY == 0:
                paid = now() + timedelta(seconds=TURN_SECONDS)
                open_orders[shop.id] = order_at(world, shop, name, now(), paid)
                yield order_event(open_orders[shop.id], 0)
            sleep(TURN_SECONDS)


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
