"""The broker goes away, and comes back or not: delivered or told, never silently lost."""

from datetime import UTC, datetime

import pytest

from shopstream.producer import NotDelivered, Sent, ShopProducer, Visit
from support.own_broker import OwnBroker

AT = datetime(2026, 11, 22, tzinfo=UTC)


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
        lost = told_as_lost(producer, during, own)
        after = visits(producer, range(1000, 1500))
        lost += told_as_lost(producer, after, own)
    first = 500 if own.brokers.forgets else 0
    sent = {number: each for number, each in enumerate(before + during + after) if number >= first}
    kept = {number: each for number, each in sent.items() if each not in lost}
    assert sessions(own, list(kept.values())) == [f"v-{number}" for number in kept]


def told_as_lost(producer: ShopProducer, sent: list[Sent], own: OwnBroker) -> list[Sent]:
    """A broker that forgets its topics may refuse some for good while they are made again; each is told."""
    try:
        producer.flush()
    except NotDelivered as told:
        assert own.brokers.forgets
        lost = [each for each in sent if not delivered(each)]
        assert len(lost) == told.count
        return lost
    return []


def delivered(sent: Sent) -> bool:
    try:
        sent.place(0)
    except NotDelivered:
        return False
    return True


def test_what_was_given_up_is_told_by_flush_by_the_end_and_by_each_handle(own: OwnBroker) -> None:
    with pytest.raises(NotDelivered) as told, ShopProducer(own.settings, patience=2) as producer:
        visits(producer, range(1))
        producer.flush()
        own.kill()
        lost = visits(producer, range(10))
        with pytest.raises(NotDelivered) as first:
            producer.flush()
        lost += visits(producer, range(7))
    assert (first.value.count, told.value.count) == (10, 7)
    for each in lost:
        with pytest.raises(NotDelivered):
            each.place(0)


@pytest.mark.embedded_only("the broker is only killed")
def test_a_fault_in_the_block_carries_the_note_of_what_was_lost(own: OwnBroker) -> None:
    with (
        pytest.raises(ZeroDivisionError) as told,
        ShopProducer(own.settings, patience=60) as producer,
    ):
        visits(producer, range(1))
        producer.flush()
        own.kill()
        visits(producer, range(10))
        raise ZeroDivisionError
    assert "Kafka has not acknowledged 10 records" in told.value.__notes__[0]


@pytest.mark.embedded_only("the broker is only killed")
def test_a_full_house_ends_with_an_error_and_not_with_a_block_for_ever(own: OwnBroker) -> None:
    with (
        pytest.raises(NotDelivered),
        ShopProducer(own.settings, patience=2, outstanding=5) as producer,
    ):
        visits(producer, range(1))
        producer.flush()
        own.kill()
        visits(producer, range(6))
