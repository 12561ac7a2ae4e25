"""What each window costs when a batch is applied: its view alone, into a copy of its table."""

import re
from typing import TYPE_CHECKING

from clickhouse.client import ClickHouseClient

if TYPE_CHECKING:
    from shopbench.steps import Clock

_VIEWS = """
SELECT name, as_select, create_table_query AS text
FROM system.tables
WHERE database = 'shopstream' AND engine = 'MaterializedView'
ORDER BY name
"""
_ONE_BLOCK = {
    "max_block_size": 2**20,
    "max_insert_threads": 1,
    "min_insert_block_size_rows": 10**9,
    "min_insert_block_size_bytes": 0,
}


async def time_views(engine: ClickHouseClient, clock: "Clock", batch: int) -> None:
    """Adds a step to the clock for each, after one for reading the batch."""
    read = f"CREATE TABLE bench_batch ENGINE = Memory AS SELECT * FROM orders WHERE batch = {batch}"
    await clock.step("read the batch", lambda: engine.execute(read))
    for view in await engine.rows(_VIEWS):
        found = re.search(r" TO shopstream\.`?(\w+)", view["text"])
        assert found is not None
        await engine.execute(f"CREATE TABLE bench_target AS {found[1]}")
        select = re.sub(r"shopstream\.`?apply\b`?", "bench_batch", view["as_select"])
        insert = f"INSERT INTO bench_target {select}"
        await clock.step(view["name"], lambda text=insert: engine.execute(text, None, _ONE_BLOCK))
        await engine.execute("DROP TABLE bench_target SYNC")
