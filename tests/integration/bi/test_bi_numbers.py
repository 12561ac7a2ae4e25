"""Every view says what the oracle says, whatever is merged, repeated or not yet applied."""

from collections.abc import Iterable, Mapping

import pytest
from expected import expected
from promised import VIEWS
from reading import compare, view
from warehouse import Warehouse

from oracle.book import Book
from support.events import item, level, order, record, settings
from support.load import mixed, openings, stirred
from support.system import FULL

BATCH = 700 if FULL else 350
SHOPS = {f"mixed-{number}" for number in range(5)}
MERGED = "orders levels payments purchases suppliers shops alerts product_names order_windows"
ODD = {
    "join_use_nulls": "1",
    "session_timezone": "Asia/Tokyo",
    "prefer_column_name_to_alias": "1",
    "group_by_use_nulls": "1",
    "final": "1",
}
"""What BI tools have been seen to set, for all their statements."""


def check(
    warehouse: Warehouse,
    book: Book,
    names: Iterable[str],
    settings: Mapping[str, str] | None = None,
) -> None:
    wanted = expected(book)
    for name in names:
        compare(name, wanted[name], view(warehouse.bi, name, SHOPS, settings))


@pytest.fixture(scope="module")
def fed(warehouse: Warehouse) -> Book:
    """A load of everything in many small batches, with repeats and late versions, settings changed on the way."""
    book = Book()
    first, load = openings(), stirred(3, mixed(7, 3000 if FULL else 1500, opened=True))
    for part in (first, *(load[begin : begin + BATCH] for begin in range(0, len(load), BATCH))):
        warehouse.feed(part)
        book.take_all(part)
    return book


def test_the_load_reaches_every_view(fed: Book) -> None:
    assert {name for name, rows in expected(fed).items() if rows} == set(VIEWS)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_right_with_parts_that_are_not_merged(
    warehouse: Warehouse, fed: Book, name: str
) -> None:
    parts = warehouse.sql.rows(
        "SELECT table, count() FROM system.parts WHERE active AND database = 'shopstream' GROUP BY table"
    )
    assert int(dict(map(tuple, parts))["orders"]) > 15
    check(warehouse, fed, [name])


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_right_under_the_settings_of_bi_tools(
    warehouse: Warehouse, fed: Book, name: str
) -> None:
    check(warehouse, fed, [name], ODD)


def test_rows_that_are_there_twice_count_once(warehouse: Warehouse, fed: Book) -> None:
    for table in ("orders", "levels", "payments", "purchases", "suppliers", "shops", "alerts"):
        warehouse.sql.text(
            f"INSERT INTO {table} SETTINGS max_partitions_per_insert_block = 0 SELECT * FROM {table}"
        )
    check(warehouse, fed, VIEWS)


def test_every_name_that_was_taken_back_is_found_again(warehouse: Warehouse, fed: Book) -> None:
    gone = warehouse.sql.rows(
        "SELECT count() FROM (SELECT max(latest) AS l, max(gone) AS g FROM product_names GROUP BY shop_id, product_id"
        " HAVING l.micros > 0 AND (l.micros, l.tie) = g)"
    )
    assert int(gone[0][0]) > 3
    check(warehouse, fed, ["stock", "daily_product_sales"])


def test_a_version_that_is_stored_and_not_applied_breaks_no_view(own: Warehouse) -> None:
    """`orders` has it at once, the sums when it is applied; neither is ever a mixture."""
    zone = record(settings("mixed-0", "America/St_Johns"))
    first = order("mixed-0", "o-1", items=[item("p-1", 2, "5", name="Tea")])
    stock = level("mixed-0", "p-1", 3)
    later = order("mixed-0", "o-1", version=5, items=[item("p-2", 1, "7.25", name="Mug")])
    before, after = Book(), Book()
    for book in (before, after):
        book.take_all([zone, record(first), record(stock)])
    after.take(record(later))
    own.feed([zone, record(first), record(stock)])
    own.feed([record(later)], applied=False)
    check(own, after, ["orders", "order_items"])
    check(own, before, ["daily_sales", "daily_product_sales", "stock"])


def test_the_view_of_shops_has_their_words_and_what_they_count(own: Warehouse) -> None:
    book = Book()
    default = ["completed", "delivered", "shipped", "processing", "paid", "pending"]
    told = [
        settings(
            "mixed-0",
            statusMap={"on-hold": "pending", "Gelöscht": "cancelled"},
            countedStatuses=["refunded", "paid"],
        ),
        settings("mixed-1", statusMap={}, countedStatuses=default),
        settings("mixed-2"),
    ]
    records = [record(each) for each in told]
    own.feed(records)
    book.take_all(records)
    assert [row["counted_statuses"] for row in expected(book)["shops"].values()] == [
        "paid,refunded",
        None,
        None,
    ]
    check(own, book, ["shops"])


def test_sums_that_became_nothing_have_no_row(own: Warehouse) -> None:
    """`order_windows` keeps them, as they say when they became so."""
    book = Book()
    items = [item("p-1", 2, "5", name="Tea")]
    moved = {"currency": "EUR", "placedAt": "2026-09-03T00:00:00Z"}
    for version, more in enumerate(({"currency": "USD"}, moved, {**moved, "status": "cancelled"})):
        records = [record(order("mixed-0", "o-1", version=version, items=items, **more))]
        own.feed(records)
        book.take_all(records)
    check(own, book, ["daily_sales", "daily_product_sales"])
    own.sql.text("OPTIMIZE TABLE order_windows FINAL")
    zeros = own.sql.rows("SELECT count() FROM order_windows WHERE (orders, revenue) = (0, 0)")
    assert int(zeros[0][0]) >= 2
    check(own, book, ["daily_sales", "daily_product_sales"])


def test_an_alert_has_the_id_under_which_it_was_published(own: Warehouse) -> None:
    quantities = (20, 3, 30, 4)
    own.feed(record(level("told", "p", q, version=n)) for n, q in enumerate(quantities))
    published = {(one["id"], one["type"], one["data"]["quantity"]) for one in own.alerts}
    assert len(published) == 3
    rows = own.bi.rows("SELECT id, type, toInt32(quantity) FROM shopstream_bi.alerts")
    assert {(row[0], row[1], int(row[2])) for row in rows} == published


def test_a_view_is_right_once_all_is_merged(warehouse: Warehouse, fed: Book) -> None:
    for table in MERGED.split():
        warehouse.sql.text(f"SYSTEM START MERGES {table}")
        warehouse.sql.text(f"OPTIMIZE TABLE {table} FINAL")
    check(warehouse, fed, VIEWS)
