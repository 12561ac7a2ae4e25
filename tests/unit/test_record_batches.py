"""A batch inflates up to its bound and no further, whatever its codec, and what is left stands for it."""

import contextlib
import gzip
import struct

import cramjam
import pytest

from shopstream.record_batches import (
    MAX_INFLATED,
    CannotInflate,
    inflate_gzip,
    inflate_lz4,
    inflate_snappy,
    inflate_zstd,
    unread,
)


def xerial(data: bytes, block: int = 32 * 1024) -> bytes:
    """As the Java library frames it."""
    parts = [
        bytes(cramjam.snappy.compress_raw(data[i : i + block])) for i in range(0, len(data), block)
    ]
    head = b"\x82SNAPPY\0" + struct.pack(">ii", 1, 1)
    return head + b"".join(struct.pack(">i", len(part)) + part for part in parts)


CODECS = {
    "gzip": (gzip.compress, inflate_gzip),
    "zstd": (lambda data: bytes(cramjam.zstd.compress(data)), inflate_zstd),
    "lz4": (lambda data: bytes(cramjam.lz4.compress(data)), inflate_lz4),
    "snappy": (lambda data: bytes(cramjam.snappy.compress_raw(data)), inflate_snappy),
    "xerial": (xerial, inflate_snappy),
}


@pytest.fixture(params=CODECS)
def codec(request: pytest.FixtureRequest):
    return CODECS[request.param]


def test_what_is_within_the_bound_comes_back(codec) -> None:
    deflate, inflate = codec
    for data in (b"x", b'{"a":1}' * 50_000, bytes(MAX_INFLATED)):
        assert inflate(deflate(data)) == data
        assert inflate(memoryview(deflate(data))) == data


def test_one_byte_more_is_refused(codec) -> None:
    deflate, inflate = codec
    with pytest.raises(CannotInflate):
        inflate(deflate(bytes(MAX_INFLATED + 1)))


def test_what_is_cut_off_or_changed_is_refused_or_other_bytes_never_more(codec) -> None:
    deflate, inflate = codec
    whole = deflate(b'{"a":1}' * 1000)
    for at in range(0, len(whole), 3):
        for bad in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            with contextlib.suppress(CannotInflate):
                assert len(inflate(bad)) <= MAX_INFLATED


def test_a_snappy_block_that_claims_gigabytes_takes_none() -> None:
    with pytest.raises(CannotInflate):
        inflate_snappy(b"\xff\xff\xff\xff\x0f" + b"\0" * 100)


def test_what_stands_for_a_batch_tells_which() -> None:
    stand = unread(7, 9, 3, 1234)
    assert (stand, stand.first, stand.records, stand.size) == (b"", 7, 3, 1234)
    assert "offsets 7 to 9" in stand.why
