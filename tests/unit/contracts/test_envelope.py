"""Content modes of a Kafka record, and what is said of formats that are none of ours."""

import json

import pytest
from contract_samples import bytes_of, event, read, refused

from shopstream.contracts.deadletter import Record, dead_letter
from shopstream.contracts.envelope import MAX_HEADER_BYTES, shop_of, structured
from shopstream.contracts.events import read_event
from shopstream.contracts.json_text import MAX_BYTES
from shopstream.contracts.reject import Reason, Refused
from shopstream.contracts.topics import ORDERS

PLAIN = event()
DATA = bytes_of(PLAIN["data"])
CE = [
    (f"ce_{name}", value.encode())
    for name, value in PLAIN.items()
    if isinstance(value, str) and name != "data"
]


def without(name):
    return [header for header in CE if header[0] != name]


def refusal(value, headers, topic=ORDERS):
    try:
        read_event(structured(value, headers), topic)
    except Refused as error:
        return error.refusal
    return None


@pytest.mark.parametrize(
    "content_type", [None, "application/json; charset=utf-8", "text/json", "application/x+json"]
)
def test_a_record_in_binary_mode_is_the_event_in_structured_mode(content_type):
    headers = [
        *CE,
        ("traceparent", b"\xff"),
        *([("Content-Type", content_type.encode())] if content_type else []),
    ]
    made = structured(DATA, headers)
    assert read_event(made, ORDERS) == read(PLAIN)
    assert DATA in made


def test_extensions_travel_and_null_headers_do_not():
    made = structured(
        DATA, [*CE, ("ce_userid", b"u-1"), ("ce_traceid", b"\xc3\xa4"), ("ce_time", None)]
    )
    found = json.loads(made)
    assert (found["userid"], found["traceid"]) == ("u-1", "\u00e4")
    assert "time" not in found


def test_without_headers_or_with_others_the_value_stands_as_it_is():
    value = bytes_of(PLAIN)
    for headers in (
        (),
        [("traceparent", b"00-1")],
        [("content-type", b"application/json")],
        [("content-type", b"application/cloudevents+json; charset=UTF-8"), *CE],
    ):
        assert structured(value, headers) is value
    assert structured(None, CE) is None


def test_a_value_in_binary_mode_is_one_document():
    """Else a member behind it would stand for an attribute."""
    for data in (b'{},"shopid":"other"', DATA + b"{}", b'{"a":', b"\xff", b"NaN"):
        found = refusal(data, CE)
        assert (found.reason, found.field) == (Reason.NOT_JSON, None)
    assert refusal(b" ", CE).field == "data"


@pytest.mark.parametrize(
    ("headers", "field", "said"),
    [
        (
            [("content-type", b"application/cloudevents-batch+json")],
            None,
            "send one event a record",
        ),
        ([("content-type", b"application/cloudevents+avro")], None, "application/cloudevents+avro"),
        ([*CE, ("content-type", b"application/avro")], "datacontenttype", "application/avro"),
        ([*without("ce_source"), ("ce_source", b"\xff")], "source", "ce_source must be UTF-8"),
        ([*CE, ("ce_shopid", b"other")], "shopid", "ce_shopid must stand once"),
        ([("ce_shopid", b"other"), *CE], "shopid", "ce_shopid must stand once"),
        ([*CE, ("ce_id", b"e-1"), ("ce_id", b"e-1")], "id", "ce_id must stand once"),
        ([*CE, ("ce_data", b"{}")], "data", "no attribute"),
        ([*CE, ("ce_data_base64", b"{}")], "data_base64", "no attribute"),
        ([*without("ce_specversion"), ("ce_specversion", b"0.3")], "specversion", '"1.0"'),
    ],
)
def test_headers_that_do_not_fit_are_named(headers, field, said):
    found = refusal(DATA, headers)
    assert (found.reason, found.field) == (Reason.NOT_CLOUDEVENT, field)
    assert said in found.message


def test_sizes_are_those_of_the_record():
    assert refusal(DATA, [*CE, ("x", b"y" * MAX_HEADER_BYTES)]).reason is Reason.TOO_LARGE
    assert refusal(DATA, [("x", b"y" * MAX_HEADER_BYTES)] * 2).reason is Reason.TOO_LARGE
    assert refusal(b"x" * (MAX_BYTES + 1), CE).reason is Reason.TOO_LARGE
    assert refusal(b"[" * 30_000, CE).reason is Reason.TOO_COMPLEX
    padded = DATA[:-1] + b" " * (MAX_BYTES - len(DATA)) + DATA[-1:]
    assert refusal(padded, CE).reason is Reason.TOO_LARGE


def test_the_shop_is_named_by_a_header():
    assert shop_of([("ce_shopid", b"s-1")]) == "s-1"
    assert shop_of([("shopid", b"s-1"), ("ce_shopid", None)]) is None


@pytest.mark.parametrize(
    ("value", "reason", "said"),
    [
        (b"\0\0\0\0\x07" + DATA, Reason.NOT_JSON, "Confluent's wire format (schema 7)"),
        (
            b'{"schema": {"type": "struct"}, "payload": {}}',
            Reason.NOT_CLOUDEVENT,
            "schemas.enable=false",
        ),
        (
            b'{"before": null, "after": {}, "source": {}, "op": "c"}',
            Reason.NOT_CLOUDEVENT,
            "Debezium",
        ),
        (b'{"schema": {}, "payload": {"after": {}, "op": "u"}}', Reason.NOT_CLOUDEVENT, "Debezium"),
        (b"[" + bytes_of(PLAIN) + b"]", Reason.NOT_CLOUDEVENT, "JSON array"),
    ],
)
def test_another_format_is_refused_by_its_name(value, reason, said):
    found = refusal(value, ())
    assert (found.reason, found.field) == (reason, None)
    assert said in found.message


def test_data_in_base64_is_named():
    value = {k: v for k, v in PLAIN.items() if k != "data"} | {"data_base64": "e30="}
    found = refusal(bytes_of(value), ())
    assert (found.reason, found.field) == (Reason.MISSING_FIELD, "data")
    assert "data_base64 is not read" in found.message
    assert refused(value | {"shopid": None}) == ("missing_field", "shopid")


@pytest.mark.parametrize(
    "headers",
    [
        [("", b"")] * 1_025,
        [("", None)] * 90_000,
        [("x" * 64, b"y" * 64)] * 342,
    ],
)
def test_each_header_counts_beside_its_bytes(headers):
    assert refusal(DATA, headers).reason is Reason.TOO_LARGE
    assert refusal(DATA, [*CE, *headers]).reason is Reason.TOO_LARGE


def test_many_headers_of_others_are_no_fault():
    assert refusal(DATA, [*CE, *[("x" * 10, b"y" * 100)] * 300]) is None


@pytest.mark.parametrize(
    "headers",
    [
        [("\x01" * 65_000, b"")],
        [("", b"")] * 1_000,
        [("ce_specversion", b"1.0"), ("ce_" + "\x01" * 65_000, b"\xff")],
        [("ce_specversion", b"1.0"), *[("ce_" + "\x01" * 32_000, b"")] * 2],
    ],
)
def test_kafka_takes_the_dead_letter_of_whatever_is_refused_with_its_headers(headers):
    """Its topic takes 2 MiB, of which a batch has some; a letter that it did not take would be sent for ever."""
    value, key = b"\xff" * MAX_BYTES, b"k" * MAX_BYTES
    found = refusal(value, headers)
    assert found.reason is not Reason.TOO_LARGE
    letter = dead_letter(Record(ORDERS, 0, 1, 1, key, value, tuple(headers)), found)
    assert len(letter) < 2 * 1024 * 1024 - 1024
