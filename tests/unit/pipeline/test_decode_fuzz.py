"""The fast path and the exact path give the same, for any mix of records in a chunk.

With SHOPSTREAM_FULL=1 a million mutated records are read in every topic's share of them.
"""

import os
import random

import pytest
from decode_oracle import decoded, sure
from hypothesis import given
from hypothesis import strategies as st
from record_mutations import fuzz, mangled, record

from shopstream.contracts.topics import INPUTS

SEEDS = st.integers(0, 2**64 - 1)
MUTATED = 1_000_000 if os.environ.get("SHOPSTREAM_FULL") else 2_100


def cut_in_two(dice: random.Random, topic: str) -> list[bytes]:
    """Two records whose bytes, one after the other, are those of one or two others."""
    whole = record(dice, topic, hard=False) + dice.choice(
        [b"", b"\n", b",", b" "]
    ) * dice.randrange(2)
    whole += record(dice, topic, hard=False) * dice.randrange(2)
    ends = [i + 1 for i, byte in enumerate(whole[:-1]) if byte == 0x7D]
    at = dice.choice([*ends, dice.randrange(len(whole))])
    first, second = whole[:at], whole[at:]
    if dice.randrange(2):
        first = b"{" + first.lstrip(b"{")
        second = second.lstrip(b",")
        start = second.find(b"{")
        second = second[start:] if start > 0 and dice.randrange(2) else second
    return [first, second]


def chunk(dice: random.Random, topic: str, hard: bool) -> list[bytes | None]:
    values: list[bytes | None] = []
    for _ in range(dice.choice([1, 2, 3, 5, 8])):
        match dice.randrange(10):
            case 0 if hard:
                values.append(dice.choice([None, b"", b"{}", b"null", mangled(dice, topic)]))
            case 1 if hard:
                values += cut_in_two(dice, topic)
            case 2 | 3 | 4 | 5:
                values.append(record(dice, topic, hard=hard))
            case _:
                values.append(record(dice, topic, changes=0))
    return values


@fuzz(2)
@given(SEEDS)
def test_a_record_alone_is_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    decoded([record(dice, topic, hard=dice.randrange(2) == 0)], topic)


@fuzz(4)
@given(SEEDS)
def test_a_mangled_record_alone_is_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    decoded([mangled(dice, topic)], topic)


@fuzz(4)
@given(SEEDS)
def test_a_chunk_of_json_is_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    decoded(chunk(dice, topic, False), topic if dice.randrange(4) else dice.choice(INPUTS))


@fuzz(4)
@given(SEEDS)
def test_a_chunk_of_anything_is_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    decoded(chunk(dice, topic, True), topic)


@fuzz(8)
@given(SEEDS)
def test_records_that_complete_each_other_are_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    pieces = [part for _ in range(dice.randrange(1, 4)) for part in cut_in_two(dice, topic)]
    decoded([*pieces, record(dice, topic, changes=0)], topic)


@fuzz(100)
@given(SEEDS)
def test_a_chunk_of_several_splits_is_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    values = [record(dice, topic, changes=0) for _ in range(dice.randrange(60, 200))]
    for _ in range(dice.randrange(3)):
        values[dice.randrange(len(values))] = mangled(dice, topic)
    decoded(values, topic)


@pytest.mark.parametrize("topic", INPUTS)
def test_most_plain_records_take_the_fast_path(topic):
    dice = random.Random(5)
    records = [record(dice, topic, changes=0) for _ in range(150)]
    assert sum(sure([value], topic) for value in records) > 35


@pytest.mark.parametrize("topic", INPUTS)
def test_each_of_many_mutated_records_is_accepted_or_refused(topic):
    dice = random.Random(f"{os.environ.get('SHOPSTREAM_FUZZ_SEED', 0)} {topic}")
    sent = accepted = refused = 0
    while sent < MUTATED / len(INPUTS):
        values = _mutated(dice, topic)
        piece = decoded(values, topic)
        sent += len(values)
        accepted += piece.rows.num_rows
        refused += len(piece.refused)
    print(f"{topic}: {sent} sent, {accepted} accepted, {refused} refused")
    assert accepted + refused == sent
    assert min(accepted, refused) > sent / 10


def _mutated(dice: random.Random, topic: str) -> list[bytes]:
    """Alone, where the fast path cannot hide behind others, or some together."""
    return [
        mangled(dice, topic) if not dice.randrange(3) else record(dice, topic, hard=False)
        for _ in range(dice.choice([1, 1, 2, 8]))
    ]
