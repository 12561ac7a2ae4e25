"""What no type checker sees: columns and parameters of the statements agree with what is bound."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from contract_samples import bytes_of
from decode_oracle import kafka_records

from clickhouse.sql import load, names
from pipeline.alerts import Alerts
from pipeline.batch import Batch, assemble
from pipeline.decode import Part, Run, decode, shape
from pipeline.fence import Fence
from pipeline.flush_statements import SOON, apply_statement, store_statement
from pipeline.notifier import Notifier
from pipeline.retry import Backoff
from pipeline.store import Known, Store
from pipeline.stored_progress import StoredProgress
from pipeline.topic_specs import TOPIC_SPECS
from shopstream.contracts.cursor import Partition
from shopstream.contracts.examples import example
from shopstream.contracts.notices import Progress
from shopstream.contracts.topics import BY_NAME, INPUTS, INVENTORY, ORDERS


class Engine:
    """Remembers what it was asked, and knows of nothing."""

    def __init__(self) -> None:
        self.asked: dict[str, set[str]] = {}
        self.columns: dict[str, list[str]] = {}
        self.staged: dict[str, tuple[str, list[str]]] = {}
        self.answers: dict[str, list[dict[str, Any]]] = {}

    def _ask(self, sql: str, params: Any, external: Any) -> None:
        self.asked[sql] = set(params or {})
        for table in (external or {}).values():
            self.staged[sql] = (table.columns, table.table.column_names)

    async def rows(self, sql: str, params=None, settings=None, *, external=None):
        self._ask(sql, params, external)
        return self.answers.pop(sql, [])

    async def execute(self, sql: str, params=None, settings=None, *, external=None, query_id=None):
        self._ask(sql, params, external)
        return 0

    async def insert(self, table: str, rows: pa.Table, settings=None):
        self.columns[table] = rows.column_names


EXAMPLES = {topic: example(BY_NAME[topic].types[0]) for topic in TOPIC_SPECS}


NICE = "os_threads_nice_value_query"
PLAIN = ("orderId", "status", "currency", "createdAt", "updatedAt")
"""Of an order, what every one has."""


def batch_of(topic: str, event: Any = None) -> Batch:
    records = kafka_records([bytes_of(event or EXAMPLES[topic])])
    return assemble(5, [decode(topic, [Run(0, 0, records)])])


async def asked() -> Engine:
    """The engine after every statement of a flush of every topic."""
    engine: Any = Engine()
    store = Store(engine, "w")
    place = Partition(ORDERS, 0)
    fence = Fence({place: 1})
    for topic in TOPIC_SPECS:
        batch = batch_of(topic)
        await store.begin(batch)
        await store.store_history(batch)
        await store.store(batch, fence)
        await store.lookups(batch, new=True)
        engine.answers[load("flush/changed_orders.sql")] = [{"parts": True}]
        for former in (False, True):
            engine.answers[load("flush/is_former.sql")] = [{"former": former}]
            await store.apply(topic, 5, fence)
        for parts in (False, True):
            for small in (False, True):
                await store.apply(topic, 5, fence, Known((), small, parts))
        await store.changed(topic, 5)
    plain = example(BY_NAME[ORDERS].types[0])
    plain["data"] = {name: plain["data"][name] for name in PLAIN}
    plain["data"]["items"] = [{"productId": "p", "quantity": 1, "unitPrice": "2"}]
    for equal in (False, True):
        await store.store(batch_of(ORDERS, plain), fence, equal)
        await store.store(batch_of(ORDERS), fence, equal)
    with suppress(ValueError):  # it gives no row
        await store.created_at_conflicts(batch_of(ORDERS))
    await store.mark(5, fence)
    await store.greatest_claim([place])
    await store.claim([place], 1)
    await store.running()
    await StoredProgress(engine).save({place: Progress(1, 2, datetime(2026, 11, 22, tzinfo=UTC))})
    await store.open_batches([place], 0.0)
    await tell(engine)
    return engine


async def tell(engine: Any) -> None:
    """Of a shop that changed, and of a level that crossed."""

    class Publisher:
        async def notices(self, messages: object) -> None: ...

        async def alerts(self, messages: object) -> None: ...

    now = datetime(2026, 11, 22, tzinfo=UTC)
    profile = {"shop_id": "s", "timezone": "", "currency": ""}

    async def publish_progress() -> None: ...

    notifier = Notifier(engine, Publisher(), publish_progress, lambda: 1, lambda: now, Backoff("x"))
    notifier.changed({"s": [0]})
    engine.answers[load("flush/profiles.sql")] = [profile]
    await notifier._notify(["s"])
    crossing = {"low": True, "quantity": 1, "threshold": 2, "sku": None, "at": 0, "id": "a"}
    crossing |= {"shop_id": "s", "product_id": "p", "location_id": ""}
    figure = {"shop_id": "s", "product_id": "p", "name": "", "gone": True, "on_order": 0, "sold": 0}
    engine.answers[load("alerts/crossings.sql")] = [crossing]
    engine.answers[load("flush/profiles.sql")] = [profile]
    engine.answers[load("alerts/figures.sql")] = [figure]
    await Alerts(engine, Publisher(), lambda: now).publish(5, again=True)


def columns_of(table: str) -> list[str]:
    """The columns of a table as its migration has them, without those that have a default."""
    (path,) = [p for p in names("schema") if re.search(rf"\d_{table}\.sql$", p)]
    inner = load(path).split("(\n", 1)[1].split("\n)\nENGINE")[0]
    inner = re.sub(r"Nested\(\n(.*?)\n    \)", _flat, inner, flags=re.DOTALL)
    found = []
    for line in inner.splitlines():
        nested = re.match(r"    (\w+) <(.*)>", line)
        if nested:
            found += [f"{nested[1]}.{name}" for name in nested[2].split()]
        elif " DEFAULT " not in line and " INDEX " not in line:
            found.append(line.split()[0])
    for later in names("schema"):
        alter = rf"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS (\w+) .* AFTER (\w+)"
        for name, after in re.findall(alter, load(later)):
            found.insert(found.index(after) + 1, name)
    return found


def _flat(match: re.Match[str]) -> str:
    return "<" + " ".join(line.split()[0] for line in match[1].splitlines()) + ">"


def filled(path: str) -> list[str]:
    """The statements that are made of a file."""
    text = load(path)
    if path == "flush/store.sql":
        return [store_statement(kind) for topic, kind in TOPIC_SPECS.items() if topic != ORDERS] + [
            store_statement(TOPIC_SPECS[ORDERS], plain, equal)
            for plain in (False, True)
            for equal in (False, True)
        ]
    if path == "flush/apply.sql":
        kinds = [kind for kind in TOPIC_SPECS.values() if kind.window]
        firsts = ((True, parts, small) for parts in (False, True) for small in (False, True))
        forms = ((False, True, False), *firsts)
        return [apply_statement(kind, *form) for kind in kinds for form in forms]
    return [text]


APPLIED = tuple(
    f"apply/{name}"
    for name in ("earliest_orders", "first_orders", "level_names", "order_places", "product_names")
)
"""Those that are whole: the others are filled into flush/apply.sql."""
STATEMENTS = [
    *(
        path
        for path in names("flush")
        if path not in ("flush/batch_rows.sql", "flush/first_rows.sql")
    ),
    *(path for path in names("apply") if path.startswith(APPLIED)),
    *names("changed"),
    *names("alerts"),
]
"""But for parts of others."""


@pytest.mark.parametrize("path", STATEMENTS)
async def test_every_parameter_of_a_statement_is_bound_and_no_other(path):
    engine = await asked()
    for text in filled(path):
        assert text in engine.asked
        assert engine.asked[text] == set(re.findall(r"\{(\w+):", text))


def test_every_topic_that_shops_write_is_stored():
    assert set(TOPIC_SPECS) == set(INPUTS)
    assert names("store") == sorted(f"store/{kind.name}.sql" for kind in TOPIC_SPECS.values())
    assert names("changed") == sorted(
        f"changed/{k.name}.sql" for k in TOPIC_SPECS.values() if k.reports
    )


@pytest.mark.parametrize("topic", TOPIC_SPECS)
def test_a_batch_has_the_staged_columns_in_their_order(topic):
    declared = re.findall(r"(?:^|, )(\w+) [A-Z]", shape.structure(topic))
    assert batch_of(topic).staged.column_names == declared


async def test_what_travels_with_a_statement_has_the_columns_it_says():
    engine = await asked()
    assert len(engine.staged) > len(TOPIC_SPECS)
    for declared, sent in engine.staged.values():
        assert re.findall(r"(?:^|, )(\w+) [A-Z]", declared) == sent


@pytest.mark.parametrize("table", ["batches", "events", "owners"])
async def test_inserted_rows_have_the_columns_of_their_tables(table):
    engine = await asked()
    assert engine.columns[table] == columns_of(table)


def test_the_history_is_the_table_of_events():
    assert shape.HISTORY.names == columns_of("events")


def test_a_run_of_a_partition_has_the_columns_of_its_batch():
    nested = [name for name in columns_of("batches") if name.startswith("parts.")]
    assert nested == [f"parts.{name}" for name in Part._fields]


def _never() -> datetime:
    raise AssertionError


async def test_no_statement_of_a_small_batch_waits_behind_everything_else() -> None:
    class Settings(Engine):
        """Remembers with which nice value each statement runs."""

        def __init__(self) -> None:
            super().__init__()
            self.nice: dict[str, object] = {}

        async def rows(self, sql: str, params=None, settings=None, *, external=None):
            self.nice[sql] = (settings or {}).get(NICE)
            return await super().rows(sql, params, settings, external=external)

        async def execute(self, sql: str, *args, **kwargs):
            self.nice[sql] = args[1].get(NICE)
            return await super().execute(sql, *args, **kwargs)

        async def insert(self, table: str, rows: pa.Table, settings=None):
            self.nice[table] = (settings or {}).get(NICE)

    fence = Fence({Partition(ORDERS, 0): 1})
    for topic in TOPIC_SPECS:
        engine: Any = Settings()
        store = Store(engine, "w")
        batch = batch_of(topic)
        await store.begin(batch)
        await store.store_history(batch)
        if topic == ORDERS:
            with suppress(ValueError):  # it gives no row
                await store.created_at_conflicts(batch)
        await store.store(batch, fence)
        lookups = await store.lookups(batch, new=True)
        await store.changed(topic, 5, small=True)
        await store.apply(topic, 5, fence, Known(lookups, True, True))
        if topic == INVENTORY:
            await Alerts(engine, None, _never).publish(5, again=False, small=True)  # type: ignore[arg-type]
        await store.mark(5, fence)
        assert set(engine.nice.values()) == {SOON[NICE]}, topic


async def test_names_are_taken_back_unless_a_batch_has_neither_names_nor_stored_orders() -> None:
    named = example(BY_NAME[ORDERS].types[0])
    items = [{k: v for k, v in one.items() if k != "name"} for one in named["data"]["items"]]
    nameless = {**named, "data": {**named["data"], "items": items}}
    engine: Any = Engine()
    wanted = [
        "product_names" in await Store(engine, "w").lookups(batch_of(ORDERS, event), new, stored)
        for event in (named, nameless)
        for new, stored in ((True, True), (True, False), (False, True))
    ]
    assert wanted == [True, True, True, True, False, True]
