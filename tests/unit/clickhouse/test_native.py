"""Answers in the Native format, made by hand; the engine's own are in the integration tests."""

import pytest

from clickhouse.native import INT128, read_columns


def block(*columns: tuple[str, bytes], rows: int) -> bytes:
    """Names, types and data of columns, whose number and number of rows are less than 128."""
    head = bytes([len(columns), rows])
    return head + b"".join(
        b"\1n" + bytes([len(kind)]) + kind.encode() + data for kind, data in columns
    )


def test_columns_go_on_from_block_to_block() -> None:
    long = "ä" * 100
    first = block(("UInt8", b"\1\2"), ("String", b"\0\xc8\1" + long.encode()), rows=2)
    last = block(("UInt8", b"\3"), ("String", b"\1x"), rows=1)
    empty = block(("UInt8", b""), ("String", b""), rows=0)
    numbers, texts = read_columns(first + empty + last, ["u1", None])
    assert (list(numbers), texts) == ([1, 2, 3], ["", long, "x"])


@pytest.mark.parametrize("content", [b"", block(("UInt8", b""), ("String", b""), rows=0)])
def test_an_answer_without_rows_has_empty_columns(content: bytes) -> None:
    numbers, texts = read_columns(content, ["u1", None])
    assert (len(numbers), texts) == (0, [])


def test_texts_that_are_all_empty_have_no_bytes() -> None:
    content = block(("String", b"\0\0\0"), ("UInt8", b"\1\2\3"), rows=3)
    texts, numbers = read_columns(content, [None, "u1"])
    assert (texts, list(numbers)) == (["", "", ""], [1, 2, 3])


def test_128_bits_are_two_halves() -> None:
    content = block(("Int128", (-(2**70)).to_bytes(16, "little", signed=True)), rows=1)
    (column,) = read_columns(content, [INT128])
    ((low, high),) = column.tolist()  # type: ignore[union-attr]
    assert high * 2**64 + low == -(2**70)


def test_an_answer_that_is_torn_or_of_another_width_is_refused() -> None:
    whole = block(("UInt32", b"\1\2\3\4"), ("String", b"\2xy"), rows=1)
    for end in range(1, len(whole)):
        with pytest.raises(ValueError):
            read_columns(whole[:end], ["<u4", None])
    with pytest.raises(ValueError, match="2 columns, not 1"):
        read_columns(whole, ["<u4"])
