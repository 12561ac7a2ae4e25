"""Payments, purchases, suppliers, settings and orders as they now stand, whatever arrives first."""

import itertools
from decimal import Decimal
from typing import Any

import pytest

from oracle.book import Book
from oracle.tables import tables
from support.events import bought, item, order, payment, purchase, record, settings, supplier

SLOT = "2026-11-22 11:00:00"


def book_of(*events: dict[str, Any]) -> Book:
    book = Book()
    book.take_all(record(event) for event in events)
    return book


def numbers(*values: Any) -> tuple[Decimal, ...]:
    return tuple(Decimal(value) for value in values)


def test_a_record_goes_to_the_topic_and_under_the_key_of_its_thing() -> None:
    found = [
        (sent.topic, sent.key)
        for sent in map(record, (payment("s", "p"), settings("s"), purchase("s", "b")))
    ]
    assert found == [
        ("shop.payments", b"s/p"),
        ("shop.settings", b"s"),
        ("shop.purchases", b"s/b"),
    ]


@pytest.mark.parametrize("turn", list(itertools.permutations(range(3))))
def test_the_latest_attempt_decides_what_became_of_a_payment(turn: tuple[int, ...]) -> None:
    events = [
        payment("s", "p", failed=True, amount="5", reason="declined"),
        payment("s", "p", version=2, amount="7.5"),
        payment("s", "p", version=1, amount="6", currency="USD", failed=True),
    ]
    found = tables(book_of(*[events[n] for n in turn])).sums["payments_15m"]
    assert found == {("s", SLOT, "EUR"): numbers(1, "7.5", 0, 0)}


def test_failed_payments_are_counted_apart() -> None:
    found = tables(book_of(payment("s", "p", failed=True, amount="5"), payment("s", "q")))
    assert found.sums["payments_15m"] == {("s", SLOT, "EUR"): numbers(1, "19.98", 1, 5)}


@pytest.mark.parametrize("turn", list(itertools.permutations(range(2))))
def test_of_two_creations_the_earlier_one_stands(turn: tuple[int, ...]) -> None:
    events = [
        purchase("s", "b", version=1, items=[bought("late", 3)]),
        purchase("s", "b", version=0, items=[bought("early", 2), bought("early", 5)]),
    ]
    found = tables(book_of(*[events[n] for n in turn])).sums["on_order"]
    assert found == {("s", "early"): numbers(7)}


@pytest.mark.parametrize("turn", list(itertools.permutations(range(3))))
def test_any_receipt_closes_a_purchase_even_one_from_before(turn: tuple[int, ...]) -> None:
    events = [
        purchase("s", "b", version=5),
        purchase("s", "b", version=1, received=True),
        purchase("s", "other"),
    ]
    found = tables(book_of(*[events[n] for n in turn]))
    assert found.sums["on_order"] == {("s", "p-1"): numbers(12)}
    assert {key[1:] for key in found.rows["purchases"]} == {
        ("b", "created"),
        ("b", "received"),
        ("other", "created"),
    }


def test_the_latest_words_of_a_shop_and_of_a_supplier_stand() -> None:
    book = book_of(
        settings("s", "Europe/Berlin", version=2),
        settings("s", "Asia/Kathmandu", version=1),
        supplier("s", "a", "New", version=2, leadTimeDays=3),
        supplier("s", "a", "Old", version=1, email="old@supplier.example"),
    )
    assert book.settings["s"].timezone == "Europe/Berlin"
    told = book.suppliers["s", "a"]
    assert (told.name, told.lead_time_days, told.email) == ("New", 3, None)


def test_the_last_that_arrived_stands_among_those_of_one_instant_whatever_comes_again() -> None:
    first = supplier("s", "x", "A", event_id="a")
    second = supplier("s", "x", "B", event_id="b")
    for turn in ((first, second), (first, second, first), (first, first, second, second, first)):
        assert book_of(*turn).suppliers["s", "x"].name == "B"
    again = supplier("s", "x", "A", event_id="a2")
    stands = book_of(first, second, again, first, second).suppliers["s", "x"]
    # the first 31 of 32 bits of SHA-256 of "/shop\na", and two that came after it
    assert (stands.name, stands.place.tie) == ("A", 0x554B9C3A + 2)


@pytest.mark.parametrize("turn", list(itertools.permutations("abc")))
def test_of_creations_at_one_instant_the_first_that_arrived_stands(turn: tuple[str, ...]) -> None:
    events = [purchase("s", "b", items=[bought(name, 1)], event_id=name) for name in turn]
    found = tables(book_of(*events, *reversed(events))).sums["on_order"]
    assert found == {("s", turn[0]): numbers(1)}


def test_products_are_summed_by_quarters_days_and_months_of_utc() -> None:
    found = tables(
        book_of(
            order("s", "a", created="2026-10-31T23:59:59.999999Z", items=[item("p", 3, "1.5")]),
            order("s", "b", created="2026-10-31T22:00:00Z", items=[item("p", 1, "2")]),
            order("s", "c", created="2026-11-01T00:00:00Z", status="failed"),
        )
    )
    assert found.sums["product_15m"] == {
        ("s", "2026-10-31 23:45:00", "EUR", "p"): numbers(3, "4.5"),
        ("s", "2026-10-31 22:00:00", "EUR", "p"): numbers(1, 2),
    }
    assert found.sums["product_day"] == {("s", "2026-10-31", "EUR", "p"): numbers(4, "6.5")}
    assert found.sums["product_month"] == {("s", "2026-10-01", "EUR", "p"): numbers(4, "6.5")}


def test_sums_stay_exact_beyond_the_digits_of_a_calculator() -> None:
    most = [item("p", 2**31 - 1, "999999999999.9999")] * 1000
    found = tables(book_of(order("s", "o", total="1", refundedTotal="0", items=most)))
    (value,) = found.sums["product_day"].values()
    assert value == numbers(2147483647000, "2147483646999999785251635.3000")
