"""A result that is sent while the engine still produces it."""

import secrets
from collections.abc import Callable
from typing import Final

from .coding import Encoder
from .engine import Rows
from .formats import header_length

FIRST_BYTES: Final = 1 << 20
NEXT_BYTES: Final = 1 << 18


class ResultStream:
    """A result as it is produced, in the answer's encoding. One thread at a time.

    Args:
        convert: applied to every piece before it is encoded.
        describe: the message of an error, as the body shows it.
        ended: called once, with whether the statement failed, before the last piece is given out.
        tag: 16 characters that mark the error; the client knows them from the headers.
    """

    def __init__(
        self,
        rows: Rows,
        form: str,
        convert: Callable[[bytes], bytes] | None,
        describe: Callable[[BaseException], str],
        ended: Callable[[bool], None],
        tag: str,
    ) -> None:
        self._rows = rows
        self._form = form
        self._convert = convert
        self._describe = describe
        self._on_end = ended
        self._header: bytes | None = None
        self._first = b""
        self._tag = tag
        self.encoder: Encoder | None = None
        self.row_count = 0
        self.over = False
        self.broken = False

    def start(self) -> bytes | None:
        """Produces up to 1 MiB. If that is all, gives it back whole; otherwise keeps it, None.

        Raises: what the engine raises; the statement has ended then.
        """
        try:
            self._first = self._gather(FIRST_BYTES)
        except Exception:
            self._end(failed=True)
            raise
        return self._first if self.over else None

    def read(self) -> bytes | None:
        """The next encoded piece, None at the end. After a failure `broken` is set and the piece
        carries the error; the transfer must then be cut.
        """
        if self.over and not self._first:
            return None
        first, self._first = self._first, b""
        try:
            piece = first or self._gather(NEXT_BYTES)
        except Exception as error:
            self._end(failed=True)
            self.broken = True
            piece = exception_block(self._describe(error), self._tag)
        return self._encode(piece)

    def close(self) -> None:
        """Cancels what still runs."""
        self._end(failed=True)

    def _gather(self, enough: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while size < enough and not self.over:
            piece = self._next()
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)

    def _next(self) -> bytes:
        got = self._rows.next()
        if got is None:
            self._end(failed=False)
            return b""
        piece, rows = got
        piece = self._without_header(piece)
        piece = self._convert(piece) if self._convert and piece else piece
        self.row_count += rows
        if not rows:
            self._rows.done()
            self._end(failed=False)
        return piece

    def _without_header(self, piece: bytes) -> bytes:
        if self._header is None:
            self._header = _header(self._form, piece)
            return piece
        return piece.removeprefix(self._header)

    def _encode(self, piece: bytes) -> bytes:
        if self.encoder is None:
            return piece
        encoded = self.encoder.encode(piece) if piece else b""
        return encoded + self.encoder.finish(cut=self.broken) if self.over else encoded

    def _end(self, failed: bool) -> None:
        if self.over:
            return
        self.over = True
        try:
            if failed:
                self._rows.close()
        finally:
            self._on_end(failed)


def new_tag() -> str:
    """16 characters that no result contains by chance."""
    return secrets.token_hex(8)


def exception_block(message: str, tag: str) -> bytes:
    """An error after rows have been sent (ClickHouse `WriteBufferFromHTTPServerResponse.cpp`)."""
    text = message.encode() + b"\n"
    mark = tag.encode()
    return (
        b"\r\n__exception__\r\n"
        + mark
        + b"\r\n"
        + text
        + b"%d " % len(text)
        + mark
        + b"\r\n__exception__\r\n"
    )


def _header(form: str, piece: bytes) -> bytes:
    try:
        return piece[: header_length(form, piece)]
    except (ValueError, IndexError):
        return b""
