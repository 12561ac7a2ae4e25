import gzip
import lzma
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from shopstream.clickhouse.embedded import coding, frames
from shopstream.clickhouse.embedded.errors import ServerError

TEXT = b"some rows\n" * 5000
DECODE: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.decompress,
    "zstd": zstd.decompress,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


@pytest.mark.parametrize("name", coding.ENCODERS)
def test_what_is_encoded_in_pieces_is_decoded(name: str):
    encoder = coding.ENCODERS[name]()
    body = encoder.encode(TEXT) + encoder.encode(TEXT) + encoder.finish()
    assert DECODE[name](body) == TEXT * 2
    assert coding.decode(body, name.encode(), 1 << 20) == TEXT * 2


@pytest.mark.parametrize("name", coding.ENCODERS)
def test_a_cut_body_holds_its_bytes_but_is_not_whole(name: str):
    encoder = coding.ENCODERS[name]()
    body = encoder.encode(TEXT) + encoder.finish(cut=True)
    with pytest.raises(ServerError, match="cut short"):
        coding.decode(body, name.encode(), 1 << 20)
    whole = body + encoder.finish()
    assert len(whole) > len(body)


def test_encodings_are_undone_last_to_first():
    body = lzma.compress(gzip.compress(TEXT, mtime=0))
    assert coding.decode(body, b"gzip, xz", 1 << 20) == TEXT


def test_members_follow_each_other():
    assert coding.decode(gzip.compress(b"a", mtime=0) + gzip.compress(b"b"), b"gzip", 10) == b"ab"


@pytest.mark.parametrize(
    ("body", "header", "code"),
    [
        (b"x", b"br", 48),
        (b"not gzip", b"gzip", 354),
        (b"not lz4", b"lz4", 354),
        (gzip.compress(b"short", mtime=0)[:-9], b"gzip", 354),
        (gzip.compress(TEXT, mtime=0), b"gzip", 307),
        (zstd.compress(TEXT), b"zstd", 307),
    ],
)
def test_what_cannot_be_decoded_is_refused(body: bytes, header: bytes, code: int):
    with pytest.raises(ServerError) as refused:
        coding.decode(body, header, 1000)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b"gzip, deflate, br", "gzip"),
        (b"br;q=1, zstd;q=0.5", "zstd"),
        (b"lz4,zstd", "lz4"),
        (b"br", None),
        (b"", None),
    ],
)
def test_an_encoding_is_chosen_of_those_accepted(header: bytes, name: str | None):
    assert coding.accepted(header) == name


@given(st.binary(max_size=3000))
def test_frames_give_back_what_went_in(data: bytes):
    assert frames.unpack(frames.pack(data), 3000) == data


def test_a_frame_is_laid_out_as_clickhouse_does():
    frame = frames.pack(b"SELECT 1")
    assert frame[16] == frames.LZ4
    assert int.from_bytes(frame[17:21], "little") == len(frame) - 16
    assert int.from_bytes(frame[21:25], "little") == 8


def test_a_frame_of_zstd_or_none_is_read():
    from clickhouse_cityhash.cityhash import CityHash128

    for method, payload in ((frames.ZSTD, zstd.compress(b"SELECT 1")), (frames.NONE, b"SELECT 1")):
        block = bytes([method]) + (len(payload) + 9).to_bytes(4, "little") + b"\x08\0\0\0" + payload
        checksum = CityHash128(block)
        halves = (checksum >> 64, checksum & (2**64 - 1))
        frame = b"".join(half.to_bytes(8, "little") for half in halves) + block
        assert frames.unpack(frame, 100) == b"SELECT 1"


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda frame: frame[:-1], 3),
        (lambda frame: frame[:10], 3),
        (lambda frame: frame[:-1] + bytes([frame[-1] ^ 1]), 40),
        (lambda frame: frame * 100, 307),
    ],
)
def test_a_damaged_frame_is_refused(damage: Callable[[bytes], bytes], code: int):
    with pytest.raises(ServerError) as refused:
        frames.unpack(damage(frames.pack(b"SELECT 1")), 100)
    assert refused.value.code == code
