"""The statements of the pipeline, one method each. Every one but `execute_tracked` may be repeated."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from clickhouse.client import ClickHouseClient, External
from clickhouse.client import Settings as EngineSettings
from clickhouse.errors import NOT_MIGRATED, EngineError, EngineUnavailable
from clickhouse.migrations import all_migrations
from clickhouse.sql import load
from pipeline.batch import Batch
from pipeline.decode import Part, shape
from pipeline.flush_statements import (
    APPLY,
    BY_BATCH,
    DISTINCT,
    FORMER,
    LOOK_UP,
    PLAIN,
    RARE,
    SMALL,
    SMALL_ROWS,
    SOON,
    STORE,
    apply_statement,
    is_plain,
    store_statement,
)
from pipeline.snowflake import first_id_at
from pipeline.topic_specs import TOPIC_SPECS, TopicSpec
from shopstream.contracts.cursor import Partition
from shopstream.contracts.inventory import DEFAULT_THRESHOLD
from shopstream.contracts.notices import Progress
from shopstream.contracts.topics import ORDERS

LAST_NUMBER = 2**64 - 1
Slots = dict[str, list[int]]
"""15-minute buckets (their start in Unix seconds) whose numbers changed, by shop."""
POLL_SECONDS = 0.05
OPEN_SECONDS = 30 * 24 * 3600
"""How far back a batch that was begun and not applied is looked for."""

_IDENTIFYING = frozenset(
    ("seq", "shop_id", "event_id", "source", "order_id", "created_at", "updated_at", "revision")
)
"""Staged columns that say of which order an event is, and when."""
SHOPS_KEPT = 20_000
"""Shops whose earliest order a worker remembers."""
EARLIEST_SECONDS = 300.0
"""For so long: the audit may find that an order was not the earliest."""

_PROGRESS = "topic String, partition UInt32, epoch UInt32, next UInt64, as_of DateTime64(6, 'UTC')"


class Conflicts(NamedTuple):
    """What a batch of orders meets: the first accepted createdAt (Unix microseconds), by `seq` of the rows that came
    with another one; whether it has orders that are not stored, and some that are; and whether it may have several
    events of one order at one instant, which arrival decides."""

    first: dict[int, int]
    new: bool
    stored: bool = True
    equal: bool = True


class Changed(NamedTuple):
    """15-minute buckets whose numbers a batch changed, by shop; a shop without any is one whose reports changed
    otherwise: the name of a product, say. `parts`: whether an order of the batch, or what it supersedes, may have
    refunds with ids or parts of its total."""

    slots: Slots
    parts: bool = True


Lookups = Mapping[str, Collection[str] | None]
"""Look-up tables, each with the shops whose rows in it may change; None: any of the batch."""


class Known(NamedTuple):
    """What the try that stored a batch knows of it: the look-up tables that it may change, whether it has few rows, and
    `parts` as of `Changed`."""

    lookups: Collection[str]
    small: bool
    parts: bool


@dataclass(frozen=True, slots=True)
class Fence:
    """Claims of partitions: a statement writes nothing once another worker has claimed one of them."""

    claims: dict[Partition, int]
    counted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Statuses whose orders count, of shops that have some of their own: as long as the claims are the greatest."""

    def params(self) -> dict[str, Any]:
        """Parameters `topics`, `partitions` and `claims` of the fence in the statements, alike in length."""
        return {**_arrays(self.claims), "claims": list(self.claims.values())}


async def wait_for_running_statements(running: Callable[[], Awaitable[set[str]]]) -> None:
    """Returns once every statement that runs now is over; `running` asks for their ids, as `Store.running`."""
    waited_for = await running()
    while waited_for:
        await asyncio.sleep(POLL_SECONDS)
        waited_for &= await running()


class Store:
    """What one worker reads and writes in ClickHouse; `worker` is its name in query ids and records.

    Every method raises `EngineUnavailable` and `EngineError` as the client.
    """

    def __init__(self, engine: ClickHouseClient, worker: str) -> None:
        self._engine = engine
        self._worker = worker
        self._statements = 0
        self._earliest: dict[str, int] = {}
        """By shop, microseconds: no later than this is the createdAt of its earliest order in `first_orders`."""
        self._earliest_until = 0.0

    async def begin(self, batch: Batch) -> None:
        """Inserts the batch as not yet applied, with the offsets of each of its partitions."""
        await self.begin_parts(batch.id, batch.parts)

    async def begin_parts(self, batch_id: int, held: Iterable[Part]) -> None:
        """The same by its id and parts."""
        parts = [part._asdict() for part in held]
        row: dict[str, Any] = {
            "batch": batch_id,
            "applied": False,
            "at": datetime.now(UTC),
            "writer": self._worker,
        }
        for name in ("topic", "partition", "epoch", "first", "next"):
            row[f"parts.{name}"] = [part[name] for part in parts]
        await self._engine.insert("batches", pa.Table.from_pylist([row]), {**PLAIN, **SOON})

    async def store_history(self, batch: Batch) -> None:
        """Inserts the accepted events into the table `events`."""
        if batch.history.num_rows:
            soon = SOON if _small(batch) else {}
            await self._engine.insert("events", batch.history, {**PLAIN, **soon})

    async def created_at_conflicts(self, batch: Batch) -> Conflicts:
        """Of a batch of orders, with what is stored and within itself."""
        rest = frozenset(batch.staged.column_names) - _IDENTIFYING
        columns = shape.structure(ORDERS, rest)
        staged = {"staged": External(columns, batch.staged.drop_columns(list(rest)))}
        text = load("flush/created_at_conflicts.sql")
        (row,) = await self._engine.rows(text, None, _small(batch), external=staged)
        first = {int(seq): int(micros) for seq, micros in row["conflicts"]}
        return Conflicts(first, bool(row["new"]), bool(row["stored"]), bool(row["equal"]))

    async def store(self, batch: Batch, fence: Fence, equal: bool = True) -> int:
        """Step 2 of a batch: writes what is newer than what is stored, with what it supersedes; how many rows. `equal`
        as of `Conflicts`."""
        plain = batch.topic == ORDERS and is_plain(batch.staged)
        absent = frozenset(RARE if plain else ())
        own = {shop: fence.counted[shop] for shop in _own_counting(batch, fence)}
        text = store_statement(TOPIC_SPECS[batch.topic], plain, equal, bool(own))
        columns = shape.structure(batch.topic, absent)
        staged = {"staged": External(columns, batch.staged.drop_columns(list(absent)))}
        more: dict[str, Any] = {}
        if own:
            more["counting_shops"] = list(own)
            more["counting"] = [f"{shop}\n{status}" for shop in own for status in own[shop]]
        if "{default_threshold:" in text:
            more["default_threshold"] = DEFAULT_THRESHOLD
        return await self._execute(
            text, batch.id, fence, {**STORE, **DISTINCT, **_small(batch)}, staged, more
        )

    async def lookups(self, batch: Batch, new: bool, stored: bool = True) -> Lookups:
        """The look-up tables that a batch may change, `new` and `stored` as of `Conflicts`.

        An order without names takes back those of its stored version. The earliest order of a shop only ever becomes
        earlier, so a later one is known not to be it.
        """
        wanted: dict[str, Collection[str] | None] = dict.fromkeys(TOPIC_SPECS[batch.topic].lookups)
        if batch.topic != ORDERS:
            return wanted
        if not new:
            del wanted["order_places"]
        if (
            not stored
            and not pc.any(pc.is_valid(pc.list_flatten(batch.staged["item_name"]))).as_py()
        ):
            del wanted["product_names"]
        if earliest := await self._earliest_orders(batch):
            wanted["first_orders"] = earliest
        else:
            del wanted["first_orders"]
        return wanted

    async def _earliest_orders(self, batch: Batch) -> list[str]:
        """Shops of which the batch may have the earliest order."""
        staged = batch.staged.select(["shop_id", "created_at"])
        by_shop = staged.group_by("shop_id").aggregate([("created_at", "min")])
        times = pc.cast(by_shop["created_at_min"], pa.int64()).to_pylist()
        first = dict(zip(by_shop["shop_id"].to_pylist(), times, strict=True))
        if time.monotonic() >= self._earliest_until:
            self._earliest.clear()
            self._earliest_until = time.monotonic() + EARLIEST_SECONDS
        if unknown := [shop for shop in first if shop not in self._earliest]:
            if len(self._earliest) + len(unknown) > SHOPS_KEPT:
                self._earliest.clear()
            wanted = {"wanted": External("shop_id String", pa.table({"shop_id": unknown}))}
            text = load("apply/earliest_orders.sql")
            rows = await self._engine.rows(text, None, _small(batch), external=wanted)
            self._earliest |= {row["shop_id"]: row["created_at"] for row in rows}
        found = [shop for shop, at in first.items() if at <= self._earliest.get(shop, at)]
        for shop in found:  # read again, once it is written
            self._earliest.pop(shop, None)
        return found

    async def apply(
        self,
        topic: str,
        batch_id: int,
        fence: Fence,
        known: Known | None = None,
    ) -> None:
        """Step 3 of a batch: adds what it changed to the windows, once, and to look-up tables. `known`: where this is
        the try that stored it, the only one."""
        spec = TOPIC_SPECS[topic]
        wanted = known.lookups if known else spec.lookups
        small = known is not None and known.small
        settings = SMALL if small else {}
        calls = [self._look_up(name, batch_id, settings) for name in wanted]
        if spec.window:
            summed = DISTINCT if topic == ORDERS and not small else {}
            former = not known and await self._is_former(batch_id)
            token = {**FORMER, "insert_deduplication_token": f"batch-{batch_id}"} if former else {}
            text = apply_statement(spec, known is not None, not known or known.parts, small, former)
            calls.append(
                self._execute(text, batch_id, fence, {**APPLY, **summed, **settings, **token})
            )
        await all_of(*calls)

    async def _is_former(self, batch_id: int) -> bool:
        """Whether a version before commit markers began the batch: windows may have it without one."""
        (row,) = await self._engine.rows(load("flush/is_former.sql"), {"batch": batch_id})
        return bool(row["former"])

    async def _look_up(self, name: str, batch_id: int, settings: EngineSettings) -> int:
        """Without fence and token: what it writes follows from stored rows, and may be there twice."""
        return await self._engine.execute(
            load(f"apply/{name}.sql"), {"batch": batch_id}, {**LOOK_UP, **settings}
        )

    async def mark(self, batch_id: int, fence: Fence) -> bool:
        """Inserts the batch as applied; False where another worker has claimed its partitions."""
        params = {"batch": batch_id, "writer": self._worker, **fence.params()}
        return await self._engine.execute(load("flush/mark.sql"), params, {**PLAIN, **SMALL}) == 1

    async def recount_until(
        self, shop: str, statuses: Collection[str], orders: int, lines: int
    ) -> str:
        """The last of the next orders of a shop, by their ids, that count otherwise than by `statuses`: at most
        `orders`, with at most `lines` lines and refunds unless it is one. '' where there is none."""
        more = {"shop": shop, "statuses": list(statuses), "orders": orders, "lines": lines}
        (row,) = await self._engine.rows(load("counting/until.sql"), more)
        return str(row["last"])

    async def recount(
        self, shop: str, statuses: Collection[str], batch_id: int, fence: Fence, last: str
    ) -> int:
        """Writes orders of a shop up to `last` again that count otherwise than by `statuses`, as rows of a batch; how
        many."""
        (claim,) = fence.claims.values()
        more = {"shop": shop, "statuses": list(statuses), "recount": claim, "last": last}
        text = load("counting/recount.sql")
        return await self._execute(text, batch_id, fence, {**STORE, **DISTINCT}, None, more)

    async def wanted_counting(self, limit: int, waiting: Collection[str]) -> dict[str, str]:
        """By shop the statuses that its settings say, where its orders count under others; '' by default.

        Without the shops that are waiting.
        """
        params = {"limit": limit, "waiting": list(waiting)}
        rows = await self._engine.rows(load("counting/wanted.sql"), params)
        return {row["shop_id"]: row["wanted"] for row in rows}

    async def present_counting(self) -> dict[str, tuple[str, int]]:
        """By shop the statuses under which its orders count, and the claim of the recount since which they do."""
        rows = await self._engine.rows(load("counting/present.sql"))
        return {row["shop_id"]: (row["statuses"], int(row["since"])) for row in rows}

    async def set_counting(self, shop: str, statuses: str, fence: Fence) -> None:
        """Inserts under which statuses the orders of a shop are to count from a recount on."""
        (claim,) = fence.claims.values()
        params = {**fence.params(), "shop": shop, "statuses": statuses, "recount": claim}
        await self.execute_tracked(load("counting/set.sql"), params, {})

    async def open_order_batches(self, also: str) -> list[int]:
        """Batches of orders that began and are not applied, of any worker, and those of another topic."""
        params = {"since": first_id_at(time.time() - OPEN_SECONDS), "topics": [ORDERS, also]}
        rows = await self._engine.rows(load("counting/open_batches.sql"), params)
        return [int(row["batch"]) for row in rows]

    async def claim(self, partitions: Iterable[Partition], claim: int) -> None:
        """From now on no statement under an older claim of these partitions writes anything."""
        rows = [
            {"topic": topic, "partition": partition, "claim": claim}
            for topic, partition in partitions
        ]
        await self._engine.insert("owners", pa.Table.from_pylist(rows), PLAIN)

    async def greatest_claim(self, partitions: Iterable[Partition]) -> int:
        """Of these partitions, by any worker; 0 where there is none."""
        return max(await self.greatest_claims(partitions), default=0)

    async def greatest_claims(self, partitions: Iterable[Partition]) -> set[int]:
        """The greatest claim of each of these partitions that has one, by any worker."""
        rows = await self._engine.rows(load("flush/greatest_claims.sql"), _arrays(partitions))
        return {row["claim"] for row in rows}

    async def running(self) -> set[str]:
        """Query ids of the pipeline's writing statements, of any worker, that run now."""
        return {row["id"] for row in await self._engine.rows(load("flush/running.sql"))}

    async def open_batches(
        self, partitions: Iterable[Partition], now: float
    ) -> dict[int, list[Partition]]:
        """Batches with any of these partitions that are not applied: all partitions of each by its id.

        Of the last 30 days before `now` (Unix time).
        """
        params = {"since": first_id_at(now - OPEN_SECONDS), **_arrays(partitions)}
        rows = await self._engine.rows(load("flush/open_batches.sql"), params)
        return {
            int(row["batch"]): [
                Partition(topic, int(partition)) for topic, partition in row["parts"]
            ]
            for row in rows
        }

    async def save_progress(self, progress: dict[Partition, Progress]) -> None:
        """Inserts how far the reports are, for an API process that starts later."""
        rows = [
            {
                "topic": partition.topic,
                "partition": partition.partition,
                "epoch": value.epoch,
                "next": value.next,
                "as_of": value.as_of,
            }
            for partition, value in progress.items()
        ]
        if rows:
            saved = {"saved": External(_PROGRESS, pa.Table.from_pylist(rows))}
            await self._engine.execute(load("flush/progress.sql"), None, PLAIN, external=saved)

    async def stored_epochs(self) -> dict[Partition, int]:
        """The epoch that each partition had when its progress was last saved.

        Raises:
            EngineUnavailable: also where `shopstream migrate` has not brought the tables to this version yet.
        """
        try:
            ran = {
                row["number"] for row in await self._engine.rows("SELECT number FROM migrations")
            }
            if missing := [each.name for each in all_migrations() if each.number not in ran]:
                raise EngineUnavailable(f"shopstream migrate has not run: {missing[0]} is missing")
            rows = await self._engine.rows(
                "SELECT topic, partition, argMax(epoch, at) AS epoch FROM progress GROUP BY topic, partition"
            )
        except EngineError as error:
            if error.code not in NOT_MIGRATED:
                raise
            raise EngineUnavailable(str(error)) from error
        return {Partition(row["topic"], row["partition"]): row["epoch"] for row in rows}

    async def changed(self, topic: str, batch_id: int, small: bool = False) -> Changed:
        """What a batch changed; asked before it is marked."""
        spec = TOPIC_SPECS[topic]
        settings = {**BY_BATCH, **(SMALL if small else {})}
        if topic == ORDERS:
            text = load("flush/changed_orders.sql")
            rows = await self._engine.rows(text, {"batch": batch_id}, settings)
            if not any(row["parts"] for row in rows):
                slots = {row["shop_id"]: row["slots"] for row in rows if row["slots"]}
                return Changed(slots, parts=False)
        slots = await self._changed(spec, batch_id, batch_id, settings) if spec.reports else {}
        return Changed(slots)

    async def changed_since(self, seconds: float) -> list[Slots]:
        """The same for every batch from an instant on (Unix time), as far as their rows still stand."""
        specs = [spec for spec in TOPIC_SPECS.values() if spec.reports]
        return [await self._changed(spec, first_id_at(seconds), LAST_NUMBER) for spec in specs]

    async def _changed(
        self, spec: TopicSpec, first: int, last: int, settings: EngineSettings = BY_BATCH
    ) -> Slots:
        params = {"first": first, "last": last}
        rows = await self._engine.rows(load(f"changed/{spec.name}.sql"), params, settings)
        return {row["shop_id"]: row["slots"] for row in rows}

    async def execute_tracked(
        self, text: str, params: dict[str, Any], external: dict[str, External]
    ) -> int:
        """Runs a statement that new owners wait for; how many rows it wrote."""
        self._statements += 1
        return await self._engine.execute(
            text,
            params,
            STORE,
            external=external,
            query_id=f"shopstream-{self._worker}-{self._statements}",
        )

    async def _execute(
        self,
        text: str,
        batch_id: int,
        fence: Fence,
        settings: EngineSettings,
        external: dict[str, External] | None = None,
        more: dict[str, Any] | None = None,
    ) -> int:
        self._statements += 1
        return await self._engine.execute(
            text,
            {"batch": batch_id, **fence.params(), **(more or {})},
            settings,
            external=external,
            query_id=f"shopstream-{self._worker}-{batch_id}-{self._statements}",
        )


async def all_of(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results of calls made at once; where one fails, after the others have ended too.

    Nothing of a failed try may still be under way when the next begins.
    """
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def _own_counting(batch: Batch, fence: Fence) -> set[str]:
    """Shops of a batch of orders that have statuses of their own which count."""
    if batch.topic != ORDERS or not fence.counted:
        return set()
    return fence.counted.keys() & set(pc.unique(batch.staged["shop_id"]).to_pylist())


def _small(batch: Batch) -> EngineSettings:
    return SMALL if batch.staged.num_rows <= SMALL_ROWS else {}


def _arrays(partitions: Iterable[Partition]) -> dict[str, Any]:
    wanted = list(partitions)
    return {
        "topics": [one.topic for one in wanted],
        "partitions": [one.partition for one in wanted],
    }
