"""multipart/form-data bodies, found by their boundary in one buffer (RFC 7578)."""

import re
from dataclasses import dataclass

from .errors import ServerError

_BOUNDARY = re.compile(rb'boundary=(?:"([^"]+)"|([^;\s]+))', re.I)
_NAME = re.compile(rb'[;\s]name="([^"]*)"', re.I)
_FILE = re.compile(rb"[;\s]filename\*?=", re.I)


@dataclass(frozen=True, slots=True)
class Form:
    """`fields` are texts, `files` contents, both by the name of their part."""

    fields: dict[str, str]
    files: dict[str, bytes]


def parse_form(content_type: bytes, body: bytes) -> Form:
    """The parts of a body; a part with a file name is a file.

    Raises:
        ServerError: 36 where the boundary, a part's head or the end is missing.
    """
    found = _BOUNDARY.search(content_type)
    if not found:
        raise _malformed("no boundary in Content-Type")
    mark = b"--" + (found[1] or found[2])
    form = Form({}, {})
    position = _first(body, mark)
    while body[position : position + 2] != b"--":
        position = _part(form, body, position, b"\r\n" + mark)
    return form


def _first(body: bytes, mark: bytes) -> int:
    if body.startswith(mark):
        return len(mark)
    at = body.find(b"\r\n" + mark)
    if at < 0:
        raise _malformed("no boundary in the body")
    return at + 2 + len(mark)


def _part(form: Form, body: bytes, position: int, end_mark: bytes) -> int:
    content = body.find(b"\r\n\r\n", position) + 4
    end = body.find(end_mark, content - 2 if content >= 4 else position)
    if content < 4 or end < 0:
        raise _malformed("a part is cut short")
    head = body[position:content]
    name = _NAME.search(head)
    if not name:
        raise _malformed("a part has no name")
    value = body[content:end]
    if _FILE.search(head):
        form.files[name[1].decode(errors="replace")] = value
    else:
        form.fields[name[1].decode(errors="replace")] = value.decode(errors="replace")
    return end + len(end_mark)


def _malformed(why: str) -> ServerError:
    return ServerError(36, "BAD_ARGUMENTS", f"Malformed multipart/form-data: {why}")
