"""An aiokafka producer that starts with its first record."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError, ProducerClosed
from aiokafka.producer.message_accumulator import MessageAccumulator

END_SECONDS = 15.0
"""A broker that is away would be waited for without end; longer than a record waits for one."""


class LazyProducer:
    """`options` are those of the producer."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._starting = asyncio.Lock()
        self._running: AIOKafkaProducer | None = None
        self._closed = False
        self._ending: set[asyncio.Task[None]] = set()

    async def started(self) -> AIOKafkaProducer:
        """The producer; raises as its start, of which nothing is left then.

        Raises:
            ProducerClosed: after `close`, also where that came during the start.
        """
        async with self._starting:
            if self._running is None:
                self._check_open()
                producer = AIOKafkaProducer(**self._options)
                try:
                    await producer.start()
                    self._check_open()
                except BaseException:
                    await end(producer)
                    raise
                self._running = producer
            return self._running

    def replace(self, producer: AIOKafkaProducer | None) -> None:
        """Lets the next record start another: one that met a fatal error would never recover. What others have in it
        still goes out. Does nothing where that was done before."""
        if producer is None or producer is not self._running:
            return
        self._running = None
        task = asyncio.create_task(end(producer), name="end of a producer")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self, seconds: float) -> None:
        """Sends what is left, in this time. There is no producer any more after it."""
        self._closed = True
        self.replace(self._running)
        if self._ending:
            await asyncio.wait(self._ending, timeout=seconds)

    def _check_open(self) -> None:
        if self._closed:
            raise ProducerClosed


async def end(producer: AIOKafkaProducer) -> None:
    """Sends what is left, within `END_SECONDS`, and ends: what is under way then may take its `request_timeout_ms`.

    An idempotent producer sends a record again for ever, and a `stop` that is cancelled leaves its sender and its
    connections behind. So the sender is ended, which lets `stop` go on, and what is left fails.
    """
    ending = asyncio.ensure_future(producer.stop())
    await asyncio.wait({ending}, timeout=END_SECONDS)
    if not ending.done() and (sender := producer._sender) is not None:
        await sender.close()
        fail_left(producer._message_accumulator)
    await ending


def fail_left(accumulator: MessageAccumulator) -> None:
    """Fails each record that is not sent with `KafkaTimeoutError`; nothing sends them any more.

    As aiokafka fails batches that are too old: its `fail_all` logs a KeyError of each that was sent before, and a
    future of each that nobody awaits.
    """
    batches = accumulator._batches
    for partition in list(batches):
        while partition in batches:
            accumulator._pop_batch(partition).failure(KafkaTimeoutError())
