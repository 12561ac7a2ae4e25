"""Batches as no producer of ours makes them: of any size, in any codec."""

import struct

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from support.system import ORDERS, System

MIB = 1024 * 1024
_CHECKED_AT, _CHECKED_FROM, _LAST_AT = 17, 21, 23
"""Where a batch has its checksum, from where on it counts, and where the last offset stands, from the first on."""


def batch(
    values: list[bytes], first: int = 0, codec: int = 0, header: str = "", named: int = -1
) -> bytes:
    """As a broker sends it; the record of the number `named` has a header of that name."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1024 * MIB)
    for n, value in enumerate(values):
        headers = [(header, b"x")] if n == named else []
        assert builder.append(n, 1000 + n, None, value, headers) is not None
    return struct.pack(">q", first) + bytes(builder.build())[8:]


def moved(deltas: list[int], first: int = 0) -> bytes:
    """A batch that is not compressed, with an offset for each of `deltas`, which are those that its records say."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, MIB)
    for delta in deltas:
        assert builder.append(delta, 1000, None, b"%d" % delta, []) is not None
    data = struct.pack(">q", first) + bytes(builder.build())[8:]
    last = struct.pack(">i", len(deltas) - 1)
    return checked(data[:_LAST_AT] + last + data[_LAST_AT + 4 :])


def checked(data: bytes) -> bytes:
    """A batch with the checksum of what it has."""
    checksum = struct.pack(">I", calc_crc32c(data[_CHECKED_FROM:]))
    return data[:_CHECKED_AT] + checksum + data[_CHECKED_FROM:]


def renamed(data: bytes, name: bytes) -> bytes:
    """A batch that is not compressed, with another name of as many letters for the header `name`, whatever bytes."""
    found = data.replace(b"name", name, 1)
    assert found != data
    return checked(found)


async def send_batch(
    system: System,
    codec: str | None,
    values: list[bytes],
    partition: int,
    copies: int = 1,
    name: bytes | None = None,
    topic: str = ORDERS,
    deltas: list[int] | None = None,
) -> int:
    """As one batch each; the offset of the first record. `name`: four bytes as the name of a header of the second
    record, in a batch that is not compressed. `deltas`: in place of the batch one that is `moved`, of as many
    records."""
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
            made = producer.create_batch()
            for n, value in enumerate(values):
                headers = [("name", b"x")] if name and n == 1 else []
                added = made.append(key=None, value=value, timestamp=None, headers=headers)
                assert added is not None
            if name:
                made._buffer = renamed(bytes(made._builder.build()), name)
            if deltas:
                made._buffer = moved(deltas)
            future = await producer.send_batch(made, topic, partition=partition)
            offset = (await future).offset
            first = offset if first is None else first
            last = offset + len(values)
            key = (topic, partition)
            system.ends[key] = max(system.ends[key], last)
    finally:
        await producer.stop()
    assert first is not None
    return first


def damage(system: System, partition: int, text: bytes, topic: str = ORDERS) -> None:
    """Changes a byte of this text where the broker keeps a partition."""
    (folder,) = system.folder.glob(f"kafka-1/data/{topic}-{partition}")
    (segment,) = folder.glob("*.log")
    with segment.open("r+b") as file:
        at = file.read().index(text)
        file.seek(at)
        file.write(bytes((text[0] ^ 1,)))
