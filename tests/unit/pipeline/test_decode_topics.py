"""What a row of each topic holds, and records that try to slip through the fast path of each."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from contract_samples import GONE, bytes_of, event, number
from decode_oracle import decoded, sure, told

from pipeline.decode import shape
from shopstream.contracts.topics import (
    INPUTS,
    INVENTORY,
    ORDERS,
    PAYMENTS,
    PURCHASES,
    SETTINGS,
    SUPPLIERS,
    TRAFFIC,
)

AT = "2026-11-22T10:15:30.5+01:00"
INSTANT = datetime(2026, 11, 22, 9, 15, 30, 500_000, UTC)
LINE = {"productId": "p-1", "quantity": 2, "unitCost": "9.50"}
LEVEL = {"productId": "p-1", "quantity": 3, "updatedAt": AT}
PAID = {"paymentId": "y-1", "amount": "1", "currency": "EUR", "at": AT}
SUPPLIER = {"supplierId": "u-1", "name": "Tea & Co", "updatedAt": AT}
PURCHASE = {"purchaseId": "b-1", "supplierId": "u-1", "items": [LINE], "at": AT}
VISIT = {"sessionId": "v-1", "at": AT}
SHOP = {"name": "Tea", "timezone": "Europe/Berlin", "currency": "EUR", "updatedAt": AT}
TYPES: dict[str, tuple[str, dict[str, Any]]] = {
    INVENTORY: ("inventory:updated", LEVEL),
    PAYMENTS: ("payment:received", PAID),
    SUPPLIERS: ("supplier:updated", SUPPLIER),
    PURCHASES: ("purchase:created", PURCHASE),
    TRAFFIC: ("storefront:visited", VISIT),
    SETTINGS: ("shop:updated", SHOP),
}


def record(topic: str, kind: str | None = None, **changes: Any) -> bytes:
    own, plain = TYPES[topic]
    data = {name: value for name, value in {**plain, **changes}.items() if value is not GONE}
    return bytes_of(event(type=kind or own, data=data))


def row(topic: str, value: bytes) -> dict[str, Any]:
    """Of a record that the fast path is sure of; without who says it."""
    assert sure([value], topic)
    (found,) = decoded([value], topic).rows.to_pylist()
    head = [found.pop(name) for name in ("shop_id", "event_id", "source")]
    assert head == ["s-17", "e-1", "/checkout"]
    assert found.pop("backfill") is False
    return found


def shifted(topic: str, value: bytes) -> str:
    """As `told`, the same among plain records."""
    before, alone, after = record(topic), told([value], topic), record(topic)
    plain = told([before], topic)
    assert told([before, value, after], topic) == [*plain, *alone, *plain]
    return alone[0]


def test_a_level_with_and_without_what_is_optional():
    full = {"name": "Tea", "sku": "", "locationId": "berlin", "lowStockThreshold": 0, "unit": "kg"}
    assert row(INVENTORY, record(INVENTORY, quantity=-3, **full)) == {
        "type": "inventory:updated",
        "product_id": "p-1",
        "quantity": -3,
        "updated_at": INSTANT,
        "name": "Tea",
        "sku": "",
        "location_id": "berlin",
        "low_stock_threshold": 0,
        "unit": "kg",
    }
    assert row(INVENTORY, record(INVENTORY)) == {
        "type": "inventory:updated",
        "product_id": "p-1",
        "quantity": 3,
        "updated_at": INSTANT,
        **dict.fromkeys(("name", "sku", "location_id", "low_stock_threshold", "unit")),
    }


def test_a_payment_that_failed_has_a_reason():
    value = record(
        PAYMENTS, "payment:failed", amount=number("1e2"), orderId="o-1", method="card", reason="no"
    )
    assert row(PAYMENTS, value) == {
        "type": "payment:failed",
        "payment_id": "y-1",
        "amount": Decimal("100.0000"),
        "currency": "EUR",
        "at": INSTANT,
        "order_id": "o-1",
        "method": "card",
        "reason": "no",
    }
    assert row(PAYMENTS, record(PAYMENTS, "payment:failed"))["reason"] is None


@pytest.mark.parametrize(
    "reason", ["card declined", "", None, number("1"), number("true"), [], {}, [{"a": 1}]]
)
def test_a_payment_that_was_received_may_say_anything_under_reason_and_it_is_not_kept(reason):
    value = record(PAYMENTS, reason=reason)
    assert sure([value], PAYMENTS) == (reason is None)
    failed = record(PAYMENTS, "payment:failed", paymentId="y-2", reason="no")
    piece = decoded([failed, value, failed], PAYMENTS)
    assert piece.rows["reason"].to_pylist() == ["no", None, "no"]
    assert piece.rows["type"].to_pylist() == [
        "payment:failed",
        "payment:received",
        "payment:failed",
    ]


@pytest.mark.parametrize("reason", [number("1"), number("true"), [], {}])
def test_a_payment_that_failed_gives_its_reason_as_text(reason):
    assert shifted(PAYMENTS, record(PAYMENTS, "payment:failed", reason=reason)) == "bad_value"


def test_a_supplier():
    assert row(SUPPLIERS, record(SUPPLIERS, leadTimeDays=7, email="a@b.example")) == {
        "type": "supplier:updated",
        "supplier_id": "u-1",
        "name": "Tea & Co",
        "updated_at": INSTANT,
        "lead_time_days": 7,
        "email": "a@b.example",
    }
    assert row(SUPPLIERS, record(SUPPLIERS))["lead_time_days"] is None


def test_a_purchase_has_its_lines():
    second = {"productId": "p-2", "quantity": 1, "unitCost": number("0")}
    value = record(PURCHASES, "purchase:received", items=[LINE, second], expectedAt=AT)
    assert row(PURCHASES, value) == {
        "type": "purchase:received",
        "purchase_id": "b-1",
        "supplier_id": "u-1",
        "item_product_id": ["p-1", "p-2"],
        "item_quantity": [2, 1],
        "item_unit_cost": [Decimal("9.5000"), Decimal("0.0000")],
        "at": INSTANT,
        "expected_at": INSTANT,
    }
    assert row(PURCHASES, record(PURCHASES))["expected_at"] is None


def test_a_visit():
    assert row(TRAFFIC, record(TRAFFIC, customerId="c-1")) == {
        "type": "storefront:visited",
        "session_id": "v-1",
        "at": INSTANT,
        "customer_id": "c-1",
    }


def test_a_shop():
    assert row(SETTINGS, record(SETTINGS, name="", lowStockThreshold=2**31 - 1)) == {
        "type": "shop:updated",
        "name": "",
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        "updated_at": INSTANT,
        "low_stock_threshold": 2**31 - 1,
        "status_map": None,
        "counted_statuses": None,
    }


@pytest.mark.parametrize("topic", TYPES)
def test_each_required_field_is_missed_when_it_is_absent_or_null(topic):
    for name in TYPES[topic][1]:
        assert shifted(topic, record(topic, **{name: GONE})) == "missing_field"
        assert shifted(topic, record(topic, **{name: None})) == "missing_field"


@pytest.mark.parametrize("topic", INPUTS)
def test_an_event_of_each_other_topic_is_on_the_wrong_one(topic):
    for other in TYPES:
        if other != topic:
            assert told([record(other)] * 2, topic) == ["wrong_topic"] * 2


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("-2147483647", "p-1"),
        ("-2147483648", "bad_value"),
        ("2147483647", "p-1"),
        ("2147483648", "bad_value"),
        ("-0", "p-1"),
        ("1.0", "p-1"),
        ('"1"', "p-1"),
        ('"-1.5"', "p-1"),
        ('"1e2"', "bad_value"),
        ("-9223372036854775809", "bad_value"),
    ],
)
def test_levels_at_their_limits(written, found):
    assert (
        shifted(INVENTORY, record(INVENTORY, quantity=number("Q")).replace(b"Q", written.encode()))
        == found
    )


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        (INVENTORY, "lowStockThreshold"),
        (SETTINGS, "lowStockThreshold"),
        (SUPPLIERS, "leadTimeDays"),
    ],
)
def test_counts_at_their_limits(topic, name):
    (plain,) = told([record(topic)], topic)
    for written in ("0", "-0", "2147483647", "null"):
        assert shifted(topic, record(topic, **{name: number(written)})) == plain
    for written in ("-1", "2147483648", "4294967296", "1e1", "0.5", "true", "{}"):
        assert shifted(topic, record(topic, **{name: number(written)})) == "bad_value"


@pytest.mark.parametrize("key", ["amount", "amo\\u0075nt"])
@pytest.mark.parametrize("text", ["1e2", "-1", "+1", "1.", ".5", "", " 1", "-0", "\\u0031e2"])
def test_an_amount_as_odd_text_is_a_bad_value_whatever_hides_its_key(key, text):
    value = record(PAYMENTS, amount=GONE).replace(b'"at"', f'"{key}" : "{text}", "at"'.encode(), 1)
    assert shifted(PAYMENTS, value) == "bad_value"


@pytest.mark.parametrize("text", ["1e2", "+1", "1.", "-0"])
def test_a_cost_as_odd_text_is_a_bad_value(text):
    assert shifted(PURCHASES, record(PURCHASES, items=[{**LINE, "unitCost": text}])) == "bad_value"


def test_what_looks_like_odd_money_elsewhere_is_only_read_again():
    assert shifted(PAYMENTS, record(PAYMENTS, method='"amount":"1e2"')) == "y-1"
    assert shifted(PAYMENTS, record(PAYMENTS, more={"amount": "1e2"})) == "y-1"


def test_purchases_may_cost_more_than_an_order():
    dear = {**LINE, "quantity": 2**31 - 1, "unitCost": "999999999999.9999"}
    assert shifted(PURCHASES, record(PURCHASES, items=[dear] * 1000)) == "b-1"
    assert shifted(PURCHASES, record(PURCHASES, items=[dear] * 1001)) == "bad_value"
    assert shifted(PURCHASES, record(PURCHASES, items=[])) == "bad_value"


@pytest.mark.parametrize("items", [[None], [LINE, None], [[]], ["x"], {}, [LINE, 1]])
def test_lines_of_a_purchase_that_are_no_objects_are_refused(items):
    assert shifted(PURCHASES, record(PURCHASES, items=items)) == "bad_value"


@pytest.mark.parametrize(
    "name",
    [
        "europe/berlin",
        "Europe/Berlin ",
        "Europe/Berlin\n",
        "",
        "CEST",
        "../UTC",
        "Europe",
        "+01:20",
        "+14:15",
    ],
)
def test_a_time_zone_that_is_none_is_a_bad_value(name):
    assert shifted(SETTINGS, record(SETTINGS, timezone=name)) == "bad_value"


@pytest.mark.parametrize(
    "name", ["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "+05:30", "-03:00"]
)
def test_every_time_zone_is_taken_on_the_fast_path(name):
    assert row(SETTINGS, record(SETTINGS, timezone=name))["timezone"] == name


@pytest.mark.parametrize(
    ("written", "name"), [("UTC+5:30", "+05:30"), ("GMT-3", "-03:00"), ("Z", "UTC")]
)
def test_an_offset_in_another_form_gets_its_name(written, name):
    (found,) = decoded([record(SETTINGS, timezone=written)], SETTINGS).rows.to_pylist()
    assert found["timezone"] == name


@pytest.mark.parametrize("topic", [PAYMENTS, SETTINGS])
def test_a_currency_is_one_of_iso_4217(topic):
    for code in ("EUX", "AAA", "CSK"):
        assert shifted(topic, record(topic, currency=code)) == "bad_value"
    for code in ("KWD", "HRK", "DEM"):
        assert row(topic, record(topic, currency=code))["currency"] == code


@pytest.mark.parametrize("currency", ["eur", "EU", "EURO", "EUR\n", "", "ÄUR", number("1")])
@pytest.mark.parametrize("topic", [PAYMENTS, SETTINGS])
def test_a_currency_is_three_capital_letters(topic, currency):
    assert shifted(topic, record(topic, currency=currency)) == "bad_value"


@pytest.mark.parametrize("topic", TYPES)
def test_what_arrow_takes_for_a_number_is_not_json(topic):
    for written in (b"NaN", b"-Infinity", b"[1, Inf]"):
        assert shifted(topic, record(topic)[:-1] + b', "extra": ' + written + b"}") == "not_json"


@pytest.mark.parametrize("topic", TYPES)
def test_a_chunk_of_refused_records_has_the_columns_of_its_topic(topic):
    piece = decoded([None, b"{}", record(topic, "order:gone")], topic)
    assert piece.rows.num_rows == 0
    assert piece.rows.schema == shape.staged(topic)


def test_orders_tell_their_type_and_the_rest_who_says_it():
    for topic in INPUTS:
        assert shape.staged(topic).names[:5] == [
            *("shop_id", "event_id", "source", "type", "backfill")
        ]
    assert shape.staged(ORDERS).names[5] == "order_id"
