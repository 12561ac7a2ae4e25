"""A report on its way out: entity tag, conditional answer, compression (RFC 9110)."""

import gzip
import hashlib
from datetime import UTC, datetime

import orjson
from starlette.requests import Request
from starlette.responses import Response

from shopstream.api.reports.daily import Body

_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Authorization"}
COMPRESS_FROM = 512
"""Bytes; below it compression costs more than it saves."""


def answer(request: Request, body: Body, as_of: datetime | None) -> Response:
    """The report as JSON, or 304 where the client has it already (RFC 9110, section 13.1.2).

    The tag is of everything but `asOf`, which alone is no change.
    """
    content = orjson.dumps(body)
    tag = f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'
    headers = {**_HEADERS, "ETag": tag}
    if _matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    content = content[:-1] + b',"asOf":' + orjson.dumps(_text(as_of)) + b"}"
    if len(content) >= COMPRESS_FROM and accepts_gzip(request.headers.get("accept-encoding", "")):
        content = gzip.compress(content, compresslevel=4, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, 200, headers, "application/json")


def accepts_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` allows gzip (RFC 9110, section 12.5.3)."""
    weights = {}
    for part in accepted.split(","):
        coding, _, parameter = part.partition(";")
        weights[coding.strip().lower()] = parameter.replace(" ", "").lower()
    weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", "q=0")))
    return weight not in ("q=0", "q=0.0", "q=0.00", "q=0.000")


def _matches(given: str | None, tag: str) -> bool:
    """Weak comparison; a star matches whatever there is."""
    if given is None:
        return False
    tags = [part.strip().removeprefix("W/") for part in given.split(",")]
    return tag in tags or tags == ["*"]


def _text(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    text = instant.astimezone(UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")
