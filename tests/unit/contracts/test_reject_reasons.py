"""Every reason, its field, and which of two is told."""

import json

import pytest
from contract_samples import GONE, bytes_of, event, item, number, order, read, refused

from shopstream.contracts.json_text import MAX_BYTES
from shopstream.contracts.order import MAX_ITEMS
from shopstream.contracts.reject import Reason, Refused
from shopstream.contracts.topics import PAYMENTS


def padded(size):
    value = bytes_of(event(extra=""))
    return value.replace(b'"extra": ""', b'"extra": "%s"' % (b"x" * (size - len(value))))


def test_the_reasons_are_those_of_the_contract_in_its_order():
    assert [reason.value for reason in Reason] == [
        "too_large",
        "too_complex",
        "not_json",
        "not_cloudevent",
        "unknown_type",
        "wrong_topic",
        "missing_field",
        "bad_value",
        "in_the_future",
    ]


def test_a_plain_order_is_accepted():
    assert refused(event()) is None


def test_512_kib_are_accepted_and_one_byte_more_is_too_large():
    assert len(padded(512 * 1024)) == 524_288
    assert refused(padded(512 * 1024)) is None
    assert refused(padded(512 * 1024 + 1)) == ("too_large", None)


def test_a_large_record_is_too_large_whatever_it_holds():
    assert refused(b"\xff" * (MAX_BYTES + 1)) == ("too_large", None)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"  \n",
        b"\xef\xbb\xbf" + bytes_of(event()),
        bytes_of(event()).decode().encode("utf-16"),
        bytes_of(event()).decode().encode("utf-32"),
        bytes_of(event()).replace(b"e-1", b"\xff"),
        bytes_of(event()).replace(b"e-1", b"\xed\xa0\x80"),
        bytes_of(event()).replace(b"e-1", b"\\ud800"),
        bytes_of(event()).replace(b"e-1", b"\\udc00\\ud800"),
        bytes_of(event()).replace(b"e-1", b"tab\tin text"),
        bytes_of(event()).replace(b"e-1", b"\x00"),
        bytes_of(event(extra=number("NaN"))),
        bytes_of(event(extra=number("Infinity"))),
        bytes_of(event(extra=[number("-Infinity")])),
        bytes_of(event(extra=number("01"))),
        bytes_of(event(extra=number("1."))),
        bytes_of(event(extra=number(".5"))),
        bytes_of(event(extra=number("+1"))),
        bytes_of(event(extra=number("0x1"))),
        bytes_of(event(extra=number("{,}"))),
        bytes_of(event()) + b"\x00",
        bytes_of(event()) + b"}",
        bytes_of(event()) * 2,
        bytes_of(event()) + b"\n" + bytes_of(event()),
        bytes_of(event())[:-1],
        bytes_of(event()).replace(b'"', b"'"),
        b"\x0b" + bytes_of(event()),
        b"undefined",
    ],
)
def test_what_is_not_one_json_document_in_utf8_is_not_json(value):
    assert refused(value) == ("not_json", None)


@pytest.mark.parametrize("value", [b"null", b"true", b"0", b'"text"', b"[]", b"[{}]"])
def test_json_that_is_no_object_is_not_cloudevent(value):
    assert refused(value) == ("not_cloudevent", None)


def test_blanks_around_the_document_are_json():
    assert refused(b" \r\n\t" + bytes_of(event()) + b"\r\n ") is None


def test_a_pretty_document_is_json():
    assert refused(json.dumps(event(), indent=2).replace("\n", "\r\n").encode()) is None


@pytest.mark.parametrize("value", ["1.1", "1", "", "1.0 ", number("1.0"), None, GONE, ["1.0"]])
def test_another_specversion_is_not_cloudevent(value):
    assert refused(event(specversion=value)) == ("not_cloudevent", "specversion")


@pytest.mark.parametrize("name", ["id", "source", "type"])
@pytest.mark.parametrize("value", [GONE, None, "", number("1"), True, ["x"], {}])
def test_an_id_source_or_type_that_is_no_text_is_not_cloudevent(name, value):
    assert refused(event(**{name: value})) == ("not_cloudevent", name)


def test_of_two_bad_attributes_the_first_in_the_document_is_told():
    good = event()
    first = {"type": 5, "id": "", **{k: v for k, v in good.items() if k not in ("type", "id")}}
    assert refused(first) == ("not_cloudevent", "type")
    last = {k: v for k, v in good.items() if k not in ("type", "id")} | {"id": "", "type": 5}
    assert refused(last) == ("not_cloudevent", "id")


def test_a_missing_attribute_is_told_before_a_bad_one():
    assert refused(event(id="", type=GONE)) == ("not_cloudevent", "type")
    assert refused({}) == ("not_cloudevent", "specversion")


@pytest.mark.parametrize("kind", ["order:deleted", "Order:created", "order:created ", "x", "\0"])
def test_a_type_that_nobody_knows_is_unknown(kind):
    assert refused(event(type=kind)) == ("unknown_type", "type")


def test_a_type_of_another_topic_is_on_the_wrong_topic():
    assert refused(event(), PAYMENTS) == ("wrong_topic", "type")
    assert refused(event(type="payment:received")) == ("wrong_topic", "type")
    assert refused(event(type="stock:low")) == ("wrong_topic", "type")


@pytest.mark.parametrize("name", ["shopid", "data"])
@pytest.mark.parametrize("value", [GONE, None])
def test_a_required_attribute_that_is_absent_or_null_is_missing(name, value):
    assert refused(event(**{name: value})) == ("missing_field", name)


@pytest.mark.parametrize("value", [[], "x", number("1"), True, [order()]])
def test_data_that_is_no_object_is_a_bad_value(value):
    assert refused(event(data=value)) == ("bad_value", "data")


def test_the_first_reason_that_applies_is_told():
    faults = {
        "specversion": "2.0",
        "type": "no:type",
        "shopid": GONE,
        "data": order(status="lost"),
    }
    told = []
    for repaired in ("", "specversion", "type", "shopid", "data"):
        faults.pop(repaired, None)
        told.append(refused(event(**faults)))
    assert told == [
        ("not_cloudevent", "specversion"),
        ("unknown_type", "type"),
        ("missing_field", "shopid"),
        ("bad_value", "data.status"),
        None,
    ]


def test_an_unknown_type_on_any_topic_is_unknown_before_it_is_misplaced():
    assert refused(event(type="no:type", shopid=GONE), PAYMENTS) == ("unknown_type", "type")


def test_a_misplaced_event_is_told_before_its_missing_fields():
    assert refused(event(shopid=GONE), PAYMENTS) == ("wrong_topic", "type")


def test_broken_json_is_told_before_everything_but_its_size():
    assert refused(b'{"specversion": "2.0"', PAYMENTS) == ("not_json", None)


def test_a_message_names_the_field_and_the_rule():
    with pytest.raises(Refused) as caught:
        read(event(data=order(currency="eur")))
    assert str(caught.value) == "data.currency must be three capital letters (ISO 4217)"
    with pytest.raises(Refused) as caught:
        read(event(data=GONE))
    assert str(caught.value) == "data is required"


def test_no_message_quotes_what_a_producer_wrote():
    with pytest.raises(Refused) as caught:
        read(event(type="<script>"))
    assert str(caught.value) == "type is not one of the event types"


def test_too_many_empty_items_are_told_by_the_first_missing_field():
    assert refused(event(data=order(items=[{}] * 6_000))) == (
        "missing_field",
        "data.items[0].productId",
    )
    assert MAX_ITEMS == 1000


def numbered(signs):
    """An event of so many commas and brackets."""
    value = bytes_of(event(extra=[]))
    more = signs - sum(value.count(sign) for sign in (b",", b"[", b"]", b"{", b"}"))
    return value.replace(b'"extra": []', b'"extra": [%b0]' % (b"0," * more))


def test_20_000_commas_and_brackets_are_accepted_and_one_more_is_too_complex():
    assert refused(numbered(20_000)) is None
    assert refused(numbered(20_001)) == ("too_complex", None)


@pytest.mark.parametrize("sign", [b",", b"[", b"]", b"{", b"}"])
def test_each_sign_counts_in_texts_too_and_before_anything_else(sign):
    text = bytes_of(event(extra="")).replace(b'"extra": ""', b'"extra": "%b"' % (sign * 20_000))
    assert refused(text) == ("too_complex", None)
    assert refused(sign * 20_001) == ("too_complex", None)
    assert refused(sign * (MAX_BYTES + 1)) == ("too_large", None)


def test_the_largest_order_with_twelve_fields_of_its_own_in_each_line_is_accepted():
    line = {
        "productId": "p" * 128,
        "quantity": number("2147483647"),
        "unitPrice": "0.0001",
        "name": "n",
        "refundedQuantity": number("1"),
        **{f"own{n}": number("1") for n in range(12)},
    }
    value = bytes_of(event(data=order(items=[line] * MAX_ITEMS)))
    assert len(value) < MAX_BYTES
    assert refused(value) is None


def message(document):
    with pytest.raises(Refused) as caught:
        read(document)
    return caught.value.refusal


def test_the_message_lists_every_fault_and_the_reason_is_that_of_the_first():
    data = order(currency="eur", createdAt="yesterday", customerId="", orderId=GONE)
    data["items"] = [item(quantity="x", unitPrice=GONE), 7, item(quantity=1, refundedQuantity=2)]
    refusal = message(event(data=data))
    assert (refusal.reason, refusal.field) == ("missing_field", "data.orderId")
    assert refusal.message == "; ".join(
        [
            "data.orderId is required",
            "data.items[0].unitPrice is required",
            "data.currency must be three capital letters (ISO 4217)",
            "data.createdAt must be an RFC 3339 time with an offset, such as 2026-11-22T10:15:30.123Z",
            "data.items[0].quantity as text must be digits, at most with a point and a minus in front",
            "data.items[1] must be an object",
            "data.items[2].refundedQuantity must not be above quantity",
            "data.customerId must be text of 1 to 128 characters",
        ]
    )


def test_every_attribute_that_makes_no_cloudevent_is_listed():
    refusal = message(event(id="", source=GONE, specversion="0.3"))
    assert (refusal.reason, refusal.field) == ("not_cloudevent", "source")
    assert refusal.message == (
        'source must be text that is not empty; specversion must be "1.0"; id must be text that is not empty'
    )


def test_of_a_thousand_faults_twenty_are_listed_with_the_number_of_the_others():
    refusal = message(event(data=order(items=[item(quantity=-1)] * 1000)))
    assert refusal.field == "data.items[0].quantity"
    assert refusal.message.count("; ") == 20
    assert refusal.message.endswith("; and 980 more")
