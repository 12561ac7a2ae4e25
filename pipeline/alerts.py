"""Stock alerts: crossings that the comparison found, with the figures of the moment, stored and published.

The crossings of a level are a part of its row, so they are there or not as the row is. An alert is stored before it
is published; after a crash it is read again and published as it was.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa

from clickhouse.client import ClickHouseClient, External, Row
from clickhouse.sql import load
from pipeline.flush_statements import PLAIN, SOON
from pipeline.producer import EventPublisher
from pipeline.shops import last_days, profiles
from shopstream.contracts.notices import ALERT_TEXT, Alert, stock_alert
from shopstream.contracts.stock import DAYS, cover

AT_ONCE = 10_000
"""Crossings that are looked at together: the engine answers with at most 128 MiB."""
NAMES_AT_ONCE = 20
"""Products in one statement: they travel in its URL."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Product = tuple[str, str]
"""Ids of shop and product."""


class Alerts:
    """`publish` is a part of *apply* for a batch of inventory, and may be repeated."""

    def __init__(
        self, engine: ClickHouseClient, publisher: EventPublisher, now: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._publisher = publisher
        self._now = now

    async def publish(self, batch: int, *, again: bool, small: bool = False) -> None:
        """Stores and publishes the alerts of a batch; `again` where that may have been begun before, `small` where it
        has few rows.

        Then stored alerts are published too where a newer version of their level, which another partition may have
        brought, has taken the crossings away with the row.

        Raises:
            EngineUnavailable, EngineError: as the engine.
            BrokerUnreachable: the broker has not got them.
        """
        soon = SOON if small else None
        crossings = await self._engine.rows(load("alerts/crossings.sql"), {"batch": batch}, soon)
        if again:
            found = {_key(row) for row in crossings}
            stored = await self._engine.rows(load("alerts/stored_alerts.sql"), {"batch": batch})
            crossings += [row for row in stored if _key(row) not in found]
        for start in range(0, len(crossings), AT_ONCE):
            await self._publish(batch, crossings[start : start + AT_ONCE])

    async def _publish(self, batch: int, crossings: list[Row]) -> None:
        alerts = await self._stored(crossings)
        new = [row for row in crossings if _key(row) not in alerts]
        if new:
            alerts |= await self._store(batch, new, await self._figures(new))
        await self._publisher.alerts(
            [
                (f"{row['shop_id']}/{row['product_id']}".encode(), stock_alert(_alert(row, alerts)))
                for row in crossings
            ]
        )

    async def _stored(self, crossings: Iterable[Row]) -> dict[tuple[str, str], Row]:
        wanted = _external(crossings, ("shop_id", "id"))
        rows = await self._engine.rows(
            load("alerts/published_alerts.sql"), external={"wanted": wanted}
        )
        return {_key(row): row for row in rows}

    async def _figures(self, crossings: list[Row]) -> Mapping[Product, Row]:
        shops = await profiles(self._engine, {row["shop_id"] for row in crossings})
        external = {
            "wanted": _external(crossings, ("shop_id", "product_id")),
            "periods": last_days(shops, self._now(), DAYS),
        }
        text = load("alerts/figures.sql")
        rows = await self._engine.rows(text, {"text": ALERT_TEXT}, external=external)
        found = {_product(row): row for row in rows}
        for shop in {row["shop_id"] for row in rows if row["gone"]}:
            await self._recompute_names(shop, [row for row in rows if row["gone"]], found)
        return found

    async def _recompute_names(self, shop: str, gone: list[Row], found: dict[Product, Row]) -> None:
        products = [row["product_id"] for row in gone if row["shop_id"] == shop]
        for start in range(0, len(products), NAMES_AT_ONCE):
            some = products[start : start + NAMES_AT_ONCE]
            again = load("reports/product_names_again.sql")
            rows = await self._engine.rows(again, {"shop": shop, "products": some})
            names = {row["product_id"]: row["name"] for row in rows}
            for product in some:
                found[shop, product]["name"] = names.get(product)

    async def _store(
        self, batch: int, crossings: list[Row], figures: Mapping[Product, Row]
    ) -> dict[Product, Row]:
        rows = {}
        for row in crossings:
            figure = figures[_product(row)]
            daily, days = cover(Decimal(row["quantity"]), Decimal(figure["sold"]))
            rows[_key(row)] = {
                **row,
                "at": _instant(row["at"]),
                "name": figure["name"] and figure["name"][:ALERT_TEXT],
                "sku": row["sku"] and row["sku"][:ALERT_TEXT],
                "quantity": Decimal(row["quantity"]),
                "on_order": Decimal(figure["on_order"]),
                "daily_sales": daily,
                "days_of_cover": days,
                "batch": batch,
            }
        fresh = External(_STRUCTURE, pa.Table.from_pylist(list(rows.values()), _COLUMNS))
        text = load("alerts/store.sql")
        await self._engine.execute(text, None, PLAIN, external={"fresh": fresh})
        return rows | await self._stored(crossings)


_STRUCTURE = (
    "shop_id String, id String, low Bool, product_id String, location_id String, name Nullable(String), "
    "sku Nullable(String), quantity Decimal(18, 4), threshold UInt32, on_order Decimal(38, 4), "
    "daily_sales Decimal(38, 2), days_of_cover Nullable(Decimal(18, 1)), at DateTime64(6, 'UTC'), batch UInt64"
)
_COLUMNS = pa.schema(
    {
        "shop_id": pa.string(),
        "id": pa.string(),
        "low": pa.bool_(),
        "product_id": pa.string(),
        "location_id": pa.string(),
        "name": pa.string(),
        "sku": pa.string(),
        "quantity": pa.decimal128(18, 4),
        "threshold": pa.uint32(),
        "on_order": pa.decimal128(38, 4),
        "daily_sales": pa.decimal128(38, 2),
        "days_of_cover": pa.decimal128(18, 1),
        "at": pa.timestamp("us", "UTC"),
        "batch": pa.uint64(),
    }
)


def _external(rows: Iterable[Row], names: tuple[str, str]) -> External:
    distinct = sorted({tuple(row[name] for name in names) for row in rows})
    columns = dict(zip(names, zip(*distinct, strict=True), strict=True))
    return External(", ".join(f"{name} String" for name in names), pa.table(columns))


def _key(row: Row) -> tuple[str, str]:
    return row["shop_id"], row["id"]


def _product(row: Row) -> Product:
    return row["shop_id"], row["product_id"]


def _alert(row: Row, alerts: Mapping[Product, Row]) -> Alert:
    figure = alerts[_key(row)]
    days = figure["days_of_cover"]
    return Alert(
        id=row["id"],
        low=bool(row["low"]),
        shop=row["shop_id"],
        product=row["product_id"],
        location=row["location_id"] or None,
        name=figure["name"],
        sku=row["sku"],
        quantity=Decimal(row["quantity"]),
        threshold=row["threshold"],
        on_order=Decimal(figure["on_order"]),
        daily_sales=Decimal(figure["daily_sales"]),
        days_of_cover=None if days is None else Decimal(days),
        at=_instant(row["at"]),
    )


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
