"""A file without events stops early; one bad line among events does not."""

import pytest

from shopstream.cli.counted import counted
from shopstream.cli.wrong_file import TRIED, Complaints, WrongFile, hint


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (b"{", "It is JSON over several lines: jq -c . a.json | shopstream produce -"),
        (b'  {"specversion": "1.0",', "It is JSON over several lines: jq -c . a.json"),
        (b"[", "It is a JSON array: jq -c '.[]' a.json | shopstream produce -"),
        (b"\xef\xbb\xbf[{}]", "It is a JSON array: jq -c"),
        (b"\x1f\x8b\x08", "It is compressed: gzip -dc a.json | shopstream produce -"),
        (b"id,total", "Each line must be one event as a JSON object"),
        (b"{}", "Each line must be one event as a JSON object"),
    ],
)
def test_the_hint_follows_from_the_first_line(first: bytes, said: str) -> None:
    assert hint("a.json", first).startswith(said)


def test_names_are_quoted_and_standard_input_has_none() -> None:
    assert hint("a b", b"{") == (
        "It is JSON over several lines: jq -c . 'a b' | shopstream produce -"
    )
    assert hint("-", b"{") == "It is JSON over several lines: jq -c . | shopstream produce -"


def test_ten_lines_without_an_event_are_enough() -> None:
    told: list[int] = []
    complaints = Complaints("a.json", lambda number, reason: told.append(number))
    for number in range(1, TRIED):
        complaints.refused(number, b"{", "not JSON")
    with pytest.raises(WrongFile, match=r"^a\.json: its first 10 lines are no events; nothing was"):
        complaints.refused(TRIED, b"}", "not JSON")
    assert told == []


def test_after_an_event_every_line_is_named() -> None:
    told: list[int] = []
    complaints = Complaints("-", lambda number, reason: told.append(number))
    complaints.refused(2, b"x", "not JSON")
    complaints.sent()
    for number in range(3, 30):
        complaints.refused(number, b"x", "not JSON")
    complaints.end()
    assert told == list(range(2, 30))


def test_a_file_of_one_wrong_line_is_one_too() -> None:
    complaints = Complaints("-", lambda number, reason: None)
    complaints.refused(1, b"x", "not JSON")
    with pytest.raises(WrongFile, match=r"^Standard input: its only line is no event; nothing was"):
        complaints.end()


def test_one_is_singular() -> None:
    assert [counted(n, "event") for n in (0, 1, 2, 1500)] == [
        "0 events",
        "1 event",
        "2 events",
        "1,500 events",
    ]
