"""What API processes tell each other, over `shop.peers`: one partition, so all of them read the same in one order."""

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from api.faults import NotYet
from shopstream.contracts.topics import PEERS
from shopstream.fetch_wait import adapt_fetch_wait
from shopstream.lazy_producer import LazyProducer

log = logging.getLogger(__name__)

BACK_SECONDS = 90
"""How far back a process reads when it begins: longer than a ticket lives and than a silent process counts."""
WAIT_SECONDS = 2.0
BACKOFF = (0.2, 5.0)
STOP_SECONDS = 0.5
POLL_MS = 200
MEMORY_SECONDS = 120.0
"""How long the first claim of a ticket is remembered: twice as long as it lives."""
MEMORY = 200_000
"""Claimed tickets that are remembered, of all processes, some 40 MB; beyond it none has a first claim until some are
forgotten."""

Hear = Callable[[str, Any], None]
"""Takes the process that spoke, and what it said."""


class Peers:
    """`options` connect an aiokafka client. Nothing waits for Kafka but who has something to say."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.name = secrets.token_hex(8)
        self._options = dict(options)
        self._hear: dict[str, Hear] = {}
        self._producer = LazyProducer(**options, acks="all", linger_ms=0, request_timeout_ms=5000)
        self.level = False
        """Whether everything that was said before this process began has been read."""

    def on(self, kind: str, hear: Hear) -> None:
        """Who takes what is said of this kind, by this process too."""
        self._hear[kind] = hear

    async def say(self, kind: str, data: Any) -> None:
        """Tells all.

        Raises:
            NotYet: Kafka does not take it in time.
        """
        value = orjson.dumps({"kind": kind, "process": self.name, "data": data})
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                producer = await self._producer.started()
                await producer.send_and_wait(PEERS, value, partition=0)
        except (KafkaError, OSError, TimeoutError):
            raise NotYet("Kafka does not answer, so other processes cannot be notified.") from None

    async def run(self) -> None:
        """Reads for ever; a broker that fails is waited for."""
        wait = BACKOFF[0]
        while True:
            try:
                await self._read()
            except (KafkaError, OSError, TimeoutError) as error:
                log.info(
                    "what other processes say cannot be read (%s); again in %.1f s", error, wait
                )
            self.level = False
            await asyncio.sleep(wait)
            wait = min(wait * 2, BACKOFF[1])

    async def stop(self) -> None:
        """What was said goes out, within bounds."""
        await self._producer.close(STOP_SECONDS)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        try:
            await consumer.start()
            adapt_fetch_wait(consumer)
            partition = TopicPartition(PEERS, 0)
            consumer.assign([partition])
            end = (await consumer.end_offsets([partition]))[partition]
            since = int((time.time() - BACK_SECONDS) * 1000)
            found = (await consumer.offsets_for_times({partition: since}))[partition]
            at = end if found is None else found.offset
            consumer.seek(partition, at)
            self.level = at >= end
            while True:
                for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                    for record in records:
                        self._one(record.value)
                        self.level = self.level or record.offset + 1 >= end
        finally:
            await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=STOP_SECONDS)

    def _one(self, value: bytes | None) -> None:
        try:
            message = orjson.loads(value or b"")
            kind, process, data = message["kind"], message["process"], message["data"]
            hear = self._hear.get(kind)
            if hear is not None:
                hear(process, data)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            log.warning("a message of another process could not be read")


class TicketClaims:
    """The first claim of a ticket in the order of Kafka has it."""

    def __init__(self, peers: Peers, clock: Callable[[], float] = time.monotonic) -> None:
        self._peers = peers
        self._clock = clock
        self._claimed: OrderedDict[str, float] = OrderedDict()
        self._waiting: dict[str, asyncio.Future[bool]] = {}
        peers.on("ticket", self._hear)

    async def first(self, number: str) -> bool:
        """Whether this use of a ticket is the first over all processes.

        Raises:
            NotYet: that cannot be found out now.
        """
        if not self._peers.level:
            raise NotYet("The messages of other processes are not read yet.")
        nonce = secrets.token_hex(8)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[nonce] = future
        try:
            await self._peers.say("ticket", {"number": number, "nonce": nonce})
            async with asyncio.timeout(WAIT_SECONDS):
                return await future
        except TimeoutError:
            raise NotYet("Whether the ticket was used cannot be found out now.") from None
        finally:
            del self._waiting[nonce]

    def _hear(self, _: str, data: Any) -> None:
        number, nonce, now = str(data["number"]), str(data["nonce"]), self._clock()
        while self._claimed and next(iter(self._claimed.values())) < now - MEMORY_SECONDS:
            self._claimed.popitem(last=False)
        is_first = number not in self._claimed and len(self._claimed) < MEMORY
        if is_first:
            self._claimed[number] = now
        future = self._waiting.get(nonce)
        if future is not None:
            with suppress(asyncio.InvalidStateError):  # the same message once more
                future.set_result(is_first)
