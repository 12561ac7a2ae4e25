"""The broker goes away, and comes back or not: delivered or told, never silently lost."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shopstream.producer import NotDelivered, Sent, ShopProducer, Visit
from support.brokers import OwnBroker

AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    with OwnBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def own(killable: OwnBroker) -> OwnBroker:
    """It runs; the test may leave it frozen or dead."""
    killable.brokers.nodes[0].wake()
    killable.start()
    return killable


def visits(producer: ShopProducer, numbers: range) -> list[Sent]:
    return [producer.storefront_visited("s", Visit(f"v-{n}", AT)) for n in numbers]


def sessions(broker: OwnBroker, sent: list[Sent]) -> list[str]:
    """The session that lies at each place, by its key."""
    ends: dict[tuple[str, int], int] = {}
    places = [each.place(0) for each in sent]
    for place in places:
        ends[place[:2]] = max(ends.get(place[:2], 0), place.offset + 1)
    keys = {tuple(read.place): read.key for read in broker.client().read(ends)}
    return [(keys[tuple(place)] or b"").decode().removeprefix("s/") for place in places]


def test_what_is_sent_while_the_broker_is_away_arrives_when_it_is_back(own: OwnBroker) -> None:
    with ShopProducer(own.settings, patience=90) as producer:
        before = visits(producer, range(500))
        producer.flush()
        own.kill()
        during = visits(producer, range(500, 1000))
        with pytest.raises(NotDelivered, match="Kafka has not acknowledged 500 records"):
            producer.flush(0.5)
        own.start()
        after = visits(producer, range(1000, 1500))
    sent = before + during + after
    assert len({each.place(0) for each in sent}) == 1500
    assert sessions(own, sent) == [f"v-{number}" for number in range(1500)]


def test_a_fault_in_the_block_carries_the_note_of_what_was_lost(own: OwnBroker) -> None:
    with (
        pytest.raises(ZeroDivisionError) as told,
        ShopProducer(own.settings, patience=60) as producer,
    ):
        visits(producer, range(1))
        producer.flush()
        own.brokers.nodes[0].freeze()
        visits(producer, range(10))
        raise ZeroDivisionError
    assert "Kafka has not acknowledged 10 records" in told.value.__notes__[0]


def test_a_full_house_ends_with_an_error_and_not_with_a_block_for_ever(own: OwnBroker) -> None:
    with (
        pytest.raises(NotDelivered),
        ShopProducer(own.settings, patience=2, outstanding=5) as producer,
    ):
        visits(producer, range(1))
        producer.flush()
        own.kill()
        visits(producer, range(6))


def test_what_was_given_up_is_told_by_flush_by_the_end_and_by_each_handle(own: OwnBroker) -> None:
    with pytest.raises(NotDelivered) as told, ShopProducer(own.settings, patience=2) as producer:
        visits(producer, range(1))
        producer.flush()
        own.kill()
        lost = visits(producer, range(10))
        with pytest.raises(NotDelivered) as first:
            producer.flush(
                30
            )  # else what is still on its way counts here, and again once it is given up
        lost += visits(producer, range(7))
    assert (first.value.count, told.value.count) == (10, 7)
    for each in lost:
        with pytest.raises(NotDelivered):
            each.place(0)
