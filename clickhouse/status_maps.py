"""The words of shops for the statuses of orders, as their settings now stand."""

import json
from collections.abc import Collection

from clickhouse.client import ClickHouseClient, Settings
from clickhouse.sql import load
from shopstream.contracts.order import StatusMaps


async def status_maps(
    engine: ClickHouseClient, shops: Collection[str] = (), settings: Settings | None = None
) -> StatusMaps:
    """Those of some shops, or of all; without shops that have none.

    Raises:
        EngineUnavailable, EngineError: as the engine.
    """
    rows = await engine.rows(load("push/status_maps.sql"), {"shops": sorted(shops)}, settings)
    return {row["shop_id"]: json.loads(row["status_map"]) for row in rows}
