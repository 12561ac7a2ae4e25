"""The fast path and the exact path give the same, for any mix of records in a chunk."""

import random

from decode_oracle import decoded
from hypothesis import given
from hypothesis import strategies as st
from record_mutations import fuzz, mangled, record

from shopstream.contracts.topics import ORDERS, PAYMENTS
from shopstream.pipeline.decode import columns

SEEDS = st.integers(0, 2**64 - 1)


def cut_in_two(dice: random.Random) -> list[bytes]:
    """Two records whose bytes, one after the other, are those of one or two others."""
    whole = record(dice, hard=False) + dice.choice([b"", b"\n", b",", b" "]) * dice.randrange(2)
    whole += record(dice, hard=False) * dice.randrange(2)
    ends = [i + 1 for i, byte in enumerate(whole[:-1]) if byte == 0x7D]
    at = dice.choice([*ends, dice.randrange(len(whole))])
    first, second = whole[:at], whole[at:]
    if dice.randrange(2):
        first = b"{" + first.lstrip(b"{")
        second = second.lstrip(b",")
        start = second.find(b"{")
        second = second[start:] if start > 0 and dice.randrange(2) else second
    return [first, second]


def chunk(dice: random.Random, hard: bool) -> list[bytes | None]:
    values: list[bytes | None] = []
    for _ in range(dice.choice([1, 2, 3, 5, 8])):
        match dice.randrange(10):
            case 0 if hard:
                values.append(dice.choice([None, b"", b"{}", b"null", mangled(dice)]))
            case 1 if hard:
                values += cut_in_two(dice)
            case 2 | 3 | 4 | 5:
                values.append(record(dice, hard=hard))
            case _:
                values.append(record(dice, changes=0))
    return values


@fuzz(4)
@given(SEEDS)
def test_a_record_alone_is_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    decoded([record(dice, hard=dice.randrange(2) == 0)])


@fuzz(4)
@given(SEEDS)
def test_a_mangled_record_alone_is_read_as_on_the_exact_path(seed):
    decoded([mangled(random.Random(seed))])


@fuzz(4)
@given(SEEDS)
def test_a_chunk_of_json_is_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    decoded(chunk(dice, False), dice.choice([ORDERS, ORDERS, ORDERS, PAYMENTS]))


@fuzz(4)
@given(SEEDS)
def test_a_chunk_of_anything_is_read_as_on_the_exact_path(seed):
    decoded(chunk(random.Random(seed), True))


@fuzz(8)
@given(SEEDS)
def test_records_that_complete_each_other_are_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    pieces = [part for _ in range(dice.randrange(1, 4)) for part in cut_in_two(dice)]
    decoded([*pieces, record(dice, changes=0)])


@fuzz(100)
@given(SEEDS)
def test_a_chunk_of_several_splits_is_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    values = [record(dice, changes=0) for _ in range(dice.randrange(60, 200))]
    for _ in range(dice.randrange(3)):
        values[dice.randrange(len(values))] = mangled(dice)
    decoded(values)


def test_most_plain_records_take_the_fast_path():
    dice = random.Random(5)
    values = [value for _ in range(150) if columns.looks_whole(value := record(dice, changes=0))]
    sure = 0
    for value in values:
        parsed = columns.parse(columns.pa.array([value], columns.pa.binary()))
        sure += parsed is not None and not parsed[2].any()
    assert sure > 60
