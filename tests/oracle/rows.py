"""The tables that keep things as they now stand: {key columns as text: the other columns}.

`support.found` reads the same from the engine; columns are in the same order there.
"""

import hashlib
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from clickhouse_cityhash.cityhash import CityHash64

from oracle.book import Book
from oracle.names import first_orders
from oracle.reading import EPOCH

Rows = dict[tuple[str, ...], Any]


def rows(book: Book) -> dict[str, Rows]:
    return {
        "orders": {
            key: (
                v.place,
                v.created,
                v.status,
                v.counted,
                v.currency,
                v.customer,
                v.total,
                v.refund,
                v.placed,
                *(v.tax, v.shipping, v.discount, v.tip),
                tuple((line.product, *line[5:]) for line in v.lines),
                v.dated,
            )
            for key, v in book.orders.items()
        },
        "order_places": {
            (v.shop, *place_of(v.shop, v.order_id)): (v.created, v.created)
            for v in book.orders.values()
        },
        "first_orders": {
            (shop,): (v.created, v.order_id, v.place, v.currency)
            for shop, v in first_orders(book.orders.values()).items()
        },
        "levels": {
            (lv.shop, lv.product, lv.location or ""): (
                *(
                    lv.place,
                    lv.quantity,
                    lv.updated,
                    lv.name,
                    lv.sku,
                    lv.threshold,
                    lv.unit,
                    lv.low,
                ),
            )
            for lv in book.levels.values()
        },
        "payments": {
            key: (p.place, p.received, p.amount, p.currency, p.at, p.order_id, p.method, p.reason)
            for key, p in book.payments.items()
        },
        "purchases": _purchases(book),
        "suppliers": {
            key: (s.place, s.name, s.lead_time_days, s.email, s.updated)
            for key, s in book.suppliers.items()
        },
        "shops": {
            (shop,): (s.place, s.name, s.timezone, s.currency, s.threshold, s.updated)
            for shop, s in book.settings.items()
        },
        "visits": {
            key: tuple(sorted({_begin(at) for at in seen}))
            for key, seen in book.visits.seen.items()
        },
        "alerts": _alerts(book),
    }


def _purchases(book: Book) -> Rows:
    return {
        (*key, kind): (fact.place, fact.supplier, fact.at, fact.expected, fact.items)
        for kind, facts in (
            ("created", book.purchases.created),
            ("received", book.purchases.received),
        )
        for key, fact in facts.items()
    }


def _alerts(book: Book) -> Rows:
    """By level: what each alert says, ordered by its time."""
    told = defaultdict(list)
    for c in book.crossings:
        key = (c.shop, c.product, c.location or "")
        told[key].append((c.at, c.low, c.quantity, c.threshold, c.sku or ""))
    return {key: tuple(sorted(alerts)) for key, alerts in told.items()}


def place_of(shop: str, order_id: str) -> tuple[str, str]:
    """The keys of an order: the first 8 bytes of SHA-256, little-endian, and CityHash64."""
    shop_key = int.from_bytes(hashlib.sha256(shop.encode()).digest()[:8], "little")
    return str(shop_key), str(CityHash64(order_id.encode()))


def _begin(at: datetime) -> int:
    """Unix seconds of its quarter of an hour."""
    return (at - EPOCH) // timedelta(minutes=15) * 900
