"""The composition root of the pipeline: the parts of one worker, and the order in which they start."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import faust
from faust.types import TP

from clickhouse.client import BEHIND_REPORTS, Address, ClickHouseClient
from clickhouse.status_maps import status_maps
from pipeline import transport
from pipeline.alerts import Alerts
from pipeline.batch import Batch
from pipeline.changed_days import changed_days
from pipeline.counted_statuses import CountedStatuses, CountingOwner
from pipeline.epochs import Epochs, TopicRecreated
from pipeline.flush import BatchWriter, Fenced, Owner, Written, flush_with_retry
from pipeline.flush_statements import SOON
from pipeline.flusher import Flusher, MemoryBudget
from pipeline.metrics import Metrics
from pipeline.notifier import Notifier
from pipeline.ownership import Ownership
from pipeline.producer import Producer
from pipeline.progress_publisher import ProgressPublisher
from pipeline.reconcile.audit import Audit, Found
from pipeline.reconcile.auditor import Auditor
from pipeline.reconcile.repairs import slots
from pipeline.retry import Backoff, call_with_backoff
from pipeline.snowflake import Snowflake
from pipeline.status import pages
from pipeline.store import Slots, Store
from pipeline.stored_progress import StoredProgress
from pipeline.storing_publisher import StoringPublisher
from pipeline.topic_specs import TOPIC_SPECS
from shopstream.broker import TopicAdmin, client_options
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import Progress
from shopstream.contracts.order import StatusMaps
from shopstream.contracts.topics import ORDERS
from shopstream.metrics import serve
from shopstream.settings import Settings

logger = logging.getLogger(__name__)

GROUP = "shopstream"
FIRST_OF_ORDERS = TP(ORDERS, 0)
"""Its owner audits and recounts."""
TOPICS = tuple(TOPIC_SPECS)
"""What the pipeline reads; an agent and a flusher each, so that no topic waits for another."""
WATCH_SECONDS = 1.0
SLOW_SECONDS = 5.0
"""With a batch that takes longer `/ready` reports ClickHouse as unavailable."""


class Worker:
    """All parts of one process. `app` is the Faust app that drives it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Faust wants a directory for tables; there are none
        self._scratch = TemporaryDirectory(prefix="shopstream-")
        self.ids = Snowflake()
        name = f"{self.ids.writer:06x}"
        self.metrics = Metrics()
        self._add_backoffs()
        self.engine = ClickHouseClient(
            Address.parse(settings.clickhouse_url.get_secret_value()), settings=BEHIND_REPORTS
        )
        self.producer = Producer(settings)
        self.admin = TopicAdmin(settings)
        self.epochs = Epochs(self.admin)
        self.store = Store(self.engine, name)
        self.stored_progress = StoredProgress(self.engine)
        publisher = StoringPublisher(
            self.producer, self.engine, self.epochs.present, Backoff("ClickHouse (notices)")
        )
        self._add_publishers(name, publisher)
        self.writer = BatchWriter(self.store, Alerts(self.engine, publisher, _now))
        self.counted_statuses = CountedStatuses(
            self.store, self.ids, self.writer.apply, self._recovered, self._audits
        )
        self.ownership = Ownership(
            self.store,
            self.writer.apply,
            self.ids,
            self.recovery_backoff,
            self._recovered,
            self.counted_statuses.with_recount_claim,
        )
        self.flushers = self._flushers()
        audit = Audit(self.engine, self.store, self.ids, self.counted_statuses.recount)
        self.auditor = Auditor(
            self.engine, audit, self._audits, self._audited, settings.audit_seconds
        )
        self.metrics.watch_retries(self._retries())
        self.app = self._faust()
        self.kafka = transport.install(self.app)
        self.metrics.watch_held(lambda: self.kafka.held)
        self._assigned = False
        self._before_recount: float | None = None
        self._started = self.kafka.instants.steady()
        self._began: dict[str, float] = {}

    def _add_backoffs(self) -> None:
        """One for each use of a dependency, so that `/ready` names the one that does not serve."""
        self.engine_backoff = Backoff("ClickHouse (batches)")
        self.broker_backoff = Backoff("Kafka")
        self.recovery_backoff = Backoff("ClickHouse (recovery)")
        self.progress_backoff = Backoff("progress")
        self.store_progress_backoff = Backoff("ClickHouse (progress)")
        self.dead_letters_backoff = Backoff("dead letters")

    def _add_publishers(self, name: str, publisher: StoringPublisher) -> None:
        """Of what changed, and of how far this worker is; a notice follows the progress that includes it."""
        self.progress_publisher = ProgressPublisher(
            name,
            self.stored_progress,
            self.producer,
            self.progress,
            self.metrics.totals,
            self.ids.next,
            self.progress_backoff,
            self.store_progress_backoff,
        )
        self.notifier = Notifier(
            self.engine,
            publisher,
            self.progress_publisher.publish_changed,
            self.ids.next,
            _now,
            Backoff("notices"),
        )

    def _retries(self) -> dict[str, Callable[[], int]]:
        """Counts of failed tries by the `dependency` of the metric."""
        return {
            "clickhouse": lambda: self.engine_backoff.pauses + self.recovery_backoff.pauses,
            "kafka": lambda: self.broker_backoff.pauses,
            "progress": lambda: self.progress_backoff.pauses + self.store_progress_backoff.pauses,
            "deadletters": lambda: self.dead_letters_backoff.pauses,
        }

    def _flushers(self) -> dict[str, Flusher]:
        budget = MemoryBudget()
        return {
            topic: Flusher(
                self.epochs.of,
                self.ids.next,
                self._write,
                self._send_dead_letters,
                self._written,
                spec.pace,
                budget,
                self._hold,
                self._status_maps,
            )
            for topic, spec in TOPIC_SPECS.items()
        }

    def wire(self) -> faust.App:
        """Adds agents, tasks and callbacks; the app is ready to run then."""
        self.kafka.on_assigned(self._on_assigned)
        self.kafka.on_revoked(self._on_revoked)
        for topic, flusher in self.flushers.items():
            agent = partial(_agent, flusher)
            self.app.agent(transport.chunk_topic(self.app, topic), name=topic)(agent)
        flushers = [flusher.run for flusher in self.flushers.values()]
        tasks = (
            self.counted_statuses.run,
            self.notifier.run,
            self.progress_publisher.run,
            self.progress_publisher.store,
            self.auditor.run,
            self._watch,
        )
        for task in (*flushers, *tasks):
            self.app.task(partial(_or_end, task))
        return self.app

    async def open(self) -> None:
        """Connects, before the first record: waits for ClickHouse, its schema, the broker and the topics.

        Raises:
            SettingsError: the port of the metrics cannot be used.
        """
        await self.engine.__aenter__()
        if self._settings.metrics_port:
            await serve(self.metrics.registry, self._settings, pages(self.unavailable))
        await call_with_backoff(self._check_dependencies, self.engine_backoff, self.broker_backoff)

    def progress(self) -> dict[Partition, Progress]:
        """How far each partition is in the reports; without those that never caught up with Kafka, whose instant is not
        known. Sets the gauge of the age too."""
        found = self._held_by_recount(self.kafka.progress())
        if found:
            clock = self.kafka.instants
            started = clock.wall(self._started)
            oldest = min(known.as_of or started for known in found.values())
            self.metrics.behind(max(0.0, clock.now().timestamp() - oldest))
            self.metrics.clock_set_back(clock.times_set_back)
            self.metrics.lag(
                {
                    Partition(tp.topic, tp.partition): max(
                        0, self._end_of(tp, known.next) - known.next
                    )
                    for tp, known in found.items()
                }
            )
        at = {known.as_of for known in found.values()}
        instants = {as_of: datetime.fromtimestamp(as_of, UTC) for as_of in at}
        return {
            Partition(tp.topic, tp.partition): Progress(
                self.epochs.of(tp.topic), known.next, instants[known.as_of]
            )
            for tp, known in found.items()
            if known.as_of > 0
        }

    def _held_by_recount(self, found: dict[TP, transport.Progress]) -> dict[TP, transport.Progress]:
        """While a recount goes on, the first partition of orders stands still, and `asOf` with it."""
        first = found.get(FIRST_OF_ORDERS)
        if first is None or not self.counted_statuses.under_way:
            self._before_recount = None if first is None else first.as_of
            return found
        if not self._before_recount:
            return {tp: known for tp, known in found.items() if tp != FIRST_OF_ORDERS}
        held = min(first.as_of, self._before_recount)
        return {**found, FIRST_OF_ORDERS: first._replace(as_of=held)}

    def _end_of(self, tp: TP, known: int) -> int:
        """The high watermark of a partition in the latest fetch; `known` before there was one."""
        end = self.kafka.end(tp)
        return known if end is None else end

    def unavailable(self) -> dict[str, str]:
        """The reason by the name of each dependency that does not serve now."""
        waited = time.monotonic() - min(self._began.values()) if self._began else 0
        slow = f"a batch has been under way for {waited:.0f} s" if waited > SLOW_SECONDS else None
        found = {
            "clickhouse": self.engine_backoff.unavailable_reason
            or self.recovery_backoff.unavailable_reason
            or slow,
            "kafka": self.broker_backoff.unavailable_reason,
            "progress": self.progress_backoff.unavailable_reason
            or self.store_progress_backoff.unavailable_reason,
            "deadletters": self.dead_letters_backoff.unavailable_reason,
            "assignment": None if self._assigned else "no partitions are assigned yet",
        }
        return {name: reason for name, reason in found.items() if reason}

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
        await call_with_backoff(rewind, self.recovery_backoff, self.broker_backoff)
        await self.ownership.take([Partition(tp.topic, tp.partition) for tp in tps])
        await self.recovery_backoff.call(self.counted_statuses.look)
        # what a former owner wrote last may not have been published
        self.progress_publisher.mark_changed(None)
        self._assigned = True

    async def _rewind_stale(self, tps: set[TP]) -> None:
        """An offset that was committed for a former topic of the same name means nothing."""
        await self.epochs.check(TOPICS)
        stored = await self.stored_progress.epochs()
        stale = {
            tp
            for tp in tps
            if stored.get(Partition(tp.topic, tp.partition), self.epochs.of(tp.topic))
            != self.epochs.of(tp.topic)
        }
        if stale:
            logger.warning("topics were recreated; reading from the beginning: %s", stale)
            await self.kafka.rewind(stale)

    async def _on_revoked(self, tps: set[TP]) -> None:
        revoked = {Partition(tp.topic, tp.partition) for tp in tps}
        self.ownership.give_up(revoked)
        for flusher in self.flushers.values():
            flusher.drop(revoked)
        self._assigned = False

    def _hold(self, partition: Partition, held: bool) -> None:
        self.kafka.hold(TP(partition.topic, partition.partition), held)

    async def _write(self, batch: Batch) -> Written:
        self._began[batch.topic] = time.monotonic()
        write = self._write_orders if batch.topic == ORDERS else self._flush
        try:
            return await write(batch, self.ownership)
        finally:
            del self._began[batch.topic]

    async def _write_orders(self, batch: Batch, owner: Owner) -> Written:
        """A batch that a recount has fenced is finished as it was, and its records are written as a new one.

        What the former one changed is reported here: the new one finds it stored, and whoever recounts may be no worker
        or report it later.
        """
        former: list[int] = []
        while True:
            generation = await self.engine_backoff.call(self.counted_statuses.present)
            try:
                written = await self._flush(batch, CountingOwner(owner, generation))
                break
            except Fenced:
                is_former = partial(self.counted_statuses.is_former, generation)
                if not await self.engine_backoff.call(is_former):
                    raise
                former.append(batch.id)
                batch = replace(batch, id=self.ids.next())
        for number in former:
            changed = await self.engine_backoff.call(partial(self.store.changed, ORDERS, number))
            self._recovered(changed.slots)
        return written

    async def _flush(self, batch: Batch, owner: Owner) -> Written:
        return await flush_with_retry(
            batch,
            self.writer,
            owner,
            lambda: self.epochs.check({part.topic for part in batch.parts}),
            self.engine_backoff,
            self.broker_backoff,
        )

    async def _status_maps(self, shops: Collection[str]) -> StatusMaps:
        return await self.engine_backoff.call(partial(status_maps, self.engine, shops, SOON))

    async def _send_dead_letters(self, batch: Batch) -> None:
        events = await asyncio.to_thread(batch.dead_letters)
        await self.dead_letters_backoff.call(partial(self.producer.dead_letters, events))

    def _written(self, written: Written, seconds: float) -> None:
        self.metrics.written(written.batch, seconds)
        self.progress_publisher.mark_changed(changed_days(*written))
        self.notifier.changed(written.changed)

    def _recovered(self, changed: Slots) -> None:
        self.progress_publisher.mark_changed(None)
        self.notifier.changed(changed)

    def _audits(self) -> bool:
        return self.ownership.fence([Partition(*FIRST_OF_ORDERS)]) is not None

    def _audited(self, table: str, found: Found | None) -> None:
        if found is None:
            self.progress_publisher.mark_changed(None)
            return
        self.metrics.audited(table, found.rows, len(found.repaired))
        if found.repaired:
            self._recovered(slots(found.repaired))

    async def _check_dependencies(self) -> None:
        await self.epochs.check(TOPICS)
        await self.stored_progress.epochs()

    async def _watch(self) -> None:
        """Finds a topic that was recreated, or a broker that is gone, also while no record comes."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.broker_backoff.call(partial(self.epochs.check, TOPICS))


def _now() -> datetime:
    return datetime.now(UTC)


async def _agent(flusher: Flusher, stream: Any) -> None:
    async for delivery in transport.deliveries(stream):
        await flusher.offer(delivery)


async def _or_end(task: Callable[[], Awaitable[None]]) -> None:
    """A task that ends, ends the worker; one that is fenced at once, without another commit, as what it holds is no
    longer its own."""
    try:
        await task()
        raise RuntimeError(f"{task} has ended")
    except (TopicRecreated, Fenced) as error:
        logger.error("worker stops: %s", error)
        logging.shutdown()
        os._exit(1)
    except Exception as error:
        logger.critical("worker stops: a task failed", exc_info=error)
        raise


def _credentials(settings: Settings) -> Any:
    options = client_options(settings)
    context = options.get("ssl_context")
    if "sasl_mechanism" in options:
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None
