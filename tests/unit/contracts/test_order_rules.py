"""Every field of the envelope and of the order, and which field is told."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from contract_samples import (
    GONE,
    bytes_of,
    event,
    item,
    number,
    order,
    read,
    read_order,
    refused,
    refused_item,
    refused_order,
)

from shopstream.contracts.events import Event
from shopstream.contracts.order import line_amount, line_refund

CONTROL = ["\0", "\n", "\x1f", "\x7f", "\x80", "\x9f"]


def test_an_event_is_read_into_its_attributes():
    found = read(event(userid="u-9", time="2026-11-22T11:15:30.123+01:00", type="order:updated"))
    assert (found.id, found.source, found.type) == ("e-1", "/checkout", "order:updated")
    assert (found.shop_id, found.user_id) == ("s-17", "u-9")
    assert found.time == datetime(2026, 11, 22, 10, 15, 30, 123_000, UTC)


def test_an_order_is_read_to_the_last_digit():
    data = order(
        revision=4294967295,
        customerId="c-1",
        total=number("0.30"),
        refundedTotal="0.1",
        items=[
            item(name="", refundedQuantity=2),
            item(productId="p-2", unitPrice=number("0"), quantity=2147483647),
        ],
    )
    found = read(event(data=data)).data
    assert (found["revision"], found["customerId"]) == (4294967295, "c-1")
    assert found["createdAt"] == datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
    assert (found["total"], found["refundedTotal"]) == (Decimal("0.3000"), Decimal("0.1000"))
    names = ("productId", "quantity", "unitPrice", "name", "refundedQuantity", "kind")
    assert [tuple(line[name] for name in names) for line in found["items"]] == [
        ("p-1", 2, Decimal("9.5000"), "", 2, "product"),
        ("p-2", 2147483647, Decimal("0.0000"), None, 0, "product"),
    ]


def test_a_null_optional_field_is_an_absent_one():
    nulls = order(
        revision=None,
        customerId=None,
        total=None,
        refundedTotal=None,
        items=[item(name=None, refundedQuantity=None)],
    )
    given = read(event(data=nulls, time=None, userid=None))
    assert given == read(event())
    assert isinstance(given, Event)
    assert given.data["revision"] == 0
    assert given.data["items"][0]["refundedQuantity"] == 0


def test_extra_attributes_and_fields_are_ignored():
    extra = event(
        dataschema="x", more={"id": 7}, data=order(gift=True, items=[item(colour=[1, None])])
    )
    assert read(extra) == read(event())


def test_names_of_fields_are_told_apart_by_their_case():
    assert refused(event(shopid=GONE, shopId="s-1")) == ("missing_field", "shopid")


def test_of_a_repeated_field_the_last_one_stands():
    twice = bytes_of(event(shopid="first")).replace(b'"data"', b'"shopid": "last", "data"')
    assert read(twice).shop_id == "last"
    again = bytes_of(event(shopid="first")).replace(b'"data"', b'"shop\\u0069d": null, "data"')
    assert refused(again) == ("missing_field", "shopid")


@pytest.mark.parametrize("name", ["id", "shopid", "userid"])
def test_an_identifier_of_the_envelope_keeps_its_limits(name):
    assert refused(event(**{name: "é" * 128})) is None
    assert refused(event(**{name: "é" * 129})) == ("bad_value", name)
    for sign in CONTROL:
        assert refused(event(**{name: f"a{sign}"})) == ("bad_value", name)


@pytest.mark.parametrize("name", ["shopid", "userid"])
@pytest.mark.parametrize("value", ["", number("1"), True, [], {}])
def test_an_identifier_of_the_envelope_is_text(name, value):
    assert refused(event(**{name: value})) == ("bad_value", name)


def test_a_source_has_no_control_characters():
    assert refused(event(source="a" * 500)) is None
    for sign in CONTROL:
        assert refused(event(source=f"a{sign}")) == ("bad_value", "source")


@pytest.mark.parametrize(
    "value", ["", "yesterday", number("1764000000"), True, "1999-12-31T00:00:00Z"]
)
def test_a_malformed_time_is_a_bad_value(value):
    assert refused(event(time=value)) == ("bad_value", "time")


@pytest.mark.parametrize(
    "name", ["orderId", "status", "currency", "createdAt", "updatedAt", "items"]
)
def test_a_required_field_that_is_absent_or_null_is_missing(name):
    assert refused_order(**{name: GONE}) == ("missing_field", f"data.{name}")
    assert refused_order(**{name: None}) == ("missing_field", f"data.{name}")


@pytest.mark.parametrize("name", ["productId", "quantity", "unitPrice"])
def test_a_required_field_of_an_item_that_is_absent_or_null_is_missing(name):
    assert refused_item(**{name: GONE}) == ("missing_field", f"data.items[0].{name}")
    third = [item(), item(), item(**{name: None})]
    assert refused_order(items=third) == ("missing_field", f"data.items[2].{name}")


@pytest.mark.parametrize("name", ["orderId", "customerId"])
def test_an_identifier_of_the_order_keeps_its_limits(name):
    assert refused_order(**{name: "a"}) is None
    assert refused_order(**{name: "a" * 128}) is None
    for value in ("", "a" * 129, *CONTROL, number("1"), True, [], {}):
        assert refused_order(**{name: value}) == ("bad_value", f"data.{name}")


def test_a_product_id_keeps_the_limits_of_an_identifier():
    assert refused_item(productId="ü" * 128) is None
    for value in ("", "ü" * 129, *CONTROL, number("1")):
        assert refused_item(productId=value) == ("bad_value", "data.items[0].productId")


def test_a_name_may_be_any_text():
    name = "\0 a\nb \x85 😀" + "x" * 1000
    assert read_order(items=[item(name=name)])["items"][0]["name"] == name
    assert refused_item(name=number("1")) == ("bad_value", "data.items[0].name")


@pytest.mark.parametrize("value", ["PAID", "lost", "", number("1"), True, ["paid"]])
def test_another_status_is_a_bad_value(value):
    assert refused_order(status=value) == ("bad_value", "data.status")


@pytest.mark.parametrize("value", ["eur", "EU", "EURO", "", number("978")])
def test_another_currency_is_a_bad_value(value):
    assert refused_order(currency=value) == ("bad_value", "data.currency")


@pytest.mark.parametrize("name", ["createdAt", "updatedAt"])
def test_a_time_of_the_order_keeps_its_limits(name):
    assert refused_order(**{name: "2000-01-01T00:00:00Z"}) is None
    assert refused_order(**{name: "2100-12-31T23:59:59.9999999Z"}) is None
    for value in ("1999-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "2026-02-30T00:00:00Z", ""):
        assert refused_order(**{name: value}) == ("bad_value", f"data.{name}")


def test_an_order_may_be_updated_before_it_was_created():
    assert refused_order(updatedAt="2000-01-01T00:00:00Z") is None


@pytest.mark.parametrize("name", ["total", "refundedTotal"])
def test_money_of_the_order_keeps_its_limits(name):
    for value in (number("0"), number("1e2"), "12.3400", number("999999999999.9999")):
        assert refused_order(**{name: value}) is None
    for value in ("1e2", "", "-1", number("-0.0001"), number("1e12"), number("0.00001"), True, []):
        assert refused_order(**{name: value}) == ("bad_value", f"data.{name}")


def test_a_refund_may_exceed_the_total():
    assert refused_order(total="1", refundedTotal="2") is None


def test_a_price_keeps_the_limits_of_money():
    for value in (number("0"), number("0.0001"), "999999999999.9999"):
        assert refused_item(unitPrice=value, quantity=1) is None
    for value in (number("-1"), "1000000000000", "1.00001", "1.", False):
        assert refused_item(unitPrice=value) == ("bad_value", "data.items[0].unitPrice")


@pytest.mark.parametrize(
    "value", [number("0"), number("-0"), number("-1"), number("0.00001"), "-1", "0", "1.23456"]
)
def test_the_quantity_of_a_product_is_above_0_with_at_most_4_decimals(value):
    assert refused_item(quantity=value) == ("bad_value", "data.items[0].quantity")


@pytest.mark.parametrize(
    "value", [number("2147483648"), number("-2147483648"), number("9" * 40), "2147483648"]
)
def test_a_quantity_is_below_2_to_the_31_in_size(value):
    told = ("bad_value", "data.items[0].quantity")
    assert refused_item(quantity=value, kind="return", total="0") == told


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        (number("2"), "2"),
        (number("3.0"), "3"),
        (number("1e2"), "100"),
        (number("25E-1"), "2.5"),
        (number("0.5000000"), "0.5"),
        ("0.5", "0.5"),
        ("007.2500000", "7.25"),
        (number("2147483647.9999"), "2147483647.9999"),
    ],
)
def test_a_quantity_is_a_number_or_text_of_digits(value, read_as):
    (line,) = read_order(items=[item(quantity=value, unitPrice="1")])["items"]
    assert line["quantity"] == Decimal(read_as)


@pytest.mark.parametrize("value", [True, [], {}, "1e2", "+1", "1.", ".5", ""])
def test_another_quantity_is_a_bad_value(value):
    assert refused_item(quantity=value) == ("bad_value", "data.items[0].quantity")


def test_only_a_return_has_a_negative_quantity():
    told = ("bad_value", "data.items[1].quantity")
    for kind in ("product", "shipping", "gift_card", "fee", "tip", None):
        assert refused_order(items=[item(), item(quantity=number("-1"), kind=kind)]) == told
    for value in (number("-1.5"), "-1.5"):
        assert refused_order(items=[item(), item(quantity=value, kind="return")]) is None


def test_a_line_of_quantity_0_needs_a_total_of_its_own_or_of_the_order():
    line = item(quantity=0)
    assert refused_order(items=[item(), line]) == ("bad_value", "data.items[1].quantity")
    assert refused_order(items=[item(), {**line, "total": "0"}]) is None
    assert refused_order(items=[item(), line], total="19") is None


def test_an_unknown_kind_is_a_bad_value():
    assert refused_item(kind="discount") == ("bad_value", "data.items[0].kind")


@pytest.mark.parametrize("name", ["total", "discount", "tax"])
def test_an_amount_of_a_line_may_be_negative(name):
    lines = [item(unitPrice="100"), item(unitPrice="100")]
    for value in ("-1.5", number("-0.0001"), "0", number("1e2")):
        assert refused_order(items=[lines[0], {**lines[1], name: value}]) is None
    for value in ("-1000000000000", "1000000000000", number("-1e12"), "0.00001", "--1", True):
        told = refused_order(items=[lines[0], {**lines[1], name: value}])
        assert told == ("bad_value", f"data.items[1].{name}")


@pytest.mark.parametrize("name", ["taxTotal", "shippingTotal", "discountTotal", "tipTotal"])
def test_parts_of_the_order_keep_the_limits_of_money(name):
    assert refused_order(**{name: "4.90"}) is None
    assert refused_order(**{name: "-1"}) == ("bad_value", f"data.{name}")


def test_the_amounts_of_the_lines_are_together_not_negative():
    lines = [item(unitPrice="10", quantity=1), item(kind="return", total="-10.01")]
    assert refused_order(items=lines) == ("bad_value", "data.items")
    assert refused_order(items=lines, total="0") is None
    assert refused_order(items=[lines[0], item(kind="return", total="-10")]) is None


@pytest.mark.parametrize(
    ("line", "amount", "refund"),
    [
        ({"quantity": 7, "unitPrice": "14.29", "total": "100.00"}, "100", "0"),
        (
            {"quantity": 7, "unitPrice": "14.29", "total": "100", "refundedQuantity": 7},
            "100",
            "100",
        ),
        (
            {"quantity": 7, "unitPrice": "14.29", "total": "100", "refundedQuantity": 2},
            "100",
            "28.5714",
        ),
        (
            {"quantity": 8, "unitPrice": "1", "total": "0.0004", "refundedQuantity": 1},
            "0.0004",
            "0",
        ),
        (
            {"quantity": 8, "unitPrice": "1", "total": "0.0012", "refundedQuantity": 1},
            "0.0012",
            "0.0002",
        ),
        ({"quantity": "0.5", "unitPrice": "17.9"}, "8.95", "0"),
        (
            {"quantity": "0.3333", "unitPrice": "9.9999", "refundedQuantity": "0.3333"},
            "3.333",
            "3.333",
        ),
        ({"quantity": "0.5", "unitPrice": "0.0001"}, "0", "0"),
        ({"quantity": "1.5", "unitPrice": "0.0001"}, "0.0002", "0"),
        (
            {"quantity": "-1.5", "unitPrice": "0.0001", "kind": "return"},
            "-0.0002",
            "0",
        ),
        ({"refundedQuantity": 1, "refundedTotal": "5"}, "19", "5"),
        (
            {"quantity": "2147483647.9999", "unitPrice": "0.0009", "total": None},
            "1932735.2832",
            "0",
        ),
    ],
)
def test_the_amount_and_the_refund_of_a_line(line, amount, refund):
    (found,) = read_order(items=[item(**line)], total="0")["items"]
    assert (line_amount(found), line_refund(found)) == (Decimal(amount), Decimal(refund))


REFUND = {"id": "r-1", "amount": "5", "at": "2026-12-01T10:00:00Z"}


def test_refunds_have_different_ids_in_their_order():
    other = {**REFUND, "id": "r-2", "lines": [{"productId": "p-1", "quantity": 1}]}
    assert refused_order(refunds=[REFUND, other]) is None
    told = ("bad_value", "data.refunds[1].id")
    assert refused_order(refunds=[REFUND, {**other, "id": "r-1"}]) == told


def test_refunds_are_up_to_1000_and_stay_below_10_to_the_12_together():
    many = [{**REFUND, "id": f"r-{n}"} for n in range(1001)]
    assert refused_order(refunds=many[:1000]) is None
    assert refused_order(refunds=many) == ("bad_value", "data.refunds")
    big = [{**one, "amount": "500000000000"} for one in many[:2]]
    assert refused_order(refunds=big) == ("bad_value", "data.refunds")
    assert refused_order(refunds=[]) is None


@pytest.mark.parametrize("name", ["id", "amount", "at"])
def test_a_refund_has_every_field(name):
    broken = {key: value for key, value in REFUND.items() if key != name}
    assert refused_order(refunds=[broken]) == ("missing_field", f"data.refunds[0].{name}")


def test_a_revision_is_from_0_to_2_to_the_32_less_1():
    for written in ("0", "-0", "4294967295"):
        assert refused_order(revision=number(written)) is None
    for written in ("-1", "4294967296", "1.0", "1e0", "18446744073709551616"):
        assert refused_order(revision=number(written)) == ("bad_value", "data.revision")
    for value in ("1", True):
        assert refused_order(revision=value) == ("bad_value", "data.revision")


def test_a_refunded_quantity_is_from_0_to_the_quantity():
    for refunded in ("0", "-0", "1", "2"):
        assert refused_item(quantity=2, refundedQuantity=number(refunded)) is None
    assert refused_item(quantity=2, refundedQuantity="1.5") is None
    for refunded in ("3", "-1", "2.0001", "1.00001", "2147483648"):
        assert refused_item(quantity=2, refundedQuantity=number(refunded)) == (
            "bad_value",
            "data.items[0].refundedQuantity",
        )


def test_a_refunded_quantity_is_told_in_its_place_in_the_document():
    before = {"refundedQuantity": 9, "productId": "p", "unitPrice": "1", "quantity": 2}
    assert refused_order(items=[before]) == ("bad_value", "data.items[0].refundedQuantity")
    bad = {"refundedQuantity": 9, "productId": "p", "unitPrice": "1", "quantity": "x"}
    assert refused_order(items=[bad]) == ("bad_value", "data.items[0].quantity")


def test_an_order_has_up_to_1000_items_and_none_only_with_a_total():
    assert refused_order(items=[], total="0") is None
    assert refused_order(items=[item()] * 1000) is None
    assert refused_order(items=[item()] * 1001) == ("bad_value", "data.items")
    assert refused_order(items=[]) == ("bad_value", "data.items")


@pytest.mark.parametrize("value", [{}, "x", number("1"), True])
def test_items_are_a_list(value):
    assert refused_order(items=value) == ("bad_value", "data.items")


@pytest.mark.parametrize("value", [None, [], "x", number("1"), True])
def test_an_item_is_an_object(value):
    assert refused_order(items=[item(), value]) == ("bad_value", "data.items[1]")


def test_the_same_product_may_stand_on_two_lines():
    assert refused_order(items=[item(), item()]) is None


def lines(price, quantity, *, count=1, **more):
    return [item(unitPrice=price, quantity=quantity, **more)] * count


@pytest.mark.parametrize(
    ("items", "more", "told"),
    [
        (lines("999999999999.9999", 1), {}, None),
        (lines("500000000000", 2), {}, ("bad_value", "data.items")),
        (lines("499999999999.9999", 2), {}, None),
        (lines("0.0001", 2147483647, count=1000), {}, None),
        (lines("1000000000", 1, count=999), {}, None),
        (lines("1000000000", 1, count=1000), {}, ("bad_value", "data.items")),
        (lines("999999999999.9999", 2147483647, count=1000), {}, ("bad_value", "data.items")),
        (lines("500000000000", 2), {"total": "1"}, None),
        (lines("500000000000", 2), {"total": None}, ("bad_value", "data.items")),
        (lines("500000000000", 2, refundedQuantity=1), {"total": "1"}, None),
        (
            lines("500000000000", 2, refundedQuantity=2),
            {"total": "1"},
            ("bad_value", "data.items"),
        ),
        (
            lines("500000000000", 2, refundedQuantity=2),
            {"total": "1", "refundedTotal": "0"},
            None,
        ),
        (
            lines("500000000000", 2, refundedQuantity=2),
            {"refundedTotal": "0"},
            ("bad_value", "data.items"),
        ),
    ],
)
def test_computed_totals_stay_below_10_to_the_12(items, more, told):
    assert refused_order(items=items, **more) == told


def test_the_first_bad_value_in_the_document_is_told():
    good = order()
    data = {"currency": "eur", "status": "lost", **good, "orderId": ""}
    data["currency"], data["status"] = "eur", "lost"
    assert refused(event(data=data)) == ("bad_value", "data.currency")
    document = {"data": order(status="lost"), **event(shopid="", data=GONE)}
    assert refused(document) == ("bad_value", "data.status")
    assert refused(event(shopid="", data=order(status="lost"))) == ("bad_value", "shopid")


def test_a_bad_item_is_told_where_it_stands():
    items = [item(), item(), item(quantity=-1, unitPrice="x"), item(quantity=-1)]
    assert refused_order(items=items) == ("bad_value", "data.items[2].quantity")


def test_a_missing_field_is_told_before_a_bad_value():
    assert refused_order(orderId="", updatedAt=GONE) == ("missing_field", "data.updatedAt")
    deep = [item(quantity=-1), item(unitPrice=GONE)]
    assert refused(event(userid="", data=order(orderId="", items=deep))) == (
        "missing_field",
        "data.items[1].unitPrice",
    )


def test_of_missing_fields_that_of_the_outermost_object_is_told():
    assert refused(event(shopid=GONE, data=order(orderId=GONE))) == ("missing_field", "shopid")
    assert refused_order(status=GONE, items=[{}]) == ("missing_field", "data.status")


def test_a_missing_field_within_too_many_items_is_missing_first():
    items = [item()] * 1000 + [item(productId=GONE)]
    assert refused_order(items=items) == ("missing_field", "data.items[1000].productId")
