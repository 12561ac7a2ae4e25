"""HTTP Content-Encoding both ways: lz4, zstd, gzip, deflate (and xz for requests).

An encoder's `finish(cut=True)` writes what it holds but no end mark, so that a client cannot take
a result that broke off for a whole one. Decoding: ClickHouse `CompressionMethod.cpp`.
"""

import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import lz4.frame
from backports import zstd

from . import frames
from .errors import ServerError


class Encoder(Protocol):
    """A compressed stream of a response body."""

    def encode(self, data: bytes) -> bytes:
        """The next bytes of the stream; may be empty while it gathers."""
        ...

    def finish(self, cut: bool = False) -> bytes:
        """The last bytes; without the end mark if `cut`."""
        ...


class FrameEncoder:
    """`compress=1`: blocks that end where they end."""

    encode = staticmethod(frames.pack)

    def finish(self, cut: bool = False) -> bytes:
        return b""


class Lz4Encoder:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor(auto_flush=True)
        self._begin: bytes = self._frame.begin()

    def encode(self, data: bytes) -> bytes:
        begin, self._begin = self._begin, b""
        return begin + bytes(self._frame.compress(data))

    def finish(self, cut: bool = False) -> bytes:
        begin, self._begin = self._begin, b""
        return begin if cut else begin + bytes(self._frame.flush())


class ZlibEncoder:
    """Gzip (`wbits` 31) or zlib (15), at the level that costs least."""

    def __init__(self, wbits: int) -> None:
        self._stream = zlib.compressobj(1, zlib.DEFLATED, wbits)
        self.encode = self._stream.compress

    def finish(self, cut: bool = False) -> bytes:
        return self._stream.flush(zlib.Z_SYNC_FLUSH if cut else zlib.Z_FINISH)


class ZstdEncoder:
    def __init__(self) -> None:
        self._stream = zstd.ZstdCompressor(1)
        self.encode = self._stream.compress

    def finish(self, cut: bool = False) -> bytes:
        stream = self._stream
        return stream.flush(stream.FLUSH_BLOCK if cut else stream.FLUSH_FRAME)


ENCODERS: Mapping[str, Callable[[], Encoder]] = {
    "lz4": Lz4Encoder,
    "zstd": ZstdEncoder,
    "gzip": lambda: ZlibEncoder(31),
    "deflate": lambda: ZlibEncoder(15),
}

_DECODERS: Mapping[str, Callable[[], Any]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
    "gzip": lambda: zlib.decompressobj(31),
    "deflate": lambda: zlib.decompressobj(15),
    "xz": lzma.LZMADecompressor,
}


def accepted(header: bytes) -> str | None:
    """The encoding to answer with, out of Accept-Encoding; None for none that is known."""
    offered = {part.partition(";")[0].strip() for part in header.decode("latin-1").split(",")}
    return next((name for name in ENCODERS if name in offered), None)


def decode(data: bytes, header: bytes, limit: int) -> bytes:
    """The body without its Content-Encodings, undone last to first.

    Raises:
        ServerError: 48 unknown encoding, 354 not such data, 307 over `limit` bytes.
    """
    for part in reversed(header.decode("latin-1").split(",")):
        name = part.strip()
        if name in ("", "identity"):
            continue
        if name not in _DECODERS:
            raise ServerError(48, "NOT_IMPLEMENTED", f"Unknown compression method: {name}")
        data = _decode(name, data, limit)
    return data


def _decode(name: str, data: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    room = limit + 1
    while data:
        decoder = _DECODERS[name]()
        try:
            parts.append(bytes(decoder.decompress(data, room)))
        except (zlib.error, lzma.LZMAError, zstd.ZstdError, RuntimeError, EOFError) as error:
            raise _broken(str(error)) from None
        room -= len(parts[-1])
        if room <= 0:
            raise frames.too_large(limit)
        if not decoder.eof:
            raise _broken("the compressed data is cut short")
        data = decoder.unused_data or b""
    return b"".join(parts)


def _broken(reason: str) -> ServerError:
    return ServerError(354, "ZLIB_INFLATE_FAILED", f"inflate failed: {reason}")
