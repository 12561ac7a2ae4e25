"""Lines that `shopstream produce` takes into memory."""

import errno
import io
from typing import Any

import pytest

from shopstream.cli import produce
from shopstream.cli.produce import bounded_lines
from shopstream.faults import Fault


@pytest.mark.parametrize("end", [b"", b"\n", b"\nb\n"])
@pytest.mark.parametrize("more", [0, 1, 7, 8, 9, 16, 17])
def test_of_a_line_that_is_too_long_only_its_beginning_is_taken(
    monkeypatch: pytest.MonkeyPatch, end: bytes, more: int
) -> None:
    monkeypatch.setattr(produce, "MAX_LINE", 8)
    file = io.BytesIO(b"a\n" + b"x" * (8 + more) + end)
    assert list(bounded_lines(file)) == [b"a\n", b"x" * 8, *([b"b\n"] if end[1:] else [])]


def test_other_lines_are_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(produce, "MAX_LINE", 8)
    lines = [b"\n", b"1234567\n", b"a\r\n", b"\n", b"1234567"]
    assert list(bounded_lines(io.BytesIO(b"".join(lines)))) == lines


class _Torn(io.RawIOBase):
    """A disk that fails behind the first lines."""

    def __init__(self) -> None:
        self._rest = [b"a\nb\n"]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            raise OSError(errno.EIO, "Input/output error")
        found = self._rest.pop()
        buffer[: len(found)] = found
        return len(found)


def test_a_file_that_cannot_be_read_to_its_end_says_so() -> None:
    lines = bounded_lines(io.BufferedReader(_Torn()), "orders.jsonl")
    assert [next(lines), next(lines)] == [b"a\n", b"b\n"]
    with pytest.raises(
        Fault, match=r"^orders.jsonl cannot be read to its end \(Input/output error"
    ):
        next(lines)
