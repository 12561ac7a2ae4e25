"""What no type checker sees: columns and parameters of the statements agree with what is bound."""

import re
from contextlib import suppress
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from contract_samples import bytes_of, event
from decode_oracle import kafka_records

from shopstream.clickhouse.sql import load, names
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import ORDERS
from shopstream.pipeline.batch import Part, assemble
from shopstream.pipeline.decode import decode, shape
from shopstream.pipeline.notifier import Notifier
from shopstream.pipeline.store import Fence, Store

ARROW = {
    "String": pa.string(),
    "LowCardinality(String)": pa.string(),
    "Nullable(String)": pa.string(),
    "Date": pa.date32(),
    "UInt32": pa.uint32(),
    "DateTime64(6, 'UTC')": pa.timestamp("us", "UTC"),
    "Decimal(18, 4)": pa.decimal128(18, 4),
    "Nullable(Decimal(18, 4))": pa.decimal128(18, 4),
    "Array(String)": pa.list_(pa.string()),
    "Array(Nullable(String))": pa.list_(pa.string()),
    "Array(UInt32)": pa.list_(pa.uint32()),
    "Array(Decimal(18, 4))": pa.list_(pa.decimal128(18, 4)),
}
STAGED = re.findall(
    r"(\w+) ((?:[^,()]|\((?:[^()]|\([^()]*\))*\))+)", load("flush/staged.columns").strip()
)


class Engine:
    """Remembers what it was asked, and knows of nothing."""

    def __init__(self) -> None:
        self.asked: dict[str, set[str]] = {}
        self.columns: dict[str, list[str]] = {}
        self.staged: dict[str, tuple[str, list[str]]] = {}

    def _ask(self, sql: str, params: Any, external: Any) -> None:
        self.asked[sql] = set(params or {})
        for table in (external or {}).values():
            self.staged[sql] = (table.columns, table.table.column_names)

    async def rows(self, sql: str, params=None, settings=None, *, external=None):
        self._ask(sql, params, external)
        return []

    async def execute(self, sql: str, params=None, settings=None, *, external=None, query_id=None):
        self._ask(sql, params, external)
        return 0

    async def insert(self, table: str, rows: pa.Table, settings=None):
        self.columns[table] = rows.column_names


async def asked() -> Engine:
    """The engine after every statement of a flush."""
    engine = Engine()
    store = Store(engine, "w")
    place = Partition(ORDERS, 0)
    fence = Fence({place: 1})
    batch = assemble(5, [decode(ORDERS, 0, 0, kafka_records([bytes_of(event())]))])
    await store.begin(batch)
    await store.keep(batch)
    await store.moved(batch)
    await store.store(batch, fence)
    await store.apply(5, fence)
    await store.mark(5, fence)
    with suppress(IndexError):  # nobody has claimed it
        await store.greatest_claim([place])
    await store.claim([place], 1)
    await store.running()
    await store.open_batches([place], 0.0)
    await store.changed(5)
    nobody: Any = None
    await Notifier(engine, nobody, nobody, nobody, nobody)._today(["s"], date(2026, 11, 22))
    return engine


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
    return found


def _flat(match: re.Match[str]) -> str:
    return "<" + " ".join(line.split()[0] for line in match[1].splitlines()) + ">"


@pytest.mark.parametrize("path", names("flush"))
async def test_every_parameter_of_a_statement_is_bound_and_no_other(path):
    text = load(path)
    engine = await asked()
    assert text in engine.asked
    assert engine.asked[text] == set(re.findall(r"\{(\w+):", text))


def test_the_staged_columns_are_seq_and_those_of_an_order():
    assert [name for name, _ in STAGED] == ["seq", *shape.ORDERS.names]


def test_the_staged_columns_have_the_types_of_an_order():
    assert [ARROW[kind] for _, kind in STAGED] == [pa.uint32(), *shape.ORDERS.types]


def test_a_batch_has_the_staged_columns_in_their_order():
    batch = assemble(5, [decode(ORDERS, 0, 0, kafka_records([bytes_of(event())]))])
    assert batch.staged.column_names == [name for name, _ in STAGED]
    assert batch.staged.schema.types == [ARROW[kind] for _, kind in STAGED]


async def test_what_travels_with_a_statement_has_the_columns_it_says():
    engine = await asked()
    for text in (load("flush/store.sql"), load("flush/moved.sql")):
        declared, sent = engine.staged[text]
        assert re.findall(r"(?:^|, )(\w+) [A-Z]", declared) == sent


async def test_inserted_rows_have_the_columns_of_their_tables():
    engine = await asked()
    assert engine.columns["batches"] == columns_of("batches")
    assert engine.columns["events"] == columns_of("events")
    assert engine.columns["owners"] == columns_of("owners")


def test_the_history_is_the_table_of_events_and_the_key():
    assert shape.HISTORY.names == [
        *columns_of("events")[:-1],
        "key",
        columns_of("events")[-1],
    ]


def test_a_run_of_a_partition_has_the_columns_of_its_batch():
    nested = [name for name in columns_of("batches") if name.startswith("parts.")]
    assert nested == [f"parts.{name}" for name in Part._fields]


def test_store_writes_every_column_of_an_order_in_its_order():
    text = load("flush/store.sql")
    chosen = text.split("SELECT\n", 1)[1].split("\nFROM\n", 1)[0]
    assert len(chosen.split(",\n")) == len(_orders())


def _orders() -> list[str]:
    hashed = ["shop_key", "order_key"]
    return [*hashed, *columns_of("orders")]
