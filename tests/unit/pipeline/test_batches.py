"""A batch of pieces, and its orders under the first createdAt that was accepted."""

import dataclasses
import json
from datetime import UTC, datetime

from contract_samples import bytes_of, event, order
from decode_oracle import kafka_records

from pipeline.batch import DEAD_LETTERS, assemble
from pipeline.decode import Part, Run, decode
from shopstream.contracts.cursor import Partition
from shopstream.contracts.deadletter import Record
from shopstream.contracts.reject import Reason, Refusal
from shopstream.contracts.topics import ORDERS


def piece(*values, partition=0, epoch=7, first=1000, timestamp=None):
    records = kafka_records(list(values))
    for record in records:
        record.offset += first - 1000
        record.timestamp = record.timestamp if timestamp is None else timestamp
    return decode(ORDERS, [Run(partition, epoch, records)])


def value(name):
    return bytes_of(event(id=f"e-{name}", data=order(orderId=name)))


def test_a_batch_numbers_its_rows_in_the_order_of_arrival():
    batch = assemble(5, [piece(value("a"), b"{}", value("b")), piece(value("c"), partition=1)])
    assert batch.id == 5
    assert batch.staged["seq"].to_pylist() == [0, 1, 2]
    assert batch.staged["order_id"].to_pylist() == ["a", "b", "c"]
    assert batch.history["offset"].to_pylist() == [1000, 1003, 1000]
    assert batch.records == 4
    assert [(record.offset, refusal.reason) for record, refusal in batch.refused] == [
        (1001, Reason.NOT_CLOUDEVENT)
    ]


def test_a_batch_holds_one_run_of_each_partition():
    batch = assemble(
        5,
        [
            piece(value("a"), partition=1, first=50),
            piece(value("b"), partition=0, first=10),
            piece(value("c"), b"{}", partition=1, first=51),
        ],
    )
    assert batch.parts == (Part(ORDERS, 0, 7, 10, 11), Part(ORDERS, 1, 7, 50, 53))
    assert batch.partitions == [Partition(ORDERS, 0), Partition(ORDERS, 1)]


def test_two_epochs_of_a_topic_are_two_runs():
    batch = assemble(5, [piece(value("a"), epoch=7, first=50), piece(value("b"), epoch=8, first=0)])
    assert batch.parts == (Part(ORDERS, 0, 7, 50, 51), Part(ORDERS, 0, 8, 0, 1))


def test_a_batch_of_refused_records_has_no_rows():
    batch = assemble(5, [piece(b"{}"), piece(b"1", b"")])
    assert (batch.staged.num_rows, batch.history.num_rows, batch.records) == (0, 0, 3)
    assert batch.staged.column_names[0] == "seq"
    assert len(batch.dead_letters()) == 3


def test_a_record_without_a_value_is_counted_and_nothing_else():
    batch = assemble(5, [piece(None, None), piece(None, value("a"), b"{}")])
    assert (batch.records, batch.tombstones, len(batch.refused)) == (5, 3, 1)
    assert batch.staged["order_id"].to_pylist() == ["a"]
    assert batch.parts[0].next == 1004


def test_an_order_with_another_created_at_is_written_under_the_first_one():
    batch = assemble(5, [piece(value("a"), b"{}", value("b"), value("c"), partition=3)])
    first = datetime(2026, 11, 21, 0, 0, 0, 1, UTC)
    written = batch.with_first_created_at({1: round(first.timestamp()) * 1_000_000 + 1})
    before, after = (one.staged["created_at"].to_pylist() for one in (batch, written))
    assert after == [before[0], first, before[2]] and first not in before
    assert written.staged.drop_columns("created_at") == batch.staged.drop_columns("created_at")
    assert written.staged.schema == batch.staged.schema
    assert (written.history, written.refused) == (batch.history, batch.refused)
    assert (batch.created_at_differences, written.created_at_differences) == (0, 1)


def test_dead_letters_are_in_the_order_of_the_refused_records():
    batch = assemble(5, [piece(b"{}", value("a"), b"[]"), piece(b"1", partition=1)])
    ids = [json.loads(letter)["id"] for letter in batch.dead_letters()]
    assert ids == ["shop.orders:0:1000", "shop.orders:0:1003", "shop.orders:1:1000"]


def test_what_a_batch_refused_beyond_its_budget_shares_letters_by_partition_and_reason() -> None:
    refusals = [Refusal(reason, None, "x") for reason in (Reason.NOT_JSON, Reason.BAD_VALUE)]
    refused = [
        (Record("shop.orders", number, offset, 1, b"k", b"junk"), refusals[offset % 2])
        for number, many in ((0, DEAD_LETTERS + 10), (1, 5))
        for offset in range(many)
    ]
    batch = dataclasses.replace(
        assemble(1, [decode("shop.orders", [Run(0, 1, kafka_records([b"junk"]))])]),
        refused=tuple(refused),
    )
    letters = [json.loads(letter) for letter in batch.dead_letters()]
    many = [letter for letter in letters if "count" in letter["data"]]
    assert len(letters) == DEAD_LETTERS + 5 + 2
    assert [(letter["id"], letter["data"]["count"]) for letter in many] == [
        (f"shop.orders:0:{DEAD_LETTERS}-{DEAD_LETTERS + 8}", 5),
        (f"shop.orders:0:{DEAD_LETTERS + 1}-{DEAD_LETTERS + 9}", 5),
    ]
    assert {letter["data"]["size"] for letter in many} == {20}
    assert all(
        letter["data"][name] is None for letter in many for name in ("key", "value", "sha256")
    )


def test_a_few_large_letters_are_a_budget_too() -> None:
    value = b"x" * 500_000
    refused = [
        (Record("shop.orders", 0, offset, 1, None, value), Refusal(Reason.NOT_JSON, None, "x"))
        for offset in range(20)
    ]
    batch = dataclasses.replace(
        assemble(1, [decode("shop.orders", [Run(0, 1, kafka_records([b"junk"]))])]),
        refused=tuple(refused),
    )
    letters = batch.dead_letters()
    assert len(letters) < 5
    assert json.loads(letters[-1])["data"]["count"] == 20 - (len(letters) - 1)
