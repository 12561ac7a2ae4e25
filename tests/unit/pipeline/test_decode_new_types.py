"""A new event type is read on both paths by what its shapes say; what they cannot say fails loudly."""

import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from contract_samples import bytes_of, event
from decode_oracle import decoded, sure
from hypothesis import given
from hypothesis import strategies as st
from record_mutations import fuzz, mangled, record

from pipeline.decode import columns, shape
from shopstream.contracts import events, topics, values
from shopstream.contracts.events import DATA
from shopstream.contracts.schema import Field, Many, Shape
from shopstream.contracts.topics import INPUTS, Topic

TOPIC = "shop.parcels"
AT = datetime(2026, 11, 22, tzinfo=UTC)
LINE = Shape(
    (
        Field("note", values.text),
        Field("weight", values.Whole(0, 9), default=3),
        Field("packedAt", values.time),
    )
)
SENT = Shape(
    (
        Field("parcelId", values.identifier, required=True),
        Field("carrier", values.OneOf(("a", "b")), required=True),
        Field("price", values.money, default=Decimal("1.5000")),
        Field("lines", Many(LINE, 1, 3)),
    )
)
LOST = Shape(
    (
        Field("parcelId", values.identifier, required=True),
        Field("carrier", values.OneOf(("a", "b"))),
        Field("price", values.money, default=Decimal("1.5000")),
        Field("at", values.time, default=AT),
        Field("claim", values.Whole(-5, 5), required=True),
    )
)


@pytest.fixture(autouse=True, scope="module")
def parcels():
    with pytest.MonkeyPatch.context() as patch:
        declare(patch, TOPIC, {"parcel:sent": SENT, "parcel:lost": LOST})
        yield


def declare(patch: pytest.MonkeyPatch, topic: str, shapes: dict[str, Shape]) -> None:
    patch.setitem(topics.BY_NAME, topic, Topic(topic, tuple(shapes)))
    envelope = events.ENVELOPES["order:created"].fields
    for kind, data in shapes.items():
        patch.setitem(topics.TOPIC_OF_TYPE, kind, topic)
        patch.setitem(DATA, kind, data)
        fields = (Field("data", data, required=True) if f.name == "data" else f for f in envelope)
        patch.setitem(events.ENVELOPES, kind, Shape(tuple(fields)))


def parcel(kind: str, **data) -> bytes:
    return bytes_of(event(type=f"parcel:{kind}", data={"parcelId": "p-1", **data}))


def test_what_is_left_out_has_its_default_also_in_the_types_that_do_not_know_it():
    values_ = [
        parcel("sent", carrier="a"),
        parcel("lost", claim=-5),
        parcel("sent", carrier="b", lines=[{}, {"note": "x", "weight": 0}]),
    ]
    assert sure(values_, TOPIC)
    found = decoded([*values_, b"{}"], TOPIC).rows.drop_columns(["shop_id", "event_id", "source"])
    assert found.to_pydict() == {
        "type": ["parcel:sent", "parcel:lost", "parcel:sent"],
        "backfill": [False] * 3,
        "parcel_id": ["p-1"] * 3,
        "carrier": ["a", None, "b"],
        "price": [Decimal("1.5000")] * 3,
        "line_note": [[], [], [None, "x"]],
        "line_weight": [[], [], [3, 0]],
        "line_packed_at": [[], [], [None, None]],
        "at": [AT] * 3,
        "claim": [None, -5, None],
    }


def test_a_field_that_one_type_needs_is_missed_in_that_one_only():
    values_ = [parcel("sent"), parcel("lost"), parcel("lost", claim=1), parcel("sent", carrier="a")]
    piece = decoded(values_, TOPIC)
    assert [refusal.field for _, refusal in piece.refused] == ["data.carrier", "data.claim"]
    assert not sure(values_[:1], TOPIC)
    assert not sure(values_[1:2], TOPIC)
    assert sure(values_[2:], TOPIC)


@pytest.mark.parametrize("lines", [[None], [{}, None], [], [{}] * 4, [[]], {}])
def test_a_list_may_be_absent_but_what_it_has_are_objects(lines):
    piece = decoded([parcel("sent", carrier="a", lines=lines)], TOPIC)
    assert [refusal.reason for _, refusal in piece.refused] == ["bad_value"]
    assert sure([parcel("sent", carrier="a", lines=None)], TOPIC)


def test_a_field_of_another_type_is_ignored():
    values_ = [parcel("sent", carrier="a", claim=9), parcel("lost", claim=1, lines=[{"note": "x"}])]
    found = decoded(values_, TOPIC).rows
    assert found["claim"].to_pylist() == [None, 1]
    assert found["line_note"].to_pylist() == [[], []]


def test_a_column_is_nullable_unless_every_type_needs_it_or_it_has_a_default():
    kinds = dict(part.split(" ", 1) for part in shape.structure(TOPIC).split(", ") if " " in part)
    assert kinds["parcel_id"] == "String"
    assert kinds["carrier"] == "Nullable(String)"
    assert kinds["claim"] == "Nullable(Int64)"
    assert kinds["line_weight"] == "Array(UInt32)"


@fuzz(4)
@given(st.integers(0, 2**64 - 1))
def test_records_of_a_new_topic_are_read_as_on_the_exact_path(seed):
    dice = random.Random(seed)
    make = dice.choice([record, record, mangled])
    decoded([make(dice, TOPIC) for _ in range(dice.choice([1, 1, 3]))], TOPIC)


@pytest.mark.parametrize(
    "field",
    [
        Field("x", lambda value: value),
        Field("x", Shape(())),
        Field("x", values.text, relation=lambda value, siblings: None),
        Field("x", Many(Shape((Field("y", lambda value: value),)), 1, 2)),
        Field("x", Many(LINE, 1, 2), relation=lambda value, siblings: None),
        Field("x", Many(Shape((Field("y", Many(LINE, 1, 2)),)), 1, 2)),
    ],
)
def test_a_rule_without_a_twin_is_told_before_anything_is_read(monkeypatch, field):
    topic = f"shop.{id(field)}"
    declare(monkeypatch, topic, {"odd:seen": Shape((field,))})
    with pytest.raises(NotImplementedError):
        columns.schema(topic)


@pytest.mark.parametrize("rule", [lambda value: value, Shape(()), Many(LINE, 1, 2)])
def test_a_rule_without_a_type_of_a_column_is_told_and_is_no_text(monkeypatch, rule):
    topic = f"shop.{id(rule)}"
    field = Field("x", Many(Shape((Field("y", rule),)), 1, 2))
    declare(monkeypatch, topic, {"odd:seen": Shape((field,))})
    for columns_of in (shape.staged, shape.structure):
        with pytest.raises(NotImplementedError, match="has no type of a column"):
            columns_of(topic)


def test_two_types_of_a_topic_give_a_name_one_rule(monkeypatch):
    shapes = {"a:a": Shape((Field("x", values.text),)), "a:b": Shape((Field("x", values.time),))}
    declare(monkeypatch, "shop.both", shapes)
    with pytest.raises(ValueError, match="x has different rules in a:a, a:b"):
        shape.members("shop.both")


@pytest.mark.parametrize("topic", INPUTS)
def test_every_topic_has_its_twins_and_one_envelope(topic):
    types = topics.BY_NAME[topic].types
    attributes = [
        [(f.name, f.rule, f.required) for f in events.ENVELOPES[kind].fields if f.name != "data"]
        for kind in types
    ]
    assert attributes == attributes[:1] * len(types)
    assert columns.schema(topic).names[-1] == "data"
