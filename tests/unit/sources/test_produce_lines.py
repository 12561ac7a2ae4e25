"""Lines that `shopstream produce` takes into memory."""

import io

import pytest

from shopstream.cli import produce
from shopstream.cli.produce import bounded_lines


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
