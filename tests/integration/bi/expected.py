"""What each view must say, from the oracle's book: {view: {key: the other columns, by name}}."""

import json
from collections import defaultdict
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from oracle.book import Book
from oracle.days import zone_of
from oracle.exact import half_even, times, total
from oracle.levels import threshold_of
from oracle.names import names
from oracle.orders import Version
from oracle.reading import EPOCH

Row = dict[str, Any]
Rows = dict[tuple[Any, ...], Row]
KEYS = {
    "orders": 2,
    "order_items": 3,
    "daily_sales": 3,
    "daily_product_sales": 4,
    "stock": 3,
    "payments": 2,
    "purchases": 2,
    "suppliers": 2,
    "shops": 1,
}
"""How many columns, the first ones, tell a row. The oracle knows no ids of alerts: see `reading.ORDERED`."""


STATUSES = ("pending", "paid", "processing", "shipped", "delivered", "completed", "refunded")
"""Those that may count, in the order in which a shop's own are listed."""


def expected(book: Book) -> dict[str, Rows]:
    zones = {shop: zone_of(told.timezone) for shop, told in book.settings.items()}
    return {
        "orders": {key: _order(v, _date(v, zones)) for key, v in book.orders.items()},
        "order_items": _lines(book, zones),
        "daily_sales": _daily(book, zones),
        "daily_product_sales": _products(book, zones),
        "stock": _stock(book),
        "payments": {
            key: {
                "order_id": p.order_id,
                "status": "received" if p.received else "failed",
                "amount": p.amount,
                "currency": p.currency,
                "method": p.method,
                "reason": p.reason,
                "at": p.at,
            }
            for key, p in book.payments.items()
        },
        "purchases": _purchases(book),
        "suppliers": {
            key: {
                "name": s.name,
                "lead_time_days": s.lead_time_days,
                "email": s.email,
                "updated_at": s.updated,
            }
            for key, s in book.suppliers.items()
        },
        "shops": {
            (shop,): {
                "name": s.name,
                "timezone": s.timezone,
                "currency": s.currency,
                "low_stock_threshold": s.threshold,
                "updated_at": s.updated,
                "status_map": json.dumps(s.words, sort_keys=True, ensure_ascii=False)
                if s.words
                else None,
                "counted_statuses": _chosen(s.counted),
            }
            for shop, s in book.settings.items()
        },
        "alerts": {
            (
                *(c.shop, c.product, c.location, c.at),
                "stock:low" if c.low else "stock:recovered",
                c.quantity,
            ): {"threshold": c.threshold}
            for c in book.crossings
        },
    }


def _date(version: Version, zones: dict[str, tzinfo]) -> str:
    zone = zones.get(version.shop, zone_of("UTC"))
    return version.placed.astimezone(zone).date().isoformat()


def _order(v: Version, day: str) -> Row:
    return {
        "status": v.status,
        "counted": v.counted,
        "currency": v.currency,
        "created_at": v.created,
        "updated_at": _instant(v.place.micros),
        "local_date": day,
        "customer_id": v.customer,
        "total": v.total,
        "refund": v.refund,
        "revenue": v.revenue if v.counted else Decimal(0),
        "items": v.items if v.counted else 0,
        "gross": v.gross or Decimal(0),
        "tax_total": v.tax,
        "shipping_total": v.shipping,
        "discount_total": v.discount,
        "tip_total": v.tip,
        "placed_at": v.placed,
    }


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _lines(book: Book, zones: dict[str, tzinfo]) -> Rows:
    return {
        (*key, number): {
            "product_id": line.product,
            "name": line.name,
            "quantity": line.quantity,
            "refunded_quantity": line.refunded,
            "unit_price": line.price,
            "revenue": line.revenue if v.counted else Decimal(0),
            "counted": v.counted,
            "currency": v.currency,
            "created_at": v.created,
            "local_date": _date(v, zones),
            "kind": line.kind,
            "amount": line.amount,
            "refunded_total": line.refunded_total,
            "discount": line.discount,
            "tax": line.tax,
            "unit": line.unit,
            "variant_id": line.variant,
            "category": line.category,
            "placed_at": v.placed,
        }
        for key, v in book.orders.items()
        for number, line in enumerate(v.lines, 1)
    }


def _daily(book: Book, zones: dict[str, tzinfo]) -> Rows:
    rows: Rows = defaultdict(lambda: dict.fromkeys(_DAILY, Decimal(0)))
    for v in book.orders.values():
        zone = zones.get(v.shop, zone_of("UTC"))
        row = rows[v.shop, _date(v, zones), v.currency]
        row["gross"] = total([row["gross"], v.gross or Decimal(0)])
        if v.counted:
            parts = (part or Decimal(0) for part in (v.tax, v.shipping, v.discount, v.tip))
            numbers = dict(zip(_DAILY, (v.revenue, Decimal(1), v.items, *parts), strict=False))
            for name, number in numbers.items():
                row[name] = total([row[name], number])
        for at, amount in v.refunds:
            paid = rows[v.shop, at.astimezone(zone).date().isoformat(), v.currency]
            paid["refunds"] += 1
            paid["refunded"] = total([paid["refunded"], amount])
    return {key: row for key, row in rows.items() if any(row.values())}


_DAILY = (
    *("revenue", "orders", "items", "tax", "shipping", "discount", "tip"),
    *("gross", "refunds", "refunded"),
)


def _products(book: Book, zones: dict[str, tzinfo]) -> Rows:
    called = names(book)
    parts: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for v in book.orders.values():
        for line in v.lines if v.counted else ():
            parts[v.shop, _date(v, zones), v.currency, line.product].append(line)
    rows = {
        key: {
            "name": called.get((key[0], key[3])),
            "quantity": total(line.left for line in found),
            "revenue": total(line.revenue for line in found),
        }
        for key, found in parts.items()
    }
    return {key: row for key, row in rows.items() if row["quantity"] or row["revenue"]}


def _stock(book: Book) -> Rows:
    called = names(book)
    rows = {}
    for level in book.levels.values():
        told = book.settings.get(level.shop)
        threshold = threshold_of(level.threshold, told and told.threshold)
        rows[level.shop, level.product, level.location] = {
            "name": called.get((level.shop, level.product)),
            "sku": level.sku,
            "quantity": level.quantity,
            "threshold": threshold,
            "low": level.quantity <= threshold,
            "updated_at": level.updated,
            "unit": level.unit,
        }
    return rows


def _purchases(book: Book) -> Rows:
    rows = {}
    for key, fact in book.purchases.created.items():
        receipt = book.purchases.received.get(key)
        rows[key] = {
            "supplier_id": fact.supplier,
            "received": receipt is not None,
            "created_at": fact.at,
            "received_at": receipt and receipt.at,
            "expected_at": fact.expected,
            "units": total(count for _, count, _ in fact.items),
            "cost": half_even(total(times(count, cost) for _, count, cost in fact.items), 1, 4),
        }
    return rows


def _chosen(counted: frozenset[str] | None) -> str | None:
    if counted is None or counted == frozenset(STATUSES) - {"refunded"}:
        return None
    return ",".join(status for status in STATUSES if status in counted)
