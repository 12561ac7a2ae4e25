"""The checks see damage in every table: one that sees nothing would prove nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clickhouse.windows import WINDOWS
from oracle.book import Book
from oracle.compare import compare_tables
from oracle.tables import tables
from support.system import System

STRAY = {
    "sales_15m": "slot, currency, orders",
    "product_15m": "slot, currency, product_id, quantity",
    "product_day": "day, currency, product_id, quantity",
    "product_month": "month, currency, product_id, revenue",
    "returned_15m": "slot, currency, revenue",
    "refunds_15m": "slot, currency, orders",
    "parts_15m": "slot, currency, product_id, revenue",
    "payments_15m": "slot, currency, failed_amount",
    "on_order": "product_id, units",
    "sessions_15m": "slot, gap, visits",
    "orders": "order_id",
    "first_orders": "first",
    "levels": "product_id",
    "payments": "payment_id",
    "purchases": "purchase_id",
    "suppliers": "supplier_id",
    "shops": "name",
    "visits": "session_id",
    "alerts": "id",
}
VALUES = {
    "slot": "toDateTime(0, 'UTC')",
    "day": "toDate('2026-11-22')",
    "month": "toDate('2026-11-01')",
    "first": "(toDateTime64('2026-11-22 00:00:00', 6, 'UTC'), 'o', toUInt128(1), 'EUR')",
}
NUMBERS = {"orders", "quantity", "revenue", "failed_amount", "units", "gap", "visits"}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("stray")) as system:
        system.start_engine()
        system.migrate()
        yield system


def value(column: str) -> str:
    return VALUES.get(column, "1" if column in NUMBERS else "'x'")


def stray(table: str, columns: str) -> str:
    given = {"shop_id": "'stray'", **{name: value(name) for name in columns.split(", ")}}
    window = WINDOWS.get(table)
    if window is not None:
        into = window.columns()
        given = {
            c: given.get(name, name) for c, name in into.items() if c == "grain" or name in given
        }
        table = window.table
    return f"INSERT INTO {table} ({', '.join(given)}) SELECT {', '.join(given.values())}"


def test_every_table_is_looked_at() -> None:
    looked_at = tables(Book())
    assert STRAY.keys() | {"order_places"} == looked_at.sums.keys() | looked_at.rows.keys()


def test_a_stray_row_is_seen_in_every_table(empty: System, tmp_path: Path) -> None:
    assert compare_tables(empty.sql, Book()) == []
    for table, columns in STRAY.items():
        empty.sql.text(stray(table, columns))
        found = compare_tables(empty.sql, Book(), ["stray"])
        assert any(line.startswith(f"{table} ('stray'") for line in found), table
    empty.sql.text("INSERT INTO order_places VALUES (1, 2, 3)")
    assert "order_places ('', '1', '2')" in "\n".join(compare_tables(empty.sql, Book()))
