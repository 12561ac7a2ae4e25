"""Batches as no producer of ours makes them: of any size, in any codec."""

from aiokafka import AIOKafkaProducer

from support.system import System

MIB = 1024 * 1024


async def send_batch(
    system: System, codec: str, values: list[bytes], partition: int, copies: int = 1
) -> int:
    """As one batch each; the offset of the first record."""
    producer = AIOKafkaProducer(
        bootstrap_servers=system.bootstrap,
        compression_type=codec,
        max_batch_size=512 * MIB,
        max_request_size=1024 * MIB,
        request_timeout_ms=60_000,
        enable_idempotence=False,
    )
    await producer.start()
    first = None
    try:
        for _ in range(copies):
            batch = producer.create_batch()
            for value in values:
                assert batch.append(key=None, value=value, timestamp=None) is not None
            future = await producer.send_batch(batch, "shop.orders", partition=partition)
            offset = (await future).offset
            first = offset if first is None else first
            last = offset + len(values)
            key = ("shop.orders", partition)
            system.ends[key] = max(system.ends[key], last)
    finally:
        await producer.stop()
    assert first is not None
    return first
