"""An answer on its way out: entity tag, conditional answer, compression (RFC 9110)."""

import hashlib
from datetime import UTC, datetime
from typing import NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.reports.coding import CODINGS, choose
from api.reports.kept import Given, Made
from api.reports.totals import Body

_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Authorization"}
COMPRESS_FROM = 512
"""Bytes; below it compression costs more than it saves."""


class Content(NamedTuple):
    """A body as JSON without `asOf`, and its tag: `asOf` alone is no change."""

    body: bytes
    tag: str


def make(body: Body, until: datetime) -> Made[Content]:
    """What is kept of a body, which holds until then."""
    text = orjson.dumps(body)
    tag = f'"{hashlib.blake2b(text, digest_size=16).hexdigest()}"'
    return Made(Content(text, tag), until, len(text))


def answer(request: Request, given: Given[Content]) -> Response:
    """The answer, or 304 where the client has it already (RFC 9110, section 13.1.2)."""
    body, tag = given.value
    headers = {**_HEADERS, "ETag": tag}
    if _matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    body = body[:-1] + b',"asOf":' + orjson.dumps(_text(given.as_of)) + b"}"
    coding = choose(request.headers.get("accept-encoding", ""))
    if coding is not None and len(body) >= COMPRESS_FROM:
        body = CODINGS[coding](body)
        headers["Content-Encoding"] = coding
    return Response(body, 200, headers, "application/json")


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
