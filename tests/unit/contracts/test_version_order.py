"""Which of two versions is the later one, whatever the order of arrival."""

from datetime import UTC, datetime
from itertools import pairwise, permutations

import pytest

from shopstream.contracts.version import tie, version

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
MICRO_LATER = NOON.replace(microsecond=1)


@pytest.mark.parametrize(
    ("source", "event_id", "number"),
    [
        # printf '/checkout\ne-1' | sha256sum
        ("/checkout", "e-1", 0xBF068EB0),
        ("/checkout", "e-2", 0x2FFF494A),
        ("/é", "😀", 0xC7162977),
    ],
)
def test_the_tie_is_the_first_4_bytes_of_a_sha256(source, event_id, number):
    assert tie(source, event_id) == number


def test_a_version_is_time_then_revision_then_tie():
    assert version(NOON, 7, "/checkout", "e-1") == (
        1_795_348_800_000_000 << 64 | 7 << 32 | 0xBF068EB0
    )


def test_the_greatest_version_is_the_latest():
    rising = [
        version(NOON, 0, "/checkout", "e-2"),
        version(NOON, 0, "/checkout", "e-1"),
        version(NOON, 1, "/checkout", "e-2"),
        version(NOON, 4294967295, "/checkout", "e-1"),
        version(MICRO_LATER, 0, "/checkout", "e-2"),
        version(datetime(2100, 12, 31, 23, 59, 59, 999_999, UTC), 4294967295, "/checkout", "e-1"),
    ]
    assert all(before < after for before, after in pairwise(rising))
    assert rising[-1] < 2**128


def test_the_latest_is_the_same_in_any_order_of_arrival():
    versions = [version(NOON, 1, "/s", name) for name in "abcd"]
    assert {max(order) for order in permutations(versions)} == {max(versions)}


def test_the_same_event_twice_is_the_same_version():
    assert version(NOON, 1, "/s", "e") == version(NOON, 1, "/s", "e")
