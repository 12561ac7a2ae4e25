"""ClickHouse's own compressed blocks, as `compress=1` and `decompress=1` use them.

A block is CityHash128 (16 bytes), method (1), size with this 9-byte header (4), size of the
content (4), payload; all little endian. Source: ClickHouse `CompressedReadBufferBase.cpp`.
"""

import struct

import lz4.block
from backports import zstd
from clickhouse_cityhash.cityhash import CityHash128

from .errors import ServerError

NONE, LZ4, ZSTD = 0x02, 0x82, 0x90
BLOCK = 1 << 20
MAX_CONTENT = 1 << 30
_HEAD = struct.Struct("<QQBII")
_SIZES = struct.Struct("<BII")
_HASH = struct.Struct("<QQ")
_LOW_64 = (1 << 64) - 1


def pack(data: bytes) -> bytes:
    """`data` as LZ4 blocks of at most 1 MiB content each."""
    return b"".join(_pack(data[at : at + BLOCK]) for at in range(0, len(data), BLOCK))


def unpack(data: bytes, limit: int) -> bytes:
    """The content of all blocks.

    Raises:
        ServerError: 3 cut short, 40 wrong checksum, 89 unknown method, 307 over `limit` bytes.
    """
    parts: list[bytes] = []
    position = total = 0
    while position < len(data):
        content, position = _unpack(data, position)
        total += len(content)
        if total > limit:
            raise too_large(limit)
        parts.append(content)
    return b"".join(parts)


def too_large(limit: int) -> ServerError:
    """307: the body is over `limit` bytes."""
    return ServerError(
        307, "TOO_MANY_BYTES", f"The request body is larger than the limit of {limit} bytes"
    )


def _pack(content: bytes) -> bytes:
    payload = lz4.block.compress(content, store_size=False)
    block = _SIZES.pack(LZ4, len(payload) + _SIZES.size, len(content)) + payload
    checksum = CityHash128(block)
    return bytes(_HASH.pack(checksum >> 64, checksum & _LOW_64) + block)


def _unpack(data: bytes, position: int) -> tuple[bytes, int]:
    if len(data) < position + _HEAD.size:
        raise _cut_short()
    low, high, method, size, content_size = _HEAD.unpack_from(data, position)
    block = data[position + _HASH.size : position + _HASH.size + size]
    if len(block) != size or size < _SIZES.size or content_size > MAX_CONTENT:
        raise _cut_short()
    if CityHash128(block) != (low << 64 | high):
        raise ServerError(40, "CHECKSUM_DOESNT_MATCH", "Checksum doesn't match: corrupted data")
    payload = block[_SIZES.size :]
    return _content(method, payload, content_size), position + _HASH.size + size


def _content(method: int, payload: bytes, size: int) -> bytes:
    if method == LZ4:
        return bytes(lz4.block.decompress(payload, uncompressed_size=size))
    if method == ZSTD:
        return bytes(zstd.ZstdDecompressor().decompress(payload, max_length=size))
    if method == NONE:
        return payload
    raise ServerError(89, "UNKNOWN_COMPRESSION_METHOD", f"Unknown compression method {method:#x}")


def _cut_short() -> ServerError:
    return ServerError(3, "UNEXPECTED_END_OF_FILE", "The compressed block is cut short")
