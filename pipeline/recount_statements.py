"""The statements of recounts alone, one method each; see `counted_statuses.py`."""

import time
from collections.abc import Collection, Sequence

import pyarrow as pa

from clickhouse.client import External
from clickhouse.sql import load
from pipeline.fence import Fence
from pipeline.flush_statements import DISTINCT, STORE
from pipeline.snowflake import first_id_at
from pipeline.store import OPEN_SECONDS, Store
from shopstream.contracts.topics import ORDERS


class RecountStatements:
    """Run as those of `store`; every method raises `EngineUnavailable` and `EngineError` as the client."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def until(self, shop: str, statuses: Collection[str], orders: int, lines: int) -> str:
        """The last of the next orders of a shop, by their ids, that count otherwise than by `statuses`: at most
        `orders`, with at most `lines` lines and refunds unless it is one. '' where there is none."""
        more = {"shop": shop, "statuses": list(statuses), "orders": orders, "lines": lines}
        (row,) = await self._store.engine.rows(load("recount/until.sql"), more)
        return str(row["last"])

    async def write(
        self, shop: str, statuses: Collection[str], batch_id: int, fence: Fence, last: str
    ) -> int:
        """Writes orders of a shop up to `last` again that count otherwise than by `statuses`, as rows of a batch; how
        many."""
        (claim,) = fence.claims.values()
        more = {"shop": shop, "statuses": list(statuses), "recount": claim, "last": last}
        text = load("recount/recount.sql")
        return await self._store.execute_for_batch(
            text, batch_id, fence, {**STORE, **DISTINCT}, None, more
        )

    async def wanted(self, limit: int, waiting: Sequence[str]) -> dict[str, str]:
        """By shop the statuses that its settings say, where its orders count under others; '' by default.

        Without the shops that are waiting.
        """
        table = pa.table({"shop_id": pa.array(waiting, pa.string())})
        some = {"waiting": External("shop_id String", table)}
        text = load("recount/wanted.sql")
        rows = await self._store.engine.rows(text, {"limit": limit}, external=some)
        return {row["shop_id"]: row["wanted"] for row in rows}

    async def present(self) -> dict[str, tuple[str, int]]:
        """By shop the statuses under which its orders count, and the claim of the recount since which they do."""
        rows = await self._store.engine.rows(load("recount/present.sql"))
        return {row["shop_id"]: (row["statuses"], int(row["since"])) for row in rows}

    async def set(self, shop: str, statuses: str, fence: Fence) -> None:
        """Inserts under which statuses the orders of a shop are to count from a recount on."""
        (claim,) = fence.claims.values()
        params = {**fence.params(), "shop": shop, "statuses": statuses, "recount": claim}
        await self._store.execute_tracked(load("recount/set.sql"), params, {})

    async def open_batches(self, also: str) -> list[int]:
        """Batches of orders that began and are not applied, of any worker, and those of another topic."""
        params = {"since": first_id_at(time.time() - OPEN_SECONDS), "topics": [ORDERS, also]}
        rows = await self._store.engine.rows(load("recount/open_batches.sql"), params)
        return [int(row["batch"]) for row in rows]
