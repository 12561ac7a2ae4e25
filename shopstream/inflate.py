"""Bounded decoders of what Kafka producers compress, in place of those of the libraries."""

import struct
import threading
import zlib
from collections.abc import Callable
from mmap import mmap
from typing import Any

import cramjam

MAX_INFLATED = 16 * 1024 * 1024
"""A batch is one MiB compressed unless the broker is set otherwise, and ten times that inflated at most, as far as
producers make them: those of librdkafka count bytes before they compress."""
_XERIAL = b"\x82SNAPPY\0"
_XERIAL_HEAD = 16


class CannotInflate(ValueError):
    """A batch that is larger than `MAX_INFLATED`, or is not what its header says."""


class Own(threading.local):
    """Of one thread. `scratch`: what is inflated into; its pages cost nothing before they are written. `inflated`: what
    the latest batch inflated to, in bytes."""

    scratch: mmap | None = None
    inflated = 0


own = Own()


def inflate_gzip(data: Any) -> bytes:
    """A batch that was compressed by gzip.

    Raises:
        CannotInflate: so do all four.
    """
    stream = zlib.decompressobj(wbits=31)
    try:
        inflated = stream.decompress(data, MAX_INFLATED + 1)
    except zlib.error as error:
        raise CannotInflate(str(error)) from None
    if len(inflated) > MAX_INFLATED or not stream.eof:
        raise CannotInflate("too large, or cut off")
    own.inflated = len(inflated)
    return inflated


def inflate_zstd(data: Any) -> bytes:
    """A batch that was compressed by zstd."""
    return _into_scratch(cramjam.zstd.decompress_into, data)


def inflate_lz4(data: Any) -> bytes:
    """A batch that was compressed by LZ4."""
    return _into_scratch(cramjam.lz4.decompress_into, data)


def inflate_snappy(data: Any) -> bytes:
    """A batch that was compressed by Snappy, as one block or in the framing of the Java library."""
    data = bytes(data)
    if not data.startswith(_XERIAL):
        block = _snappy_block(data, MAX_INFLATED)
        own.inflated = len(block)
        return block
    blocks, left, at = [], MAX_INFLATED, _XERIAL_HEAD
    while at < len(data):
        try:
            (size,) = struct.unpack_from(">I", data, at)
        except struct.error as error:
            raise CannotInflate(str(error)) from None
        blocks.append(_snappy_block(data[at + 4 : at + 4 + size], left))
        left -= len(blocks[-1])
        at += 4 + size
    own.inflated = MAX_INFLATED - left
    return b"".join(blocks)


def _snappy_block(data: bytes, limit: int) -> bytes:
    """The length that a block is to have stands before it."""
    try:
        if cramjam.snappy.decompress_raw_len(data) > limit:
            raise CannotInflate("too large")
        return bytes(cramjam.snappy.decompress_raw(data))
    except cramjam.DecompressionError as error:
        raise CannotInflate(str(error)) from None


def _into_scratch(decompress_into: Callable[[Any, mmap], int], data: Any) -> bytes:
    scratch = own.scratch
    if scratch is None:
        scratch = own.scratch = mmap(-1, MAX_INFLATED)
    try:
        size = decompress_into(data, scratch)
    except cramjam.DecompressionError as error:
        raise CannotInflate(str(error)) from None
    own.inflated = size
    return scratch[:size]


INFLATE = {
    "gzip_decode": inflate_gzip,
    "snappy_decode": inflate_snappy,
    "lz4_decode": inflate_lz4,
    "zstd_decode": inflate_zstd,
}


def bound_decoders(default_records: Any, legacy_records: Any) -> None:
    """Puts these decoders in place of those of a library: in its modules for record batches, and for messages of
    formats before, which have no zstd.

    Raises:
        AttributeError: it has no such decoder.
    """
    for name, decode in INFLATE.items():
        replace_name(default_records, name, decode)
        if name != "zstd_decode":
            replace_name(legacy_records, name, decode)


def replace_name(module: Any, name: str, value: Any) -> None:
    """Replaces what a module has under a name.

    Raises:
        AttributeError: it has nothing.
    """
    getattr(module, name)
    setattr(module, name, value)
