"""What the engine has, in the form in which the oracle says what it must have."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from oracle.book import EPOCH, Place
from oracle.tables import Tables
from shopstream.clickhouse.literals import parameter
from shopstream.clickhouse.sql import load
from support.sql import Sql

ASKED_AT_ONCE = 200
"""Products in one statement: they travel in its URL."""

SUMS = {
    "sales_15m": (3, "shop_id, toString(slot), currency, sum(orders), sum(revenue), sum(items)"),
    "sales_day": (3, "shop_id, toString(day), currency, sum(orders), sum(revenue), sum(items)"),
    "product_day": (4, "shop_id, toString(day), currency, product_id, sum(quantity), sum(revenue)"),
    "product_month": (
        4,
        "shop_id, toString(month), currency, product_id, sum(quantity), sum(revenue)",
    ),
}


def read_tables(sql: Sql, chosen: set[str] | None = None) -> Tables:
    """As they are in the engine."""
    where = "" if chosen is None else f"WHERE shop_id IN ({', '.join(map(_quote, sorted(chosen)))})"
    sums = {}
    for name, (keys, columns) in SUMS.items():
        by = ", ".join(str(n) for n in range(1, keys + 1))
        rows = sql.sums(f"SELECT {columns} FROM {name} {where} GROUP BY {by}", keys)
        sums[name] = {key: numbers for key, numbers in rows.items() if any(numbers)}
    currencies = {
        row[0]: row[1]
        for row in sql.rows(
            f"SELECT shop_id, argMin(first.4, first) FROM first_orders {where} GROUP BY shop_id"
        )
    }
    return Tables(sums, {}, currencies, _orders(sql, where))


def _orders(sql: Sql, where: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    rows = sql.rows(
        "SELECT shop_id, order_id, toString(version), toString(toUnixTimestamp64Micro(created_at)),"
        f" status, currency, total, refund FROM orders FINAL {where}"
    )
    return {
        (shop, order): (
            _place(int(version)),
            EPOCH + timedelta(microseconds=int(created)),
            status,
            currency,
            Decimal(total),
            Decimal(refund),
        )
        for shop, order, version, created, status, currency, total, refund in rows
    }


def _place(version: int) -> Place:
    return Place(version >> 64, version >> 32 & 0xFFFFFFFF, version & 0xFFFFFFFF)


def stored_names(sql: Sql, products: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The names that a report would show: by the product's own statements, which are under test here."""
    wanted: dict[str, list[str]] = {}
    for shop, product in sorted(products):
        wanted.setdefault(shop, []).append(product)
    found = {}
    for shop, ids in wanted.items():
        for start in range(0, len(ids), ASKED_AT_ONCE):
            for row in _names(sql, shop, ids[start : start + ASKED_AT_ONCE]):
                found[shop, row["product_id"]] = row["name"]
    return found


def _names(sql: Sql, shop: str, products: list[str]) -> Iterable[dict[str, Any]]:
    rows = sql.as_dicts(load("reports/product_names.sql"), _bound(shop, products))
    gone = [row["product_id"] for row in rows if row["gone"]]
    yield from (row for row in rows if not row["gone"] and row["name"] is not None)
    if gone:
        yield from sql.as_dicts(load("reports/product_names_again.sql"), _bound(shop, gone))


def _bound(shop: str, products: list[str]) -> dict[str, str]:
    return {"param_shop": parameter(shop), "param_products": parameter(products)}


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
