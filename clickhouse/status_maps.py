"""The words of shops for the statuses of orders, as their settings now stand."""

import json
from collections.abc import Collection

import pyarrow as pa

from clickhouse.client import ClickHouseClient, External, Settings
from clickhouse.sql import load
from shopstream.contracts.order import StatusMaps


async def status_maps(
    engine: ClickHouseClient, shops: Collection[str] = (), settings: Settings | None = None
) -> StatusMaps:
    """Those of some shops, or of all; without shops that have none.

    Raises:
        EngineUnavailable, EngineError: as the engine.
    """
    table = pa.table({"shop_id": pa.array(sorted(shops), pa.string())})
    some = {"wanted": External("shop_id String", table)}
    rows = await engine.rows(load("push/status_maps.sql"), None, settings, external=some)
    return {row["shop_id"]: json.loads(row["status_map"]) for row in rows}
