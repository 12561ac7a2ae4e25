"""The composition root of the pipeline: what one worker is made of, and in which order it lives."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import faust
from faust.types import TP

from clickhouse.client import BEHIND_REPORTS, Address, Engine
from clickhouse.errors import NOT_MIGRATED, EngineError, EngineUnavailable
from pipeline import transport
from pipeline.alerts import Alerts
from pipeline.announcer import Announcer
from pipeline.batch import Batch
from pipeline.epochs import Epochs, TopicMissing, TopicRecreated
from pipeline.flush import Fenced, Hands, Written, insist
from pipeline.flusher import Flusher, Room
from pipeline.kinds import KINDS
from pipeline.metrics import Metrics
from pipeline.notifier import Notifier
from pipeline.numbers import Numbers
from pipeline.ownership import Ownership
from pipeline.producer import Producer
from pipeline.published import Published
from pipeline.reconcile.audit import Audit, Found
from pipeline.reconcile.auditor import Auditor
from pipeline.reconcile.repairs import slots
from pipeline.retry import Patience
from pipeline.status import Status
from pipeline.store import Slots, Store
from pipeline.touched import touched
from shopstream.broker import BrokerUnreachable, TopicAdmin, async_options
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import Progress
from shopstream.contracts.topics import ORDERS
from shopstream.settings import PREFIX, Settings, SettingsError

logger = logging.getLogger(__name__)

GROUP = "shopstream"
TOPICS = tuple(KINDS)
"""What the pipeline reads; an agent and a flusher each, so that no topic waits for another."""
WATCH_SECONDS = 1.0
SLOW_SECONDS = 5.0
"""A batch that takes longer is a trouble that `/ready` tells."""


class Worker:
    """Everything of one process. `app` is the Faust app that drives it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Faust wants a directory for tables; there are none
        self._scratch = TemporaryDirectory(prefix="shopstream-")
        self.numbers = Numbers()
        name = f"{self.numbers.writer:06x}"
        self.metrics = Metrics()
        self.engine_patience = Patience("ClickHouse (batches)")
        self.broker_patience = Patience("Kafka")
        self.recovery_patience = Patience("ClickHouse (recovery)")
        self.progress_patience = Patience("progress")
        self.letters_patience = Patience("dead letters")
        self.engine = Engine(
            Address.parse(settings.clickhouse_url.get_secret_value()), settings=BEHIND_REPORTS
        )
        self.producer = Producer(settings)
        self.admin = TopicAdmin(settings)
        self.epochs = Epochs(self.admin)
        self.store = Store(self.engine, name)
        published = Published(
            self.producer, self.engine, self.epochs.present, Patience("ClickHouse (notices)")
        )
        self.notifier = Notifier(
            self.engine,
            published,
            lambda: self.announcer.say(),
            self.numbers.next,
            _now,
            Patience("notices"),
        )
        self.hands = Hands(self.store, Alerts(self.engine, published, _now))
        self.ownership = Ownership(
            self.store,
            self.hands.apply,
            self.numbers,
            self.recovery_patience,
            self._recovered,
        )
        room = Room()
        self.flushers = {
            topic: Flusher(
                self.epochs.of,
                self.numbers.next,
                self._write,
                self._send_letters,
                self._written,
                kind.pace,
                room,
            )
            for topic, kind in KINDS.items()
        }
        self.announcer = Announcer(
            name,
            self.store,
            self.producer,
            self.progress,
            self.metrics.totals,
            self.numbers.next,
            self.progress_patience,
        )
        self.auditor = Auditor(
            self.engine,
            Audit(self.engine, self.store, self.numbers),
            self._audits,
            self._audited,
            settings.audit_seconds,
        )
        self.metrics.watch_retries(
            {
                "clickhouse": lambda: self.engine_patience.pauses + self.recovery_patience.pauses,
                "kafka": lambda: self.broker_patience.pauses,
                "progress": lambda: self.progress_patience.pauses,
                "deadletters": lambda: self.letters_patience.pauses,
            }
        )
        self.status = Status(self.metrics.registry, self.troubles)
        self.app = self._faust()
        self.kafka = transport.install(self.app)
        self._assigned = False
        self._started = self.kafka.instants.steady()
        self._began: dict[str, float] = {}

    def wire(self) -> faust.App:
        """Agents, tasks and callbacks; the app is ready to run then."""
        self.kafka.on_assigned(self._on_assigned)
        self.kafka.on_revoked(self._on_revoked)
        for topic, flusher in self.flushers.items():
            agent = partial(_agent, flusher)
            self.app.agent(transport.chunk_topic(self.app, topic), name=topic)(agent)
        flushers = [flusher.run for flusher in self.flushers.values()]
        tasks = (self.notifier.run, self.announcer.run, self.auditor.run, self._watch)
        for task in (*flushers, *tasks):
            self.app.task(partial(_or_end, task))
        return self.app

    async def open(self) -> None:
        """What needs the event loop, before the first record: waits for the engine, its schema, the broker
        and the topics.

        Raises:
            SettingsError: the port of the metrics cannot be used.
        """
        await self.engine.__aenter__()
        if self._settings.metrics_port:
            await self._listen(self._settings.host, self._settings.metrics_port)
        await self._until_served(self._look_around, self.broker_patience, self.engine_patience)

    def progress(self) -> dict[Partition, Progress]:
        """How far each partition is in the reports; one that never was level with Kafka is left out, as nobody
        can say up to which instant it is. The gauge of the age follows what is told here."""
        told = self.kafka.progress()
        if told:
            instants = self.kafka.instants
            started = instants.wall(self._started)
            oldest = min(known.as_of or started for known in told.values())
            self.metrics.behind(max(0.0, instants.now().timestamp() - oldest))
            self.metrics.clock_set_back(instants.times_set_back)
            self.metrics.lag(
                {
                    Partition(tp.topic, tp.partition): max(
                        0, self._end_of(tp, known.next) - known.next
                    )
                    for tp, known in told.items()
                }
            )
        return {
            Partition(tp.topic, tp.partition): Progress(
                self.epochs.of(tp.topic), known.next, datetime.fromtimestamp(known.as_of, UTC)
            )
            for tp, known in told.items()
            if known.as_of > 0
        }

    def _end_of(self, tp: TP, known: int) -> int:
        """Of a partition as the latest fetch has told it; `known` before there was one."""
        end = self.app.consumer.highwater(tp)
        return known if end is None else int(end)

    def troubles(self) -> dict[str, str]:
        """Each dependency that does not serve now, and why."""
        waited = time.monotonic() - min(self._began.values()) if self._began else 0
        slow = f"a batch has been under way for {waited:.0f} s" if waited > SLOW_SECONDS else None
        found = {
            "clickhouse": self.engine_patience.trouble or self.recovery_patience.trouble or slow,
            "kafka": self.broker_patience.trouble,
            "progress": self.progress_patience.trouble,
            "deadletters": self.letters_patience.trouble,
            "assignment": None if self._assigned else "no partitions are assigned yet",
        }
        return {name: trouble for name, trouble in found.items() if trouble}

    def _faust(self) -> faust.App:
        addresses = ";".join(
            f"kafka://{address}" for address in self._settings.kafka_bootstrap.split(",")
        )
        return faust.App(
            GROUP,
            broker=addresses,
            broker_credentials=_credentials(self._settings),
            datadir=self._scratch.name,
            loghandlers=[],
            **transport.settings(self._settings.kafka_session_timeout),
        )

    async def _on_assigned(self, tps: set[TP]) -> None:
        rewind = partial(self._rewind_stale, tps)
        await self._until_served(rewind, self.broker_patience, self.recovery_patience)
        await self.ownership.take([Partition(tp.topic, tp.partition) for tp in tps])
        # of what a former owner wrote last, nobody may have heard
        self.announcer.news(None)
        self._assigned = True

    async def _rewind_stale(self, tps: set[TP]) -> None:
        """An offset that was committed for a former topic of the same name means nothing."""
        await self.epochs.check(TOPICS)
        stored = await self.store.stored_epochs()
        stale = {
            tp
            for tp in tps
            if stored.get(Partition(tp.topic, tp.partition), self.epochs.of(tp.topic))
            != self.epochs.of(tp.topic)
        }
        if stale:
            logger.warning("read from the beginning, as the topics were made again: %s", stale)
            await self.kafka.rewind(stale)

    async def _on_revoked(self, tps: set[TP]) -> None:
        lost = {Partition(tp.topic, tp.partition) for tp in tps}
        self.ownership.give_up(lost)
        for flusher in self.flushers.values():
            flusher.drop(lost)
        self._assigned = False

    async def _write(self, batch: Batch) -> Written:
        self._began[batch.topic] = time.monotonic()
        try:
            return await insist(
                batch,
                self.hands,
                self.ownership,
                lambda: self.epochs.check({part.topic for part in batch.parts}),
                (self.engine_patience, self.broker_patience),
            )
        finally:
            del self._began[batch.topic]

    async def _send_letters(self, batch: Batch) -> None:
        letters = await asyncio.to_thread(batch.dead_letters)
        while True:
            try:
                await self.producer.send_all(letters)
            except BrokerUnreachable as error:
                await self.letters_patience.pause(error)
            else:
                self.letters_patience.well()
                return

    def _written(self, written: Written, seconds: float) -> None:
        self.metrics.written(written.batch, seconds)
        self.announcer.news(touched(written.batch, written.changed))
        self.notifier.changed(written.changed)

    def _recovered(self, changed: Slots) -> None:
        self.announcer.news(None)
        self.notifier.changed(changed)

    def _audits(self) -> bool:
        """One worker audits: the owner of the first partition of the orders."""
        return self.ownership.fence([Partition(ORDERS, 0)]) is not None

    def _audited(self, table: str, found: Found | None) -> None:
        if found is None:
            self.announcer.news(None)
            return
        self.metrics.audited(table, found.rows, len(found.repaired))
        if found.repaired:
            self._recovered(slots(found.repaired))

    async def _until_served(
        self, call: Callable[[], Awaitable[None]], broker: Patience, engine: Patience
    ) -> None:
        while True:
            try:
                await call()
            except (BrokerUnreachable, TopicMissing) as error:
                await broker.pause(error)
            except EngineUnavailable as error:
                await engine.pause(error)
            except EngineError as error:
                if error.code not in NOT_MIGRATED:
                    raise
                await engine.pause(error)
            else:
                broker.well()
                engine.well()
                return

    async def _listen(self, host: str, port: int) -> None:
        try:
            await self.status.start(host, port)
        except OSError as error:
            raise SettingsError(
                f"{PREFIX}METRICS_PORT: {host}:{port} cannot be used ({error})"
            ) from None

    async def _look_around(self) -> None:
        await self.epochs.check(TOPICS)
        await self.store.stored_epochs()

    async def _watch(self) -> None:
        """Sees a topic that is made again, or a broker that is gone, also while no record comes."""
        unasked = Patience("ClickHouse")
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            check = partial(self.epochs.check, TOPICS)
            await self._until_served(check, self.broker_patience, unasked)


def _now() -> datetime:
    return datetime.now(UTC)


async def _agent(flusher: Flusher, stream: Any) -> None:
    async for delivery in transport.deliveries(stream):
        await flusher.offer(delivery)


async def _or_end(task: Callable[[], Awaitable[None]]) -> None:
    """At once and without another commit: what this worker holds is not its own any more."""
    try:
        await task()
        raise RuntimeError(f"{task} has ended")
    except (TopicRecreated, Fenced) as error:
        logger.error("the worker ends: %s", error)
        logging.shutdown()
        os._exit(1)
    except Exception as error:
        logger.critical("the worker ends: a task of it failed", exc_info=error)
        raise


def _credentials(settings: Settings) -> Any:
    options = async_options(settings)
    context = options.get("ssl_context")
    if "sasl_mechanism" in options:
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None
