"""The bound on what is on its way, and the memory of what failed."""

import threading

from shopstream.producer import NotDelivered, Place
from shopstream.producer.delivery import InFlightLimit
from support.waiting import eventually


def test_a_place_is_the_text_of_includes() -> None:
    assert str(Place("shop.orders", 3, 17)) == "shop.orders:3:17"


def test_no_more_records_than_the_bound_are_on_their_in_flight() -> None:
    way = InFlightLimit(2, 1000)
    assert way.enter(10, 0) and way.enter(10, 0)
    assert not way.enter(10, 0.01)
    way.leave(10)
    assert way.enter(10, 0)


def test_nor_more_bytes_but_one_record_may_be_larger() -> None:
    way = InFlightLimit(100, 1000)
    assert way.enter(5000, 0)
    assert not way.enter(1, 0)
    way.leave(5000)
    assert way.enter(600, 0)
    assert not way.enter(600, 0)


def test_who_waits_goes_on_as_soon_as_there_is_room() -> None:
    way = InFlightLimit(1, 1000)
    way.enter(1, 0)
    entered: list[bool] = []
    thread = threading.Thread(target=lambda: entered.append(way.enter(1, 10)))
    thread.start()
    eventually(lambda: way._waiting, 5)
    way.leave(1)
    thread.join(5)
    assert entered == [True]


def test_failures_are_counted_until_they_are_told() -> None:
    way = InFlightLimit(10, 1000)
    for error in (None, ValueError("first"), ValueError("second")):
        way.enter(1, 0)
        way.leave(1, error)
    assert way.failed == 2
    assert way.take_failed() == (2, "second")
    assert way.failed == 0
    assert way.records == 0


def test_the_error_says_how_many_and_why() -> None:
    assert str(NotDelivered(1, "late")) == "Kafka has not acknowledged 1 record (late)."
    assert str(NotDelivered(1200, "late")) == "Kafka has not acknowledged 1,200 records (late)."
