"""docs/contract.md names every type, topic, reason, field, parameter and limit of today."""

import re

from doc_pages import codes, read, rows, section

from api import limits
from api.access import MAX_TOKEN
from api.http_protocol import IDLE_SECONDS, REQUEST_SECONDS, STALL_SECONDS
from api.push.channel import MAX_WRITE
from api.push.history import PAGE_BYTES
from api.push.routes import _EVENTS, _HISTORY, _WS
from api.push.timekeeper import PING_SECONDS
from api.push.websocket import MAX_MESSAGE
from api.reports.days import EARLIEST, LATEST, MOST_DAYS
from api.reports.endpoints import REPORTS, STOCK
from api.reports.routes import COMPRESS_FROM
from api.reports.stock import MOST_LEVELS
from api.tickets import LIFETIME
from shopstream.contracts.events import DATA
from shopstream.contracts.json_text import MAX_BYTES, MAX_DEPTH, MAX_SIGNS
from shopstream.contracts.order import ITEM, ORDER, STATUSES
from shopstream.contracts.reject import Reason
from shopstream.contracts.topics import BY_NAME, INPUTS
from shopstream.contracts.values import IDENTIFIER_LENGTH

PAGE = read("docs/contract.md")


def test_the_reasons_for_a_refusal_stand_in_the_order_in_which_they_are_tried() -> None:
    table = rows(section(PAGE, "## What is refused"))
    named = [row[0].strip("`") for row in table if row[0].strip("`") in {r.value for r in Reason}]
    assert named[: len(Reason)] == [reason.value for reason in Reason]


def test_every_topic_of_shops_is_listed_with_its_types() -> None:
    listed = {
        row[0].strip("`"): tuple(codes(row[1]))
        for row in rows(section(PAGE, "## Events in"))
        if row[0].startswith("`shop.")
    }
    assert listed == {name: BY_NAME[name].types for name in INPUTS}


def test_every_other_topic_and_its_types_are_named() -> None:
    for name in BY_NAME.keys() - set(INPUTS):
        assert {name, *BY_NAME[name].types} <= set(codes(PAGE))


def test_every_field_of_an_order_is_listed_with_whether_it_is_required() -> None:
    listed = {
        row[0].strip("`"): row[1] == "required" for row in rows(section(PAGE, "### The order"))
    }
    fields = (*ORDER.fields, *ITEM.fields)
    assert listed == {field.name: field.required for field in fields}


def test_every_field_of_the_other_events_is_listed_with_whether_it_is_required() -> None:
    listed = {
        row[0].strip("`"): tuple(codes(re.sub(r"\([^)]*\)", "", cell)) for cell in row[1:])
        for row in rows(section(PAGE, "### The other events"))
    }
    for kind, (required, optional) in listed.items():
        fields = DATA[kind].fields
        assert required == [field.name for field in fields if field.required]
        assert optional == [field.name for field in fields if not field.required]
    assert set(listed) == set(DATA) - {"order:created", "order:updated"}


def test_every_status_is_named() -> None:
    assert set(STATUSES) <= set(codes(section(PAGE, "### The order")))


def test_every_parameter_of_a_route_is_listed() -> None:
    listed = {row[0].strip("`"): codes(row[1]) for row in rows(section(PAGE, "## Reports"))}
    for endpoint in (*REPORTS, STOCK):
        assert set(listed[f"GET {endpoint.path}"]) == {one.name for one in endpoint.parameters}
    push = section(PAGE, "## Push")
    listed = {row[0].strip("`"): codes(row[1]) for row in rows(push) if row[0].startswith("`GET ")}
    for path, parameters in (("/events", _EVENTS), ("/ws", _WS), ("/events/history", _HISTORY)):
        assert set(listed[f"GET {path}"]) == {one.name for one in parameters}


def test_every_field_of_a_body_is_named() -> None:
    schemas = [endpoint.body.model_json_schema() for endpoint in (*REPORTS, STOCK)]
    parts = [part for schema in schemas for part in (schema, *schema["$defs"].values())]
    named = set(codes(section(PAGE, "## Reports")))
    assert {name for part in parts for name in part["properties"]} <= named


def test_the_limits_are_those_of_the_code() -> None:
    listed = {row[0]: row[1] for row in rows(section(PAGE, "## Limits"))}
    assert (
        listed.items()
        >= {
            "a record": f"{MAX_BYTES // 1024} KiB, {MAX_SIGNS:,} commas and brackets,"
            f" {MAX_DEPTH} levels",
            "an `id`, an identifier": f"{IDENTIFIER_LENGTH} characters",
            "`date`": f"{EARLIEST} to {LATEST}",
            "`year`": f"{EARLIEST.year} to {LATEST.year}",
            "`days`, the span of two dates": f"1 to {MOST_DAYS}",
            "`limit`": f"1 to {MOST_LEVELS:,}",
            "a token": f"{MAX_TOKEN // 1024} KiB",
            "line and headers of a request": f"{limits.HEAD_BYTES // 1024} KiB",
            "an address with its query": f"{limits.TARGET_BYTES // 1024} KiB,"
            f" {limits.PARAMETERS} parameters, {limits.ESCAPES:,} percent signs",
            "headers of a request": f"{limits.HEADERS}, with {limits.MEMBERS} commas and semicolons",
            "a body": f"{limits.BODY_BYTES // 1024} KiB,"
            f" each piece counted with {limits.PIECE_BYTES} bytes more",
            "a whole request, the next one": f"{REQUEST_SECONDS:.0f} s",
            "requests sent behind one that is not answered yet": f"{limits.PIPELINED}",
            "a ticket": f"{LIFETIME} s, once, and again with its cookie",
            "written to a client at once": f"{MAX_WRITE // 1024} KiB, or one event",
            "a message of a client": f"{MAX_MESSAGE // 1024} KiB",
            "a page of `/events/history`": f"1,000 events, {PAGE_BYTES // 2**20} MiB",
            "a client that reads nothing": f"{STALL_SECONDS:.0f} s",
            "silence on a stream": f"{PING_SECONDS:.0f} s",
        }.items()
    )
    assert f"from {COMPRESS_FROM} bytes on" in PAGE
    assert IDLE_SECONDS == REQUEST_SECONDS


def test_the_size_of_a_record_is_told() -> None:
    assert MAX_BYTES == 512 * 1024
    assert re.search(r"at most 512 KiB", PAGE)
