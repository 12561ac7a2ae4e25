from collections.abc import Sequence

import pytest

from shopstream.clickhouse.embedded.formats import header_length, is_streamed
from shopstream.clickhouse.embedded.stream import FIRST_BYTES, ResultStream, exception_block

BIG = b"x" * FIRST_BYTES


class GivenRows:
    """Pieces as the engine would give them; an exception among them is raised."""

    def __init__(self, pieces: Sequence[tuple[bytes, int] | Exception | None]) -> None:
        self._pieces = list(pieces)
        self.closed = False

    def next(self) -> tuple[bytes, int] | None:
        piece = self._pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece

    def done(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def stream_of(pieces, form="TSV"):
    rows, ends = GivenRows(pieces), []
    return ResultStream(rows, form, None, str, ends.append, "t" * 16), rows, ends


def test_a_small_result_comes_whole():
    stream, _, ends = stream_of([(b"1\n", 1), (b"2\n", 1), (b"", 0)])
    assert stream.start() == b"1\n2\n"
    assert (stream.row_count, ends) == (2, [False])


def test_a_big_result_comes_in_pieces():
    stream, _, ends = stream_of([(BIG, 5), (b"last", 1), None])
    assert stream.start() is None
    assert ends == []
    assert [stream.read(), stream.read(), stream.read()] == [BIG, b"last", None]
    assert (stream.broken, ends) == (False, [False])


def test_repeated_headers_are_dropped():
    stream, _, _ = stream_of([(b"a\n1\n", 1), (b"a\n2\n", 1), (b"a\n", 0)], "TSVWithNames")
    assert stream.start() == b"a\n1\n2\n"


def test_a_first_failure_is_raised():
    stream, rows, ends = stream_of([(b"1\n", 1), RuntimeError("no")])
    with pytest.raises(RuntimeError):
        stream.start()
    assert (rows.closed, ends) == (True, [True])


def test_a_later_failure_is_told_in_the_body():
    stream, _, ends = stream_of([(BIG, 5), RuntimeError("no")])
    stream.start()
    assert stream.read() == BIG
    assert stream.read() == exception_block("no", "t" * 16)
    assert (stream.broken, ends, stream.read()) == (True, [True], None)


def test_closing_cancels_what_runs_once():
    stream, rows, ends = stream_of([(BIG, 5)])
    stream.start()
    stream.close()
    stream.close()
    assert (rows.closed, ends) == (True, [True])


def test_an_exception_block_is_laid_out_as_clickhouse_does():
    assert exception_block("Code: 1", "0123456789abcdef") == (
        b"\r\n__exception__\r\n0123456789abcdef\r\nCode: 1\n8 0123456789abcdef\r\n__exception__\r\n"
    )


@pytest.mark.parametrize(
    ("name", "chunk", "header"),
    [
        ("TSV", b"1\n", b""),
        ("TabSeparatedWithNames", b"a\tb\n1\t2\n", b"a\tb\n"),
        ("CSVWithNamesAndTypes", b'"a"\n"UInt8"\n1\n', b'"a"\n"UInt8"\n'),
        ("CSVWithNames", b'"a\nb"\n1\n', b'"a\nb"\n'),
        ("JSONCompactEachRowWithNames", b'["a"]\n[1]\n', b'["a"]\n'),
        ("RowBinaryWithNames", b"\x02\x01a\x01b\x07", b"\x02\x01a\x01b"),
        ("RowBinaryWithNamesAndTypes", b"\x01\x01a\x05UInt8\x07", b"\x01\x01a\x05UInt8"),
    ],
)
def test_a_header_has_its_length(name: str, chunk: bytes, header: bytes):
    assert chunk[: header_length(name, chunk)] == header


@pytest.mark.parametrize(
    ("name", "streamed"),
    [("Native", True), ("csvwithnames", True), ("JSONEachRow", True), ("JSON", False),
     ("Arrow", False), ("ArrowStream", False), ("Parquet", False), ("Pretty", False)],
)  # fmt: skip
def test_only_formats_that_can_be_joined_are_streamed(name: str, streamed: bool):
    assert is_streamed(name) is streamed
