"""The fast path and the exact path give the same, for any mix of records in a chunk.

With SHOPSTREAM_FULL=1 all tests and topics together read a million mutated records; the last test adds them up, and
prints how many each test read (`-rP` shows it).
"""

import os
import random
from collections import Counter

import decode_oracle
import pytest
from decode_oracle import sure
from hypothesis import given
from hypothesis import strategies as st
from record_mutations import fuzz, mangled, record

from pipeline.decode import DecodedChunk
from shopstream.contracts.topics import INPUTS

SEEDS = st.integers(0, 2**64 - 1)
MUTATED = 1_000_000 if os.environ.get("SHOPSTREAM_FULL") else 2_100
READ = Counter[str]()
"""Records that were compared, by test."""


def decoded(values: list[bytes | None], topic: str) -> DecodedChunk:
    """`decode_oracle.decoded`, counted."""
    piece = decode_oracle.decoded(values, topic)
    READ[os.environ["PYTEST_CURRENT_TEST"].split("::")[1].split()[0]] += piece.records
    return piece


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
    assert accepted + refused == sent
    assert min(accepted, refused) > sent / 10


def _mutated(dice: random.Random, topic: str) -> list[bytes]:
    """Alone, where the fast path cannot hide behind others, or some together; each is changed."""
    return [
        mangled(dice, topic)
        if not dice.randrange(3)
        else record(dice, topic, hard=False, changes=dice.choice([1, 1, 2, 3]))
        for _ in range(dice.choice([1, 2, 8, 64, 256]))
    ]


def test_all_tests_together_read_as_many_records_as_they_say():
    if not all(any(topic in test for test in READ) for topic in INPUTS):
        pytest.skip("only some of the tests ran")
    for test, records in sorted(READ.items()):
        print(f"{records:9,} {test}")
    print(f"{READ.total():9,} in all")
    assert READ.total() >= MUTATED
