"""What the pipeline must know of shops: the time zone and the currency of their reports, and their local days."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from clickhouse.client import ClickHouseClient, External
from clickhouse.sql import load
from shopstream.contracts.local_days import DAY, first_instant, local_date
from shopstream.contracts.zones import UTC, zone_of

_INSTANT = pa.timestamp("s", "UTC")
_PERIOD = pa.schema(
    {"shop_id": pa.string(), "currency": pa.string(), "start": _INSTANT, "end": _INSTANT}
)


class Profile(NamedTuple):
    """`currency` is '' in a shop that has neither said one nor sold anything."""

    zone: ZoneInfo
    currency: str


async def profiles(engine: ClickHouseClient, shops: Collection[str]) -> dict[str, Profile]:
    """The present profile of each shop.

    Raises:
        EngineUnavailable, EngineError: as the client.
    """
    wanted = {"wanted": External("shop_id String", pa.table({"shop_id": sorted(shops)}))}
    rows = await engine.rows(load("flush/profiles.sql"), external=wanted)
    return {
        row["shop_id"]: Profile(zone_of(row["timezone"] or UTC), row["currency"]) for row in rows
    }


def last_days(shops: Mapping[str, Profile], now: datetime, days: int) -> External:
    """A row a shop: its id and currency, and the instants from which and before which its last local days are,
    today included."""
    rows = []
    for shop, (zone, currency) in shops.items():
        today = local_date(now, zone)
        start = first_instant(today - timedelta(days=days - 1), zone)
        end = first_instant(today + DAY, zone)
        rows.append({"shop_id": shop, "currency": currency, "start": start, "end": end})
    columns = "shop_id String, currency String, start DateTime('UTC'), end DateTime('UTC')"
    return External(columns, pa.Table.from_pylist(rows, _PERIOD))
