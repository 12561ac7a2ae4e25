"""Events from Python to a broker: as built, where Kafka's own partitioner puts them, all of them or told."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shopstream.broker import BrokerUnreachable
from shopstream.contracts.topics import TOPIC_OF_TYPE
from shopstream.producer import (
    InvalidEvent,
    Item,
    NoSuchTopic,
    Order,
    Payment,
    Purchase,
    PurchaseItem,
    Sent,
    Shop,
    ShopProducer,
    StockLevel,
    Supplier,
    Visit,
)
from shopstream.producer.building import cloudevent
from shopstream.producer.plain import encode
from support.brokers import OwnBroker
from support.events import Sent as Record
from support.kafka import Read
from support.processes import free_port

AT = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
PURCHASE = Purchase("b-1", "u-1", [PurchaseItem("p-1", 100, Decimal("4.2"))], AT)
THINGS: dict[str, Any] = {
    "order:created": Order("o-1", "paid", "EUR", AT, AT, [Item("p-1", 2, "12.50")]),
    "order:updated": Order("o-1", "shipped", "EUR", AT, AT, [Item("p-1", 2, "12.50")], 1),
    "inventory:updated": StockLevel("p-1", 40, AT),
    "payment:received": Payment("y-1", 25, "EUR", AT, order_id="o-1"),
    "payment:failed": Payment("y-2", "25.00", "EUR", AT, reason="no funds"),
    "supplier:updated": Supplier("u-1", "Tea & Co", AT),
    "purchase:created": PURCHASE,
    "purchase:received": PURCHASE,
    "storefront:visited": Visit("v-1", AT),
    "shop:updated": Shop("Teas", "Europe/Berlin", "EUR", AT),
}


def read_all(broker: OwnBroker, sent: list[Sent]) -> dict[Any, Read]:
    """What lies at the places, by place."""
    ends: dict[tuple[str, int], int] = {}
    places = [each.place(0) for each in sent]
    for place in places:
        ends[place[:2]] = max(ends.get(place[:2], 0), place.offset + 1)
    found = {tuple(read.place): read for read in broker.client().read(ends)}
    return {place: found[tuple(place)] for place in places}


def visit(number: int) -> tuple[str, Visit]:
    return "s", Visit(f"v-{number}", AT)


@pytest.mark.parametrize("kind_of_event", list(THINGS))
def test_an_event_arrives_as_it_was_built(broker: OwnBroker, kind_of_event: str) -> None:
    thing = THINGS[kind_of_event]
    with ShopProducer(broker.settings, source="/till") as producer:
        tell = getattr(producer, kind_of_event.replace(":", "_"))
        sent = tell("s", thing, event_id="e-1", user_id="u-9")
        place = sent.place(10)
    read = read_all(broker, [sent])[place]
    event = cloudevent(kind_of_event, "/till", "s", thing, {"event_id": "e-1", "user_id": "u-9"})
    assert read.value == encode(event)
    assert str(place) == f"{TOPIC_OF_TYPE[kind_of_event]}:{place.partition}:{place.offset}"


def test_a_key_finds_the_partition_that_kafkas_own_partitioner_chooses(broker: OwnBroker) -> None:
    keys = [f"s/größe-{number}-{'x' * (number % 7)}".encode() for number in range(400)]
    with ShopProducer(broker.settings) as producer:
        sent = [producer.send_record("shop.traffic", b"{}", key) for key in keys]
    theirs = broker.client().produce(
        [Record(key, b"{}", topic="shop.traffic") for key in keys], lambda place: None
    )
    ours = [each.place(0).partition for each in sent]
    assert ours == [place.partition for place in theirs]
    assert set(ours) == {0, 1, 2, 3}
    assert [read.key for read in read_all(broker, sent).values()] == keys


def test_the_end_of_the_block_waits_for_every_acknowledgement(broker: OwnBroker) -> None:
    with ShopProducer(broker.settings) as producer:
        sent = [producer.storefront_visited(*visit(number)) for number in range(3000)]
    assert len({each.place(0) for each in sent}) == 3000


def test_so_does_the_end_of_the_interpreter(broker: OwnBroker) -> None:
    script = (
        "import sys\n"
        "from shopstream.producer import ShopProducer\n"
        "producer = ShopProducer(sys.argv[1], patience=20)\n"
        "for n in range(2000): producer.send_record('shop.alerts', b'%d' % n, b'k')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, broker.brokers.bootstrap],
        capture_output=True,
        timeout=60,
        env={name: value for name, value in os.environ.items() if "SHOPSTREAM" not in name},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    mark = broker.client().produce([Record(b"k", b"", topic="shop.alerts")], lambda place: None)[0]
    reads = broker.client().read({mark[:2]: mark.offset})
    assert [read.value for read in reads][-2000:] == [b"%d" % n for n in range(2000)]


def test_threads_share_a_producer_and_each_keeps_its_order(broker: OwnBroker) -> None:
    sent: dict[int, list[Sent]] = {}
    with ShopProducer(broker.settings, outstanding=100) as producer:

        def send(thread: int) -> None:
            sent[thread] = [
                producer.send_record("shop.traffic", b"x", b"%d" % thread) for _ in range(500)
            ]

        threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    places = [[each.place(0) for each in sent[number]] for number in range(4)]
    assert all(own == sorted(own) for own in places)
    assert len({place for own in places for place in own}) == 2000


def test_what_breaks_a_rule_is_not_sent_unless_it_is_wanted(broker: OwnBroker) -> None:
    event = cloudevent("order:created", "/t", "s", THINGS["order:created"], {})
    event["data"]["status"] = "eaten"
    with ShopProducer(broker.settings) as producer:
        first = producer.send_record("shop.orders", b"", b"s/o-1")
        for bad in (event, encode(event)):
            with pytest.raises(InvalidEvent, match=r"data\.status must be one of"):
                producer.send(bad)
        last = producer.send(event, checked=False)
        with pytest.raises(InvalidEvent, match="'stock:low' is not a type"):
            producer.send({**event, "type": "stock:low"}, checked=False)
    assert last.place(0).offset == first.place(0).offset + 1


def test_a_topic_that_is_not_there_is_told_at_once(broker: OwnBroker) -> None:
    with ShopProducer(broker.settings) as producer, pytest.raises(NoSuchTopic, match="none"):
        producer.send_record("none", b"x")


def test_a_fault_in_the_block_does_not_lose_what_was_sent_before(broker: OwnBroker) -> None:
    sent = []
    with pytest.raises(ZeroDivisionError), ShopProducer(broker.settings) as producer:
        sent.append(producer.storefront_visited(*visit(1)))
        raise ZeroDivisionError
    assert sent[0].place(0).topic == "shop.traffic"


def test_no_broker_is_told_at_once() -> None:
    with pytest.raises(BrokerUnreachable):
        ShopProducer(f"127.0.0.1:{free_port()}")
