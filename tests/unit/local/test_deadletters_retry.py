"""Dead letters read back, chosen, and sent again; the bytes are those that the pipeline writes."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shopstream.cli.deadletters import Reading, Retried, matching, retry
from shopstream.cli.deadletters_command import _cells, json_line, listed, retried
from shopstream.cli.deadletters_filter import DeadLetter, DeadLetterFilter, read_dead_letter, since
from shopstream.contracts.deadletter import Record, dead_letter
from shopstream.contracts.envelope import Headers
from shopstream.contracts.reject import Reason, Refusal

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)


@dataclass
class Kept:
    """A record of the topic of dead letters."""

    value: bytes | None
    timestamp: int = MS


def letter_bytes(
    value: bytes | None = b'{"shopid":"s"}',
    reason: Reason = Reason.BAD_VALUE,
    key: bytes | None = b"s/o-1",
    topic: str = "shop.orders",
    offset: int = 7,
    field: str | None = "data.status",
    headers: Headers = (),
) -> bytes:
    record = Record(topic, 3, offset, MS - 5000, key, value, headers)
    return dead_letter(record, Refusal(reason, field, "a sentence"))


def letter(*args: object, **about: object) -> DeadLetter:
    return read_dead_letter(letter_bytes(*args, **about), MS)  # type: ignore[arg-type]


def test_a_letter_has_the_bytes_and_the_place_of_the_record() -> None:
    found = letter()
    assert (found.position, found.key, found.value) == (
        "shop.orders:3:7",
        b"s/o-1",
        b'{"shopid":"s"}',
    )
    assert (found.reason, found.field, found.message) == ("bad_value", "data.status", "a sentence")
    assert found.refused_at == NOW


@pytest.mark.parametrize(
    ("value", "key", "shop"),
    [
        (b'{"shopid":"s"}', b"other/o-1", "s"),
        (b'{"shopid":7}', b"other/o-1", "other"),
        (b"nope", b"other", "other"),
        (b"[" * 100_000, None, None),
        (b"nope", None, None),
        (b"nope", b"\xff/x", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_the_shop_is_that_of_the_value_or_of_the_key(
    value: bytes, key: bytes | None, shop: str | None
) -> None:
    assert letter(value, key=key).shop == shop


@pytest.mark.parametrize(
    "value",
    [None, b"", b"nope", b"[]", b'{"type":"stock:low"}', b'{"type":"record:refused","data":{}}'],
)
def test_another_record_is_no_letter(value: bytes | None) -> None:
    with pytest.raises(ValueError, match="not a"):
        read_dead_letter(value, MS)


@pytest.mark.parametrize(
    ("wanted", "admitted"),
    [
        (DeadLetterFilter(), True),
        (DeadLetterFilter(reason=Reason.BAD_VALUE, topic="shop.orders", shop="s", since=NOW), True),
        (DeadLetterFilter(reason=Reason.NOT_JSON), False),
        (DeadLetterFilter(topic="shop.traffic"), False),
        (DeadLetterFilter(shop="t"), False),
        (DeadLetterFilter(since=NOW + timedelta(milliseconds=1)), False),
    ],
)
def test_letters_are_chosen_by_each_of_these(wanted: DeadLetterFilter, admitted: bool) -> None:
    assert wanted.admits(letter()) is admitted


def test_since_is_a_duration_or_an_instant() -> None:
    assert since("2h", NOW) == NOW - timedelta(hours=2)
    assert since("2026-11-22T10:00:00+01:00", NOW) == NOW - timedelta(hours=3)
    with pytest.raises(ValueError, match="'soon' is neither a duration such as 2h nor 2026"):
        since("soon", NOW)


def test_a_letter_that_was_written_twice_counts_once() -> None:
    reading = Reading()
    records = [Kept(letter_bytes()), Kept(letter_bytes()), Kept(b"x"), Kept(letter_bytes(offset=8))]
    found = list(matching(records, DeadLetterFilter(), reading))
    assert [each.offset for each in found] == [7, 8]
    assert reading == Reading(letters=2, matched=2, strange=1)


def test_each_distinct_record_is_sent_once_in_the_order_of_arrival() -> None:
    sent: list[tuple[Any, ...]] = []
    letters = [
        letter(b"b", offset=1),
        letter(b"a", offset=2),
        letter(b"b", offset=3),
        letter(b"b", offset=4, key=None),
        letter(b"b", offset=5, topic="shop.traffic"),
        letter(b"x" * 600_000, Reason.TOO_LARGE),
        letter(None, Reason.NOT_JSON),
        letter(b"c", topic="elsewhere"),
    ]
    done = retry(letters, lambda *record: sent.append(record))
    assert sent == [
        ("shop.orders", b"b", b"s/o-1", ()),
        ("shop.orders", b"a", b"s/o-1", ()),
        ("shop.orders", b"b", None, ()),
        ("shop.traffic", b"b", b"s/o-1", ()),
    ]
    assert (done.sent, done.repeated) == (4, 1)
    assert done.kept_back == {
        "too_large: its bytes were not kept": 1,
        "the record had no bytes": 1,
        "elsewhere is not a topic that shops write": 1,
    }


def test_a_record_goes_with_its_headers_and_another_header_makes_another_record() -> None:
    sent: list[tuple[Any, ...]] = []
    one = (("ce_id", b"1"), ("ce_shopid", b"s-9"), ("trace", None), ("trace", b"\xff"))
    letters = [letter(headers=each) for each in (one, one, one[:2], ())]
    assert [each.shop for each in letters] == ["s-9", "s-9", "s-9", "s"]
    assert retry(letters, lambda *record: sent.append(record)).repeated == 1
    assert [headers for *_, headers in sent] == [one, one[:2], ()]


def test_what_was_done_is_told() -> None:
    done = Retried(1200, 3, Counter({"the record had no bytes": 2}))
    assert retried(done, Reading(letters=1500), dry_run=False) == (
        "1,200 records sent again, of 1,500 dead letters; 3 more are the same again\n"
        "2 cannot be sent (the record had no bytes)"
    )
    assert retried(Retried(1), Reading(letters=1), dry_run=True) == (
        "1 record would be sent, of 1 dead letter"
    )


def test_what_is_listed_is_told() -> None:
    assert listed(0, Reading()) == "0 dead letters"
    assert listed(100, Reading(1200, 300, 1)) == (
        "300 of 1,200 dead letters match, the last 100 shown, 1 other record passed over"
    )
    assert listed(100, Reading(1203, 1203)) == "100 of 1,203 dead letters, the last ones"
    assert listed(1, Reading(1203, 1)) == "1 of 1,203 dead letters matches"
    assert listed(1, Reading(2, 2, 2)) == (
        "1 of 2 dead letters, the last ones, 2 other records passed over"
    )


def test_a_shop_cannot_command_the_terminal() -> None:
    value = json.dumps({"shopid": "\x1b[2Jevil"}).encode()
    cells = [cell.plain for cell in _cells(letter(value))]
    assert cells == [
        "2026-11-22 12:00:00",
        "shop.orders:3:7",
        "\N{REPLACEMENT CHARACTER}[2Jevil",
        "bad_value",
        "data.status",
        "a sentence",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", None])
def test_a_document_of_any_text_is_a_line_of_json(encoding: str | None) -> None:
    document = {"shop": "caf\u00e9 \ud800", "field": "\u0000\u2028"}
    line = json_line(document, encoding)
    assert line.isascii() and line.endswith("\n")
    assert json.loads(line) == document
    assert json_line({"shop": "caf\u00e9"}, "utf-8") == '{"shop": "caf\u00e9"}\n'
