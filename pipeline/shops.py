"""What the pipeline must know of shops: the time zone and the currency of their reports."""

from collections.abc import Collection
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from clickhouse.client import Engine, External
from clickhouse.sql import load

UTC_ZONE = "UTC"


class Profile(NamedTuple):
    """`currency` is '' in a shop that has neither said one nor sold anything."""

    zone: ZoneInfo
    currency: str


async def profiles(engine: Engine, shops: Collection[str]) -> dict[str, Profile]:
    """As they are now, by shop.

    Raises:
        EngineUnavailable, EngineError: as the engine.
    """
    wanted = {"wanted": External("shop_id String", pa.table({"shop_id": sorted(shops)}))}
    rows = await engine.rows(load("flush/profiles.sql"), external=wanted)
    return {
        row["shop_id"]: Profile(ZoneInfo(row["timezone"] or UTC_ZONE), row["currency"])
        for row in rows
    }
