"""A batch inflates up to its bound and no further, whatever its codec, and what is left stands for it."""

import contextlib
import gzip
import logging
import struct
from typing import Any

import cramjam
import pytest
from aiokafka import TopicPartition
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder

from api.push.fetches import FetchedRecords
from shopstream import record_batches
from shopstream.bounded_aiokafka import bound_aiokafka
from shopstream.bounded_kafka_python import bound_kafka_python
from shopstream.contracts.reject import Reason, Unread
from shopstream.inflate import (
    MAX_INFLATED,
    CannotInflate,
    inflate_gzip,
    inflate_lz4,
    inflate_snappy,
    inflate_zstd,
)
from shopstream.record_batches import (
    FETCHES,
    HELD_BYTES,
    Damaged,
    held_bytes,
)
from support.batches import batch, checked, moved, renamed


def xerial(data: bytes, block: int = 32 * 1024) -> bytes:
    """As the Java library frames it."""
    parts = [
        bytes(cramjam.snappy.compress_raw(data[i : i + block])) for i in range(0, len(data), block)
    ]
    head = b"\x82SNAPPY\0" + struct.pack(">ii", 1, 1)
    return head + b"".join(struct.pack(">i", len(part)) + part for part in parts)


CODECS = {
    "gzip": (gzip.compress, inflate_gzip),
    "zstd": (lambda data: bytes(cramjam.zstd.compress(data)), inflate_zstd),
    "lz4": (lambda data: bytes(cramjam.lz4.compress(data)), inflate_lz4),
    "snappy": (lambda data: bytes(cramjam.snappy.compress_raw(data)), inflate_snappy),
    "xerial": (xerial, inflate_snappy),
}


@pytest.fixture(params=CODECS)
def codec(request: pytest.FixtureRequest):
    return CODECS[request.param]


def test_what_is_within_the_bound_comes_back(codec) -> None:
    deflate, inflate = codec
    for data in (b"x", b'{"a":1}' * 50_000, bytes(MAX_INFLATED)):
        assert inflate(deflate(data)) == data
        assert inflate(memoryview(deflate(data))) == data


def test_one_byte_more_is_refused(codec) -> None:
    deflate, inflate = codec
    with pytest.raises(CannotInflate):
        inflate(deflate(bytes(MAX_INFLATED + 1)))


def test_what_is_cut_off_or_changed_is_refused_or_other_bytes_never_more(codec) -> None:
    deflate, inflate = codec
    whole = deflate(b'{"a":1}' * 1000)
    for at in range(0, len(whole), 3):
        for bad in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            with contextlib.suppress(CannotInflate):
                assert len(inflate(bad)) <= MAX_INFLATED


def test_a_snappy_block_that_claims_gigabytes_takes_none() -> None:
    with pytest.raises(CannotInflate):
        inflate_snappy(b"\xff\xff\xff\xff\x0f" + b"\0" * 100)


PLACE = TopicPartition("shop.orders", 3)
HEAD = 61


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bound_aiokafka()
    monkeypatch.setattr(record_batches, "_came", {})
    monkeypatch.setattr(record_batches.logger, "filters", [])


def read(data: bytes, offset: int = 0) -> tuple[list[Any], int]:
    """The values of a response, or what stands for them, and where the next fetch begins."""
    records = FetchedRecords(PLACE, offset, None, data)
    return [(record.offset, record.value) for record in records], records.next_fetch_offset


def fetched(data: bytes, offset: int = 0) -> tuple[list[Any], int]:
    """The same, as often as it takes."""
    for _ in range(FETCHES - 1):
        assert read(data, offset) == ([], offset)
    return read(data, offset)


def changed(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


WHOLE = batch([b"a", b"b", b"c"], first=10)
BEHIND = batch([b"d"], first=13)


def test_sound_batches_are_read() -> None:
    found = [(10, b"a"), (11, b"b"), (12, b"c"), (13, b"d")]
    assert read(WHOLE + BEHIND, 10) == (found, 14)
    assert read(WHOLE + BEHIND, 12) == (found[2:], 14)


@pytest.mark.parametrize("at", [*range(17, 21), 22, *range(HEAD, len(WHOLE))])
def test_a_damaged_batch_is_fetched_again_and_then_one_record(
    at: int, caplog: pytest.LogCaptureFixture
) -> None:
    bad = changed(WHOLE, at, bytes((WHOLE[at] ^ 0x40,)))
    (stand, behind), end = fetched(bad + BEHIND, 10)
    assert (stand[0], behind, end) == (12, (13, b"d"), 14)
    value = stand[1]
    assert isinstance(value, Damaged)
    assert (value, value.first, value.records, value.reason) == (b"", 10, 3, Reason.NOT_JSON)
    assert value.size == len(WHOLE)
    (told,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "shop.orders:3: a batch of 3 records (offsets 10 to 12)" in told.getMessage()
    # known by now, it is read at once; and what comes whole after all is read as it is
    assert read(bad + BEHIND, 10)[1] == 14
    assert read(WHOLE + BEHIND, 10)[1] == 14


def test_a_batch_that_comes_whole_the_second_time_is_read() -> None:
    assert read(changed(WHOLE, HEAD, b"\xff") + BEHIND, 10) == ([], 10)
    assert len(read(WHOLE + BEHIND, 10)[0]) == 4
    assert not record_batches._came


def test_what_came_damaged_is_counted_by_partition_and_forgotten_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record_batches, "DAMAGED_KEPT", 2)
    bad = [batch([b"x%d" % n], first=n)[:-1] + b"\xff" for n in range(3)]
    places = [PLACE._replace(partition=n) for n in (0, 1)]
    for place in (*places, places[0]):
        assert list(FetchedRecords(place, 0, None, bad[0])) == []
    assert list(record_batches._came.values()) == [1, 2]
    read(bad[1], 1)
    assert [place for place, _ in record_batches._came] == ["shop.orders:0", "shop.orders:3"]


def test_what_lies_before_a_damaged_batch_is_read_first() -> None:
    bad = changed(BEHIND, HEAD, b"\xff")
    assert read(WHOLE + bad, 11) == ([(11, b"b"), (12, b"c")], 13)


@pytest.mark.parametrize("length", [-1, 0, 3, 49, 10_000, 2**31 - 1])
@pytest.mark.parametrize("offset", [10, 11, 12])
def test_a_damaged_length_costs_the_batch_and_what_came_behind_it(length: int, offset: int) -> None:
    bad = changed(WHOLE, 8, struct.pack(">i", length))
    ((last, value),), end = fetched(bad + BEHIND, offset)
    assert (last, end) == (12, 13)  # the head says the last offset twice
    assert isinstance(value, Damaged)


@pytest.mark.parametrize("offset", [10, 11, 12, 20])
def test_reading_goes_on_where_the_head_says_nothing(offset: int) -> None:
    bad = changed(WHOLE, 23, struct.pack(">i", -5))
    (_,), end = fetched(bad, offset)
    assert end == offset + 1


def test_a_damaged_first_offset_passes_nothing_that_is_sound() -> None:
    bad = changed(changed(WHOLE, 0, struct.pack(">q", 2**40)), HEAD, b"\xff")
    ((last, value), behind), end = fetched(bad + BEHIND, 10)
    assert (last, type(value), behind, end) == (12, Damaged, (13, b"d"), 14)


def test_a_damaged_message_of_an_old_form_may_be_shorter_than_the_head_of_a_batch() -> None:
    old = LegacyRecordBatchBuilder(1, 0, 1024)
    assert old.append(0, 1000, None, b"a") is not None
    data = struct.pack(">q", 10) + bytes(old.build())[8:-1] + b"\xff"
    assert len(data) < HEAD
    ((last, value),), end = fetched(data, 10)
    assert (last, type(value), end) == (10, Damaged, 11)


def test_the_rest_of_a_batch_that_cannot_be_unpacked_is_one_record() -> None:
    data = renamed(batch([b"a", b"b", b"c"], first=10, header="name", named=1), b"na\xff\xfe")
    ((first, value), (last, rest), behind), end = read(data + BEHIND, 10)
    assert (first, value, last, behind, end) == (10, b"a", 12, (13, b"d"), 14)
    assert type(rest) is Unread
    assert (rest.first, rest.records, rest.reason) == (11, 2, Reason.NOT_JSON)
    assert "cannot be unpacked (UnicodeDecodeError)" in rest.why


@pytest.mark.parametrize(
    "deltas, sound",
    [
        ([0, 1_000_000, 2], 1),
        ([2**31 - 1, 1, 2], 0),
        ([0, 1, 3], 2),
        ([0, 0, 0], 1),
        ([0, 2, 1], 1),
        ([-5, 1, 2], 0),
        ([-(2**31), 0, 1], 0),
    ],
)
def test_no_record_has_an_offset_of_another_batch(deltas: list[int], sound: int) -> None:
    """The position of a partition never passes what lies behind the batch, nor goes back."""
    records = FetchedRecords(PLACE, 10, None, moved(deltas, first=10) + BEHIND)
    places, found = [10], []
    for record in records:
        found.append((record.offset, record.value))
        places.append(records.next_fetch_offset)
    assert places == sorted(places)
    assert found[:sound] == [(10 + delta, b"%d" % delta) for delta in deltas[:sound]]
    (last, value), behind = found[sound:]
    assert (behind, places[-1]) == ((13, b"d"), 14)
    assert (last, type(value), value.reason) == (12, Unread, Reason.NOT_JSON)
    assert (value.first, value.records) == (places[sound], len(deltas) - sound)
    assert "out of order" in value.why


def test_a_batch_that_was_compacted_keeps_its_offsets() -> None:
    data = batch([b"a", b"b", b"c"], first=10)
    kept = moved([0, 2], first=10)
    whole = checked(kept[:23] + data[23:27] + kept[27:])
    assert read(whole + BEHIND, 10) == ([(10, b"0"), (12, b"2"), (13, b"d")], 14)


def test_a_batch_that_inflates_without_end_is_one_record() -> None:
    data = batch([b"\0" * (MAX_INFLATED // 2)] * 3, first=10, codec=4)
    ((last, value), behind), end = read(data + BEHIND, 10)
    assert (last, value, behind, end) == (12, b"", (13, b"d"), 14)
    assert (value.first, value.records, value.reason) == (10, 3, Reason.TOO_LARGE)
    assert f"a batch of 3 records (offsets 10 to 12) and {len(data)} bytes" in value.why


def test_what_is_begun_is_counted_until_its_last_record_was_read() -> None:
    data = batch([b"\0" * 1000] * 3, codec=4)
    records = FetchedRecords(PLACE, 0, None, data)
    for left in (3000, 3000, 0):
        next(records)
        assert held_bytes() >= left
        assert (held_bytes() > 0) == (left > 0)
    begun = FetchedRecords(PLACE, 0, None, data)
    next(begun)
    begun.close()
    assert held_bytes() == 0


def test_no_long_batch_is_begun_where_others_hold_the_bound() -> None:
    large = batch([b"\0" * (MAX_INFLATED // 2 - 100)] * 2, codec=4)
    begun = [
        FetchedRecords(PLACE, 0, None, large) for _ in range(2 * HELD_BYTES // MAX_INFLATED + 2)
    ]
    long = FetchedRecords(PLACE, 0, None, batch([b"x"] * 2000, codec=4)).batches
    short = FetchedRecords(PLACE, 0, None, batch([b"x"] * 20, codec=4)).batches
    for one in begun:
        if held_bytes() <= HELD_BYTES:
            assert long.may_begin()
        assert long.may_begin() == (held_bytes() <= HELD_BYTES)
        assert short.may_begin() == (held_bytes() <= 2 * HELD_BYTES)
        next(one)
    assert not short.may_begin()
    for one in begun:
        one.close()
    assert long.may_begin()


DAMAGED = changed(WHOLE, HEAD, b"\xff")
UNNAMED = renamed(batch([b"a", b"b", b"c"], first=10, header="name", named=1), b"na\xff\xfe")
BOMB = batch([b"\0" * (MAX_INFLATED // 2)] * 3, first=10, codec=4)


@pytest.mark.parametrize(
    "data, values, why",
    [
        (WHOLE, [b"a", b"b", b"c"], ""),
        (DAMAGED, [], "is damaged"),
        (UNNAMED, [b"a"], "cannot be unpacked"),
        (moved([0, 2**20, 2], first=10), [b"0"], record_batches.OUT_OF_ORDER),
        (BOMB, [], f"does not inflate to {MAX_INFLATED} bytes or less"),
    ],
)
def test_the_command_line_reads_what_can_be_read_of_a_batch(
    data: bytes, values: list[bytes], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    bound_kafka_python()
    from kafka.record.memory_records import MemoryRecords

    found = MemoryRecords(data).next_batch()
    assert found.validate_crc()
    assert ([record.value for record in found], found.next_offset) == (values, 13)
    told = [f"what is left of the batch at offset 10 {why}"] if why else []
    assert [one.getMessage() for one in caplog.records] == told
