"""A loop of raw inserts: every version is a row, `FINAL` finds the latest one when a report is asked for."""

import asyncio
import os

import aiokafka
import clickhouse_connect
import orjson

from shopbench.rivals.progress import Progress

TABLES = (
    """
    CREATE TABLE orders (
        shop_id LowCardinality(String), order_id String, created_at DateTime64(6, 'UTC'),
        version DateTime64(6, 'UTC'), counted Bool, cents Int64, quantity UInt32,
        `items.product` Array(String), `items.quantity` Array(UInt32), `items.cents` Array(Int64)
    )
    ENGINE = ReplacingMergeTree(version) ORDER BY (shop_id, created_at, order_id)
    """,
)
COLUMNS = [
    *("shop_id", "order_id", "created_at", "version", "counted", "cents", "quantity"),
    *("items.product", "items.quantity", "items.cents"),
]
NOT_COUNTED = {"cancelled", "failed", "refunded"}


class Assigned(aiokafka.ConsumerRebalanceListener):
    """Tells the bench."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_partitions_revoked(self, revoked: object) -> None:
        """Nothing is held back."""

    def on_partitions_assigned(self, assigned: object) -> None:
        """The clock starts."""
        self._progress.assigned()


# what a user would write begins here
def row(event: dict) -> tuple:
    order = event["data"]
    items = order["items"]
    quantities = [item["quantity"] for item in items]
    cents = [round(item["unitPrice"] * 100) * item["quantity"] for item in items]
    counted = order["status"] not in NOT_COUNTED
    names = [item["productId"] for item in items]
    head = (event["shopid"], order["orderId"], order["createdAt"], order["updatedAt"], counted)
    return *head, round(order["total"] * 100), sum(quantities), names, quantities, cents


async def main() -> None:
    progress = Progress()
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=os.environ["BENCH_KAFKA"],
        group_id=os.environ["BENCH_GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_wait_ms=100,
    )
    engine = await clickhouse_connect.get_async_client(dsn=os.environ["BENCH_CLICKHOUSE"])
    consumer.subscribe(["shop.orders"], listener=Assigned(progress))
    await consumer.start()
    while True:
        chunks = await consumer.getmany(timeout_ms=200, max_records=50_000)
        rows = [row(orjson.loads(record.value)) for chunk in chunks.values() for record in chunk]
        if rows:
            columns = list(zip(*rows, strict=True))
            await engine.insert("orders", columns, COLUMNS, column_oriented=True)
            await consumer.commit()
            progress.stored(len(rows))


if __name__ == "__main__":
    asyncio.run(main())
