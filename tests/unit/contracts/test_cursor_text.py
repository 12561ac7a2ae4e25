"""A cursor survives its text, and no other text passes for one."""

import base64
import random
from contextlib import suppress

import pytest

from shopstream.contracts.cursor import (
    MAX_TEXT,
    BadCursor,
    Partition,
    Position,
    decode,
    encode,
    read,
)
from shopstream.contracts.topics import INPUTS, ORDERS, PAYMENTS, TOPICS

KNOWN = {
    Partition(ORDERS, 0): Position(0xDEADBEEF, 300),
    Partition(ORDERS, 200): Position(1, 0),
    Partition(PAYMENTS, 1): Position(0xFFFFFFFF, 2**63 - 1),
}

TEXT = "AmkkgQAA3q2-7wABrAIAAAAAAcgBAQAC_____wEB__________9_"
HEAD = b"\x02\0\0\0\0"


def text_of(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_the_text_of_a_cursor_is_what_it_was_from_the_first_release_on():
    assert encode({}) == "AgAAAAA"
    assert encode(KNOWN, 1_764_000_000) == TEXT


def test_a_cursor_survives_its_text():
    assert decode(encode({})) == {}
    assert decode(encode(KNOWN)) == KNOWN
    assert read(encode(KNOWN, 1_764_000_000))[1] == 1_764_000_000


def test_equal_cursors_have_equal_texts():
    assert encode(dict(reversed(KNOWN.items()))) == encode(KNOWN)


def test_any_cursor_survives_its_text():
    dice = random.Random(11)
    for _ in range(300):
        cursor = {
            Partition(dice.choice(TOPICS).name, dice.getrandbits(dice.randint(0, 31))): Position(
                dice.getrandbits(32), dice.getrandbits(dice.randint(0, 63))
            )
            for _ in range(dice.randint(0, 40))
        }
        assert decode(encode(cursor)) == cursor


def test_a_hundred_partitions_of_every_input_fit():
    whole = {Partition(t, p): Position(2**32 - 1, 10**12) for t in INPUTS for p in range(100)}
    assert len(encode(whole)) < MAX_TEXT
    assert decode(encode(whole)) == whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "AgAAAAA ",
        "AgAAAAA=",
        "AgAAAAA==",
        "AgAAAAB",
        "AgAAAA",
        "AgAAAAAA",
        "Ag",
        "AQ",
        "AQAA3q2-76wCAMgBAAAAAQACAf_______________38",
        "💥",
        "\ud800",
        "\0",
        "AgAAAAA\n",
        TEXT.replace("_", "/", 1),
        TEXT + "AQ",
        TEXT[:-1],
        "a" * (MAX_TEXT + 1),
        text_of(HEAD + bytes([len(TOPICS)]) + b"\0\0\0\1\0\1\0"),
        text_of(HEAD + b"\0\0\0\0\1\0\0"),  # a run of none
        text_of(HEAD + b"\0\0\0\0\1\0\2\0"),  # of fewer than it says
        text_of(HEAD + b"\0\0\0\0\1\0\1\x80\0"),  # a number longer than it must be
        text_of(HEAD + b"\0\0\0\0\1\1\1\0" + b"\0\0\0\0\1\0\1\0"),  # not sorted
        text_of(HEAD + b"\0\0\0\0\1\0\1\0" + b"\0\0\0\0\1\0\1\0"),  # twice
        text_of(HEAD + b"\0\0\0\0\1\0\1\0" + b"\0\0\0\0\1\1\1\0"),  # one run in two
        text_of(HEAD + b"\0\0\0\0\1\0\1" + b"\x80" * 9 + b"\x01"),
        text_of(HEAD + b"\0\0\0\0\1\0\1" + b"\xff" * 20),
        text_of(HEAD + b"\0\0\0\0\1" + b"\x80" * 4 + b"\x08\1\0"),
        text_of(HEAD + b"\0\0\0\0\1\0" + b"\xff" * 4 + b"\x0f" + b"\0" * 9),
        text_of(HEAD + b"\xff" * 40_000),
    ],
)
def test_a_text_that_encode_does_not_make_is_a_bad_cursor(text):
    with pytest.raises(BadCursor):
        decode(text)


def test_offsets_and_partitions_end_where_those_of_kafka_do():
    last = {Partition(ORDERS, 2**31 - 1): Position(0, 2**63 - 1)}
    assert decode(encode(last)) == last
    for beyond in (
        {Partition(ORDERS, 2**31): Position(0, 0)},
        {Partition(ORDERS, 0): Position(0, 2**63)},
    ):
        with pytest.raises(BadCursor):
            decode(encode(beyond))


def test_a_mangled_cursor_is_a_bad_cursor_or_another_cursor_and_never_anything_else():
    dice = random.Random(12)
    good = encode(KNOWN)
    for _ in range(3000):
        letters = list(good)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(letters))
            letters[at : at + dice.randint(0, 2)] = dice.choice(["", "A", "_", "-", "é", "=", "zz"])
        text = "".join(letters)
        with suppress(BadCursor):
            assert encode(*read(text)) == text
