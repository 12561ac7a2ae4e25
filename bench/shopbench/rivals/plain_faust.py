"""Plain Faust: an agent takes batches and inserts rows; incremental views add them up."""

import os

import clickhouse_connect
import faust
import orjson

from shopbench.rivals.progress import Progress
from shopbench.rivals.raw_loop import COLUMNS, row

TABLES = (
    """
    CREATE TABLE orders (
        shop_id LowCardinality(String), order_id String, created_at DateTime64(6, 'UTC'),
        version DateTime64(6, 'UTC'), counted Bool, cents Int64, quantity UInt32,
        `items.product` Array(String), `items.quantity` Array(UInt32), `items.cents` Array(Int64)
    )
    ENGINE = MergeTree ORDER BY (shop_id, created_at, order_id)
    """,
    """
    CREATE TABLE sales_day (
        shop_id LowCardinality(String), day Date, orders Int64, cents Int64, items Int64
    )
    ENGINE = SummingMergeTree ORDER BY (shop_id, day)
    """,
    """
    CREATE MATERIALIZED VIEW to_sales_day TO sales_day AS
    SELECT shop_id, toDate(created_at) AS day, count() AS orders, sum(cents) AS cents,
        sum(quantity) AS items
    FROM orders WHERE counted GROUP BY shop_id, day
    """,
    """
    CREATE TABLE product_day (
        shop_id LowCardinality(String), day Date, product String, quantity Int64, cents Int64
    )
    ENGINE = SummingMergeTree ORDER BY (shop_id, day, product)
    """,
    """
    CREATE MATERIALIZED VIEW to_product_day TO product_day AS
    SELECT shop_id, toDate(created_at) AS day, product, sum(q) AS quantity, sum(c) AS cents
    FROM orders ARRAY JOIN `items.product` AS product, `items.quantity` AS q, `items.cents` AS c
    WHERE counted GROUP BY shop_id, day, product
    """,
)

app = faust.App(
    os.environ.get("BENCH_GROUP", "bench"),
    broker=f"kafka://{os.environ.get('BENCH_KAFKA')}",
    value_serializer="raw",
    consumer_auto_offset_reset="earliest",
    topic_disable_leader=True,
    web_enabled=False,
    datadir=os.environ.get("BENCH_FOLDER", "."),
)
orders = app.topic("shop.orders")


@app.on_partitions_assigned.connect
async def _assigned(*_: object, **__: object) -> None:
    progress.assigned()


# what a user would write
@app.agent(orders)
async def ingest(stream: faust.Stream) -> None:
    engine = await clickhouse_connect.get_async_client(dsn=os.environ["BENCH_CLICKHOUSE"])
    async for batch in stream.take(10_000, within=0.2):
        rows = [row(orjson.loads(value)) for value in batch]
        await engine.insert("orders", list(zip(*rows, strict=True)), COLUMNS, column_oriented=True)
        progress.stored(len(batch))


if __name__ == "__main__":
    progress = Progress()
    app.main()
