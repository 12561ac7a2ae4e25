"""From requests to events: content modes, batches cut byte for byte, every fault told."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.faults import ContentTooLarge, InvalidEvents, UnsupportedContent
from api.ingest import content
from api.ingest.content import MAX_EVENTS, check_events, events_of, split
from shopstream.contracts import routing
from shopstream.contracts.envelope import BATCH, STRUCTURED
from shopstream.contracts.events import DATA
from shopstream.contracts.examples import example

ORDER = json.dumps(example("order:created")).encode()
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def typed(content_type: str) -> list[tuple[str, str]]:
    return [("content-type", content_type)]


def faults(headers: Any, body: bytes) -> list[tuple[int | None, str, str | None]]:
    with pytest.raises(InvalidEvents) as found:
        check_events(headers, body)
    return [(index, each.reason.value, each.field) for index, each in found.value.faults]


@pytest.mark.parametrize("kind", sorted(DATA))
def test_a_record_is_that_of_the_producer(kind: str) -> None:
    value = json.dumps(example(kind)).encode()
    found = check_events(typed(STRUCTURED), value)
    assert list(found.records) == [routing.route(value)]
    assert found.shops == {example(kind)["shopid"]}


@given(st.lists(JSON_VALUES, min_size=1, max_size=6), st.booleans(), st.sampled_from([None, 1]))
def test_a_batch_is_cut_at_its_events(
    values: list[Any], ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(values, ensure_ascii=ascii_only, indent=indent).encode(errors="replace")
    found = split(b"\n " + body + b"\t")
    if "\\ud" not in body.decode() and "?" not in body.decode():
        assert [json.loads(each) for each in found] == values
    assert b"[" + b",".join(found) + b"]" == body or indent or len(found) == len(values)


@given(st.lists(JSON_VALUES, min_size=1, max_size=6), st.integers(1, 9))
def test_a_batch_is_cut_the_same_in_blocks_of_any_size(values: list[Any], size: int) -> None:
    text = json.dumps(values, ensure_ascii=False).encode(errors="replace")
    body = text.replace(b'\\"', b'\\\\\\"')
    whole = split(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "BLOCK", size)
        assert split(body) == whole


@pytest.mark.parametrize("size", range(1, 12))
def test_a_backslash_at_the_end_of_a_block_belongs_to_the_next_letter(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "BLOCK", size)
    events = [b'"\\\\"', b'"\\"],["', b'"\\\\\\","', b'{"a\\\\":[1,"]"]}', b'""', b"1"]
    assert split(b"[" + b",".join(events) + b"]") == events


def test_the_digits_of_money_stay() -> None:
    one = ORDER.replace(b'"unitPrice"', b'"unitPrice" ')
    assert split(b"[" + one + b" ,\n" + ORDER + b"]") == [one, ORDER]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"{}",
        b"[]]",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b'["a]',
        b"[{},]",
        b"[]",
        b" [ ] ",
        b"[1]]",
    ],
)
def test_what_is_no_batch_is_refused(body: bytes) -> None:
    assert faults(typed(BATCH), body)


def test_a_batch_is_bounded() -> None:
    assert len(split(b"[" + b",".join([b"1"] * MAX_EVENTS) + b"]")) == MAX_EVENTS
    with pytest.raises(ContentTooLarge, match="5,000"):
        split(b"[" + b"," * MAX_EVENTS + b"]")


def test_each_event_that_breaks_a_rule_is_told() -> None:
    late = json.loads(ORDER) | {"data": json.loads(ORDER)["data"] | {"status": "lost"}}
    body = b"[%b,%b,{},%b,7]" % (ORDER, json.dumps(late).encode(), ORDER)
    assert faults(typed(BATCH), body) == [
        (1, "bad_value", "data.status"),
        *((2, "not_cloudevent", name) for name in ("specversion", "id", "source", "type")),
        (4, "not_cloudevent", None),
    ]


def test_binary_mode_is_the_event_in_structured_mode() -> None:
    event = example("order:created")
    heads = [("ce-userid", quote("J\u00fcrgen %"))]
    heads += [
        (f"ce-{n}", v if isinstance(v, str) else json.dumps(v))
        for n, v in event.items()
        if n not in ("data", "userid")
    ]
    data = json.dumps(event["data"]).encode()
    (value,) = events_of([*typed("application/json; charset=utf-8"), *heads], data)
    found = json.loads(value)
    assert found.pop("datacontenttype") == "application/json"
    assert found == event | {"userid": "J\u00fcrgen %"}
    assert data in value
    assert faults([*heads, ("ce-id", "again")], data) == [(0, "not_cloudevent", "id")]
    assert faults([*heads, ("ce-x", "%ff")], data) == [(0, "not_cloudevent", "x")]
    assert faults([*heads, *typed("application/avro")], data) == [
        (0, "not_cloudevent", "datacontenttype")
    ]
    assert faults(heads, data + b',"shopid":"other"') == [(0, "not_json", None)]


@pytest.mark.parametrize(
    ("header", "source"),
    [
        ('"/check out"', "/check out"),
        ('"a\\"b\\\\%22"', 'a"b\\"'),
        ('"', '"'),
        ('"a" b"', '"a" b"'),
        ('"a\\"', '"a\\"'),
        ("'a'", "'a'"),
    ],
)
def test_a_quoted_header_is_what_it_quotes(header: str, source: str) -> None:
    (value,) = events_of([("ce-specversion", "1.0"), ("ce-source", header)], b"{}")
    assert json.loads(value)["source"] == source


@pytest.mark.parametrize(
    "headers",
    [
        [],
        typed("text/plain"),
        typed("application/cloudevents+avro"),
        [*typed(STRUCTURED), ("content-encoding", "gzip")],
    ],
)
def test_other_content_is_not_looked_at(headers: Any) -> None:
    with pytest.raises(UnsupportedContent):
        events_of(headers, ORDER)


def test_equal_events_have_an_equal_digest_and_others_another() -> None:
    one, two = ORDER, ORDER.replace(b"8f14e45f", b"8f14e45e")
    digests = [
        check_events(typed(BATCH), b"[" + b",".join(values) + b"]").digest
        for values in ([one, two], [two, one], [one], [one, two])
    ]
    assert len(set(digests)) == 3
    assert digests[0] == digests[3]
    assert check_events(typed("application/json"), one).digest == digests[2]
