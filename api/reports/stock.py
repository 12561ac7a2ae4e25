"""`GET /stock`: rows of the levels to its body, and the position where the next page begins. Pure."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import orjson

from api.reports import days, money
from api.reports.report import Body
from clickhouse.client import Row
from shopstream.contracts import stock, values

DEFAULT_LIMIT, MOST_LEVELS = 100, 1000
MOST_BYTES = 4 * 1024 * 1024
"""Of names and other texts on a page of several levels."""
_RULE = "must be a next of an earlier answer"


class Position(NamedTuple):
    """A level, the last of a page; `location` is empty for none."""

    product: str = ""
    location: str = ""


BEGIN = Position()
"""Before every level."""


@dataclass(frozen=True, slots=True)
class StockPage:
    """A question: levels after a position; `low` None is all of them."""

    low: bool | None = None
    limit: int = DEFAULT_LIMIT
    after: Position = BEGIN


@dataclass(frozen=True, slots=True)
class StockDetails:
    """What is read beside the levels, by product; one without anything may be missing."""

    names: Mapping[str, str | None]
    sold: Mapping[str, Decimal]
    on_order: Mapping[str, Decimal]


def read_cursor(text: str) -> Position:
    """The position that `write_cursor` wrote.

    Raises:
        ValueError: with the rule.
    """
    try:
        product, location = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        values.identifier(product)
        if location != "":
            values.identifier(location)
    except (binascii.Error, UnicodeEncodeError, ValueError, TypeError):
        raise ValueError(_RULE) from None
    position = Position(product, location)
    if write_cursor(position) != text:
        raise ValueError(_RULE)
    return position


def write_cursor(position: Position) -> str:
    """The position as text for a URL: base64 of a JSON array, without padding."""
    return urlsafe_b64encode(orjson.dumps([*position])).decode().rstrip("=")


def sold_since(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants (UTC) between which sales count: `stock.DAYS` local days, today included."""
    today = days.today(now, zone)
    begin, end = days.boundaries((today - days.DAY * (stock.DAYS - 1),), today, zone)
    return begin, end


def stock_body(shop: str, page: StockPage, rows: Sequence[Row], details: StockDetails) -> Body:
    """The body without `asOf`; `rows` are those of `levels.sql`, one more than a page where there is one.

    A page ends before `limit` where it has `MOST_BYTES`.
    """
    shown = _fitting(rows[: page.limit], details)
    last = Position(shown[-1]["product_id"], shown[-1]["location_id"]) if shown else Position()
    return {
        "shopId": shop,
        "levels": [_level(row, details) for row in shown],
        "next": write_cursor(last) if len(rows) > len(shown) else None,
    }


def _fitting(rows: Sequence[Row], details: StockDetails) -> Sequence[Row]:
    """The first of them, at least one, that are no more than `MOST_BYTES`."""
    size = 0
    for number, row in enumerate(rows):
        texts = (
            row["product_id"],
            row["location_id"],
            row["sku"],
            details.names.get(row["product_id"]),
        )
        size += sum(len(text.encode()) for text in texts if text)
        if size > MOST_BYTES and number:
            return rows[:number]
    return rows


def _level(row: Row, details: StockDetails) -> Body:
    product, quantity = row["product_id"], Decimal(row["quantity"])
    daily, left = stock.cover(quantity, details.sold.get(product, money.ZERO))
    return {
        "productId": product,
        "locationId": row["location_id"] or None,
        "name": details.names.get(product),
        "sku": row["sku"],
        "quantity": money.number(quantity),
        "threshold": row["threshold"],
        "onOrder": money.number(details.on_order.get(product, money.ZERO)),
        "dailySales": money.number(daily),
        "daysOfCover": money.number(left),
        "low": bool(row["low"]),
    }
