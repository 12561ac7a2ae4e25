"""What goes back: status, headers, and a body that is whole or a stream."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .call import Call
from .coding import ENCODERS, Encoder, FrameEncoder, accepted
from .stream import ResultStream, new_tag

PLAIN_TEXT: Final = b"text/plain; charset=UTF-8"
Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Answer:
    """`body` is the whole of it, or a stream to read to its end or close."""

    status: int
    headers: Headers
    body: bytes | ResultStream


_EXPOSED = (
    "Query-Id", "Summary", "Server-Display-Name", "Format", "Timezone", "Exception-Code",
    "Exception-Tag",
)  # fmt: skip
_ALWAYS = (
    (b"x-clickhouse-server-display-name", b"chdb"),
    (
        b"access-control-expose-headers",
        ",".join(f"X-ClickHouse-{name}" for name in _EXPOSED).encode(),
    ),
    (b"keep-alive", b"timeout=30, max=9999"),
)


def common_headers(
    params: Mapping[str, str], query_id: str, timezone: str, tag: str = ""
) -> Headers:
    """Those that every answer has.

    Args:
        timezone: the server's, where the request sets no `session_timezone`.
        tag: 16 characters that mark an error after rows; made here if empty.
    """
    zone = params.get("session_timezone") or timezone
    headers = [(b"x-clickhouse-timezone", zone.encode("ascii", "replace")), *_ALWAYS]
    headers.append((b"x-clickhouse-exception-tag", (tag or new_tag()).encode()))
    if query_id:
        headers.append((b"x-clickhouse-query-id", query_id.encode("ascii", "replace")))
    if params.get("add_http_cors_header") == "1":
        headers.append((b"access-control-allow-origin", b"*"))
    return headers


def encode_body(answer: Answer, call: Call) -> Answer:
    """Puts the body into the encoding that the client takes; for a stream, from the first read."""
    encoder: Encoder | None = None
    if call.flag("compress"):
        encoder = FrameEncoder()
    elif call.accept_encoding and call.params.get("enable_http_compression", "1") == "1":
        name = accepted(call.accept_encoding)
        if name and answer.body:
            encoder = ENCODERS[name]()
            answer.headers.append((b"content-encoding", name.encode()))
    if encoder is None:
        return answer
    if isinstance(answer.body, bytes):
        answer.body = encoder.encode(answer.body) + encoder.finish()
    else:
        answer.body.encoder = encoder
    return answer


def summary(elapsed_ns: int, **counts: int) -> bytes:
    """X-ClickHouse-Summary: every key, every value a text."""
    names = (
        "read_rows read_bytes written_rows written_bytes total_rows_to_read result_rows"
        " result_bytes"
    )
    values = {name: str(counts.get(name, 0)) for name in names.split()}
    return json.dumps({**values, "elapsed_ns": str(elapsed_ns)}, separators=(",", ":")).encode()
