"""The mixed load: the same for the same seed, and no matter how often it comes."""

from collections import Counter, defaultdict
from decimal import Decimal

from oracle.book import Book
from oracle.difference import differences
from oracle.exact import difference, total
from oracle.tables import tables
from support.events import TOPICS
from support.load import mixed, openings, stirred, without_equals
from support.things import WORDS

REASONS = {"not_json", "not_cloudevent", "unknown_type", "wrong_topic", "missing_field"}
REASONS |= {"bad_value", "in_the_future", "too_large", "too_complex"}


def test_the_same_seed_gives_the_same_records() -> None:
    assert mixed(3, 200) == mixed(3, 200)
    assert mixed(3, 200) != mixed(4, 200)


def test_every_topic_every_reason_and_every_kind_of_row_is_in_it() -> None:
    load, book = mixed(1, 5000, bad=0.1), Book()
    refusals = book.take_all(openings() + load)
    assert {sent.topic for sent in load} == set(TOPICS)
    assert {refusal.reason for refusal in refusals if refusal} == REASONS
    found = tables(book)
    assert all(found.sums.values()) and all(found.rows.values()) and found.names
    assert Counter(c.low for c in book.crossings)[False] > 20


def test_shops_that_choose_write_their_own_words_and_change_what_counts() -> None:
    load, book = openings(chooses=True) + mixed(1, 5000, opened=True, chooses=True), Book()
    choices = defaultdict(set)
    for sent in load:
        book.take(sent)
        for shop, told in book.settings.items():
            choices[shop].add(told.counted)
    assert all(len(each) > 3 for each in choices.values()), choices
    written = {
        word for word in WORDS for sent in load if f'"{word}"'.encode() in (sent.value or b"")
    }
    assert written == set(WORDS)
    assert {v.status for v in book.orders.values()}.isdisjoint(WORDS)
    assert any(v.placed != v.created for v in book.orders.values())
    assert any(v.counted and v.status == "refunded" for v in book.orders.values())


def test_whatever_comes_again_changes_nothing() -> None:
    load, book = openings() + mixed(2, 1500, opened=True), Book()
    first = book.take_all(load)
    once, crossings = tables(book), list(book.crossings)
    assert book.take_all(load) == first
    assert tables(book) == once
    assert book.crossings == crossings


def test_but_for_equal_versions_crossings_and_moves_the_order_of_arrival_does_not_matter() -> None:
    load = without_equals(mixed(2, 800))
    load = [sent for sent in load if sent.refusal is None and b"-moved" not in sent.value]
    one, other = Book(), Book()
    one.take_all(load)
    other.take_all(stirred(9, load))
    assert tables(one).sums == tables(other).sums
    assert tables(one).names == tables(other).names


def test_a_difference_is_told_with_both_values() -> None:
    assert differences("levels", {("s", "p"): (1,)}, {("s", "p"): (2,), ("s", "q"): (3,)}) == [
        "levels ('s', 'p'): is (2), should be (1)",
        "levels ('s', 'q'): is (3), should be nothing",
    ]


def test_gross_less_refunds_is_revenue_in_every_order() -> None:
    book = Book()
    book.take_all(mixed(5, 4000))
    dated = 0
    for version in book.orders.values():
        paid = total(amount for _, amount in version.refunds)
        left = difference(version.gross or Decimal(0), paid)
        assert left == (version.revenue if version.counted else 0)
        dated += bool(version.dated) and version.gross is not None
    assert dated > 50
