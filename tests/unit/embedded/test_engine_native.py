import struct

import pytest

from shopstream.clickhouse.embedded.errors import ServerError
from shopstream.clickhouse.embedded.native import BLOCK_INFO, revise
from shopstream.clickhouse.embedded.native_types import column_end, parse_type, prefix_length


def text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


def u64(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def test_each_block_and_column_gets_what_the_revision_adds():
    one, two = text("a") + text("UInt8"), text("b") + text("String")
    block = b"\x02\x02" + one + b"\x01\x02" + two + text("x") + text("yz")
    revised = (
        BLOCK_INFO + b"\x02\x02" + one + b"\0" + b"\x01\x02" + two + b"\0" + text("x") + text("yz")
    )
    assert revise(block * 2) == revised * 2


def test_an_empty_block_has_no_values():
    column = text("a") + text("LowCardinality(String)")
    assert revise(b"\x01\x00" + column) == BLOCK_INFO + b"\x01\x00" + column + b"\0"


@pytest.mark.parametrize(
    ("kind", "rows", "data"),
    [
        ("UInt8", 3, b"123"),
        ("Int256", 1, bytes(32)),
        ("DateTime64(6, 'Europe/Berlin')", 2, bytes(16)),
        ("Enum8('a' = 1, 'b,)' = 2)", 2, b"\1\2"),
        ("FixedString(5)", 2, bytes(10)),
        ("Decimal(18, 4)", 1, bytes(8)),
        ("Decimal(19, 4)", 1, bytes(16)),
        ("Decimal(76, 4)", 1, bytes(32)),
        ("IntervalDay", 1, bytes(8)),
        ("Nothing", 2, bytes(2)),
        ("String", 2, b"\x01x" + b"\x80\x01" + bytes(128)),
        ("Nullable(UInt16)", 2, bytes(2 + 4)),
        ("Array(UInt8)", 2, u64(1, 3) + b"123"),
        ("Array(Array(UInt8))", 1, u64(2) + u64(1, 3) + b"123"),
        ("Map(String, UInt8)", 1, u64(1) + b"\x01k" + b"\7"),
        ("Tuple(a UInt8, `b c` String)", 2, b"\1\2" + b"\x01x\x00"),
        ("Tuple()", 2, bytes(2)),
        ("Nested(a UInt8, b UInt16)", 1, u64(2) + bytes(2) + bytes(4)),
        ("SimpleAggregateFunction(sum, UInt64)", 1, bytes(8)),
        ("Point", 1, bytes(16)),
        ("Polygon", 1, u64(1) + u64(2) + bytes(32)),
        ("LowCardinality(String)", 2, u64(0x600, 1) + b"\x01x" + u64(2) + b"\0\0"),
        ("LowCardinality(Nullable(String))", 1, u64(0x601, 1) + b"\x00" + u64(1) + b"\0\0"),
    ],
)
def test_the_end_of_a_column_is_found(kind: str, rows: int, data: bytes):
    assert column_end(b"##" + data + b"rest", 2, kind, rows) == 2 + len(data)


def test_a_prefix_counts_each_low_cardinality():
    assert prefix_length("UInt8") == 0
    assert prefix_length("Array(LowCardinality(String))") == 8
    assert prefix_length("Map(LowCardinality(String), LowCardinality(String))") == 16


@pytest.mark.parametrize("kind", ["JSON", "Dynamic", "Variant(String, UInt8)"])
def test_a_type_of_unknown_length_is_refused(kind: str):
    with pytest.raises(ServerError) as refused:
        column_end(bytes(100), 0, kind, 1)
    assert refused.value.code == 48


def test_types_are_taken_apart():
    assert parse_type("Tuple(a Array(UInt8), `b, (` Enum8('x,' = 1))") == (
        "Tuple",
        ("Array(UInt8)", "Enum8('x,' = 1)"),
    )
