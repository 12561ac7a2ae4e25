"""docs/security.md tells the bounds that the code has."""

import pytest
from doc_pages import read, section

from api import http_protocol, limits
from api.access import MAX_TOKEN, MAX_TOKEN_HEAD
from api.push.engine_io import CONNECT_SECONDS, MAX_PACKETS, MAX_PAYLOAD, UPGRADE_SECONDS
from api.push.records import BIG_BYTES, BIG_SIGNS
from api.push.socketio import ANONYMOUS
from api.push.subscription import MAX_HEARD
from api.push.websocket import MAX_FRAMES
from api.tickets import MAX_TICKET
from shopstream.contracts.json_text import MAX_BYTES, MAX_SIGNS

PAGE = read("docs/security.md")


def kib(size: int) -> str:
    return f"{size // 1024} KiB"


@pytest.mark.parametrize(
    "bound",
    [
        f"{kib(limits.HEAD_BYTES)}, also in one read",
        f"{kib(limits.TARGET_BYTES)} with the path, {limits.PARAMETERS} parameters,"
        f" {limits.ESCAPES:,} percent signs",
        f"{limits.HEADERS}: 431",
        f"{limits.MEMBERS} commas and semicolons",
        f"a token of {kib(MAX_TOKEN)}, its first part {kib(MAX_TOKEN_HEAD)}",
        f"{kib(MAX_TICKET)}, its first part {kib(MAX_TOKEN_HEAD)}",
        f"{kib(limits.BODY_BYTES)}, each piece counted with {limits.PIECE_BYTES} bytes more",
        f"| {limits.PIPELINED}; the rest is not read",
        f"{kib(MAX_HEARD)} of them",
        f"{kib(MAX_PAYLOAD)}, {MAX_PACKETS:,} packets",
        f"{MAX_FRAMES:,}: closed with 1008",
        f"| {UPGRADE_SECONDS:.0f} s |",
        f"| a session of Socket.IO without a token | {CONNECT_SECONDS:.0f} s,",
        f"| all sessions of Socket.IO without a token | {ANONYMOUS:,}, and a tenth of",
        f"{http_protocol.REQUEST_SECONDS:.0f} s each",
    ],
)
def test_each_bound_is_told(bound: str) -> None:
    assert bound in section(PAGE, "## What an unauthenticated byte can reach")


def test_the_bounds_of_a_record_are_told() -> None:
    told = " ".join(section(PAGE, "## What a producer can reach").split())
    assert f"at most {kib(MAX_BYTES)} and {MAX_SIGNS:,} commas and brackets" in told
    assert f"more than {kib(BIG_BYTES)} or {BIG_SIGNS:,} of these signs" in told
