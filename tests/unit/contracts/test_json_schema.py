"""The JSON Schemas say what the reader says, but for what is listed.

Every sample of the other tests is compared too: `contract_samples.read` does it.
"""

import json
import re

import jsonschema
import pytest
from contract_samples import bytes_of, changed, event, item, number, order, read, refused
from event_samples import PLAIN, event_of, line
from schema_agreement import BEYOND, OUTSIDE, accepts, agree, is_beyond

from shopstream.contracts.currencies import CURRENCIES
from shopstream.contracts.events import DATA, read_event
from shopstream.contracts.examples import example
from shopstream.contracts.json_schema import CURRENCY, TIMEZONE, of_event
from shopstream.contracts.reject import Reason, Refused
from shopstream.contracts.schema import Many
from shopstream.contracts.topics import INPUTS, TOPIC_OF_TYPE
from shopstream.contracts.zones import timezones

ANY = [
    *(number(n) for n in ("0", "-0", "1", "-1", "7.0", "1e2", "0.5", "12.3456", "1e11")),
    *(number(n) for n in ("2147483647", "2147483648", "4294967296", "1e12", "999999999999.9999")),
    *("", "a", "0", "7", "1.5", "1.", "-1", "1e2", "EUR", "eur", "UTC", "Asia/Nowhere", "paid"),
    *("a" * 128, "a" * 129, "\n", "é", "a\n", "007", "1.00000", "1.00001", "1000000000000"),
    *("2026-11-22T10:15:30Z", "2026-11-22t10:15:30.5z", "2026-11-22T10:15:30+24:00"),
    *("2026-02-30T00:00:00Z", "1999-12-31T23:00:00-02:00", "2101-01-01T00:00:00Z"),
    *(None, True, False, [], [None], {}, {"data": 1}),
]


REFUND = {"id": "r-1", "amount": "500000000000", "at": "2026-12-01T10:00:00Z"}


@pytest.mark.parametrize("kind", DATA)
def test_every_value_in_every_field_is_judged_alike(kind):
    topic = TOPIC_OF_TYPE[kind]
    for value in ANY:
        for name in (
            "specversion",
            "type",
            "id",
            "source",
            "time",
            "shopid",
            "userid",
            "data",
            "x",
        ):
            refused(changed(event_of(kind), {name: value}), topic)
        for field in DATA[kind].fields:
            refused(event_of(kind, **{field.name: value}), topic)
            if isinstance(field.rule, Many):
                plain = PLAIN[kind].get(field.name, [REFUND])[0]
                for each in field.rule.shape.fields:
                    lines = [plain, {**plain, each.name: value}]
                    refused(event_of(kind, **{field.name: lines}), topic)


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (event(data=order(revision=number("1.0"))), "must be a whole number"),
        (
            event(data=order(items=[item(quantity=number("1e-" + "9" * 20))])),
            "must be below 2^31 with",
        ),
        (event_of("purchase:created", items=[line(quantity="0.0")]), "must be above 0"),
        (event_of("purchase:created", items=[line(quantity="9999999999")]), "must be below 2^31"),
        (event_of("inventory:updated", quantity="-9999999999"), "must be below 2^31 in size"),
        (
            event(data=order(items=[item(quantity=number("-1"))])),
            "must not be negative in a line whose kind is not return",
        ),
        (event(data=order(items=[item(quantity=0)])), "must not be 0 where neither"),
        (event(data=order(items=[])), "must have a line where the order has no total"),
        (event(data=order(refunds=[REFUND, REFUND])), "must not be the id of another refund"),
        (
            event(data=order(refunds=[{**REFUND, "id": f"r-{n}"} for n in range(2)])),
            "must have a sum of amounts below 10^12",
        ),
        (event(data=order(total=number("0.00001"))), "must have at most 4 decimals"),
        (event(data=order(total=number("1e-" + "9" * 20))), "must be below 10^12 with"),
        (event(data=order(total=number("-1e-400"))), "must not be negative"),
        (event(data=order(items=[item(refundedQuantity=3)])), "must not be above quantity"),
        (
            event(data=order(items=[item(unitPrice="500000000000")])),
            "must have a sum of the lines' amounts",
        ),
        (
            event(
                data=order(total="1", items=[item(unitPrice="500000000000", refundedQuantity=2)])
            ),
            "must have a sum of the lines' refunds",
        ),
        (event(time="2026-02-30T00:00:00Z"), "must be a time that exists"),
        (event(time="1999-12-31T23:00:00-00:59"), "must be in the years"),
        (event_of("shop:updated", timezone="Europe/Atlantis"), "must be an IANA time zone"),
    ],
)
def test_each_rule_that_no_schema_tells_has_a_record_that_shows_it(document, rule):
    kind = document["type"]
    value = bytes_of(document)
    with pytest.raises(Refused, match=re.escape(rule)) as caught:
        read_event(value, TOPIC_OF_TYPE[kind])
    assert accepts(kind, json.loads(value))
    assert is_beyond(json.loads(value), caught.value.refusal)


def test_those_rules_are_all_that_are_listed():
    assert len(BEYOND) == 19
    assert set(OUTSIDE) == {
        Reason.TOO_LARGE,
        Reason.TOO_COMPLEX,
        Reason.NOT_JSON,
        Reason.UNKNOWN_TYPE,
        Reason.WRONG_TOPIC,
    }


def test_the_comparison_fails_where_a_schema_is_laxer_or_stricter():
    with pytest.raises(AssertionError, match="refuses what is accepted"):
        agree(bytes_of(event(data=order(status="lost"))), None)
    with pytest.raises(Refused) as caught:
        read(event(data=order(status="lost")))
    with pytest.raises(AssertionError):
        agree(bytes_of(event()), caught.value.refusal)


def test_text_in_a_place_of_a_number_is_never_beyond_a_schema():
    with pytest.raises(Refused) as caught:
        read(event(data=order(revision="1")))
    assert not is_beyond({"data": {"revision": "1"}}, caught.value.refusal)


@pytest.mark.parametrize("kind", TOPIC_OF_TYPE)
def test_a_schema_is_one_of_draft_2020_12_and_of_draft_7(kind):
    schema = of_event(kind)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:shopstream:event:{kind.replace(':', '.')}"
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft7Validator.check_schema({**schema, "$schema": ""})


def test_the_schema_of_a_visit_is_this():
    name = {"type": "string", "minLength": 1, "maxLength": 128}
    plain = r"^[^\x00-\x1f\x7f-\x9f]*$"
    data = of_event("storefront:visited")["properties"]["data"]
    assert data["required"] == ["sessionId", "at"]
    assert data["properties"]["sessionId"] == {
        "description": "The visitor's session; it counts once a local day.",
        **name,
        "pattern": plain,
    }
    assert data["properties"]["customerId"] == {
        "description": "Who it was, where the shop knows.",
        **name,
        "type": ["string", "null"],
        "pattern": plain,
    }
    assert data["properties"]["at"]["format"] == "date-time"


def test_money_is_a_number_or_text_and_null_where_it_is_optional():
    properties = of_event("order:created")["properties"]["data"]["properties"]
    number_ = {"type": "number", "minimum": 0, "exclusiveMaximum": 1_000_000_000_000}
    text = {"type": "string", "pattern": r"^0*[0-9]{1,12}(\.[0-9]{1,4}0*)?$"}
    line_ = properties["items"]["items"]["properties"]
    assert line_["unitPrice"]["anyOf"] == [number_, text]
    assert properties["total"]["anyOf"] == [number_, text, {"type": "null"}]
    assert (properties["items"]["minItems"], properties["items"]["maxItems"]) == (0, 1000)
    assert properties["revision"]["default"] == line_["refundedQuantity"]["default"] == 0


def test_every_member_has_a_description():
    def check(schema):
        for name, member in schema.get("properties", {}).items():
            assert "const" in member or name == "data" or member["description"].endswith(".")
            check(member)
            check(member.get("items", {}))

    for kind in TOPIC_OF_TYPE:
        assert of_event(kind)["description"].endswith(".")
        check(of_event(kind))


def test_every_time_zone_keeps_the_pattern():
    assert all(re.fullmatch(TIMEZONE, name) for name in timezones())


def test_every_currency_is_in_the_schema_and_no_other_text():
    assert set(CURRENCY[2:-2].split("|")) == CURRENCIES


SOMETIMES = {"lastOffset", "count", "headers"}
"""Only in a dead letter about many records, or about one with headers; that of the example is neither."""


@pytest.mark.parametrize("kind", TOPIC_OF_TYPE)
def test_the_example_of_a_type_has_all_of_its_members_and_keeps_its_rules(kind):
    shown, schema = example(kind), of_event(kind)
    assert accepts(kind, shown)
    for found, wanted in (
        (shown, schema),
        (shown["data"], schema["properties"]["data"]),
    ):
        assert list(found) == [name for name in wanted["properties"] if name not in SOMETIMES]
    if TOPIC_OF_TYPE[kind] in INPUTS:
        assert read(shown, TOPIC_OF_TYPE[kind]).type == kind


def test_the_example_of_a_purchase_is_this():
    assert example("purchase:created")["data"] == {
        "purchaseId": "purchase-1",
        "supplierId": "supplier-1",
        "items": [line(productId="product-1", quantity=24, unitCost="19.90")],
        "at": "2026-11-22T10:15:30.123Z",
        "expectedAt": "2026-11-22T10:15:30.123Z",
    }
