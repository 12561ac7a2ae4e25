"""Reads a request's body, within the limit, into what the statement's side needs."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from .call import Call
from .coding import decode
from .frames import too_large, unpack
from .logins import Login
from .multipart import parse_form

Receive = Callable[[], Awaitable[Any]]


class Disconnected(Exception):
    """The client hung up before its request was whole."""


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> list[bytes]:
    """The body in the pieces it came in.

    A body over the limit is read to its end but not kept, so that the client can hear of it.

    Raises:
        ServerError: 307 over `limit` bytes.
        Disconnected: the client hung up.
    """
    pieces: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        piece = message.get("body", b"")
        size += len(piece)
        if size <= limit:
            pieces.append(piece)
        else:
            pieces.clear()
        more = message.get("more_body", False)
    if size > limit:
        raise too_large(limit)
    return pieces


def make_call(
    login: Login,
    method: str,
    params: Mapping[str, str],
    headers: Mapping[bytes, bytes],
    body: list[bytes],
    limit: int,
) -> Call:
    """Decodes the body: Content-Encoding, `decompress=1`, multipart.

    Raises:
        ServerError: 48, 354, 3, 40, 89, 36 for what cannot be decoded; 307 over `limit` then.
    """
    encoding = headers.get(b"content-encoding", b"")
    if encoding:
        body = [decode(b"".join(body), encoding, limit)]
    if params.get("decompress") == "1":
        body = [unpack(b"".join(body), limit)]
    files: Mapping[str, bytes] = {}
    kind = headers.get(b"content-type", b"")
    if kind.lower().startswith(b"multipart/form-data"):
        form = parse_form(kind, b"".join(body))
        params, files, body = {**params, **form.fields}, form.files, []
    return Call(
        login=login,
        params=_with_headers(params, headers),
        body=body,
        files=files,
        read_only_method=method in ("GET", "HEAD"),
        accept_encoding=headers.get(b"accept-encoding", b""),
    )


def _with_headers(params: Mapping[str, str], headers: Mapping[bytes, bytes]) -> Mapping[str, str]:
    named = {"database": b"x-clickhouse-database", "default_format": b"x-clickhouse-format"}
    found = {
        name: headers[header].decode("latin-1")
        for name, header in named.items()
        if headers.get(header) and not params.get(name)
    }
    return {**params, **found} if found else params
