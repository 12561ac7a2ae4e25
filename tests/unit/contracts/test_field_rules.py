"""Every field of every event: its rule, whether it is required, what stands for an absent one."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from contract_samples import changed, event, number, read, refused
from event_samples import PLAIN, event_of, read_data, refused_data
from rule_checks import check_optional, check_required, check_rule

from shopstream.contracts.events import DATA
from shopstream.contracts.topics import TOPIC_OF_TYPE

LEVEL = (
    ["productId identifier", "quantity level", "updatedAt time"],
    [
        "name text",
        "sku text",
        "locationId identifier",
        "lowStockThreshold count",
        "unit text",
    ],
)
PAYMENT = ["paymentId identifier", "amount money", "currency currency", "at time"]
SUPPLIER = (
    ["supplierId identifier", "name text", "updatedAt time"],
    [
        "leadTimeDays count",
        "email text",
    ],
)
PURCHASE = ["purchaseId identifier", "supplierId identifier", "at time"], ["expectedAt time"]
FIELDS: dict[str, tuple[list[str], list[str]]] = {
    "inventory:updated": LEVEL,
    "payment:received": (PAYMENT, ["orderId identifier", "method text"]),
    "payment:failed": (PAYMENT, ["orderId identifier", "method text", "reason text"]),
    "supplier:updated": SUPPLIER,
    "purchase:created": PURCHASE,
    "purchase:received": PURCHASE,
    "storefront:visited": (["sessionId identifier", "at time"], ["customerId identifier"]),
    "shop:updated": (
        ["name text", "timezone timezone", "currency currency", "updatedAt time"],
        ["lowStockThreshold count", "statusMap status_map", "countedStatuses counted_statuses"],
    ),
}
"""Required and optional fields with their rules; `items` and orders have tests of their own."""
INSTANT = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)


def test_these_are_all_fields_of_all_types():
    orders = {"order:created", "order:updated"}
    assert FIELDS.keys() | orders == DATA.keys() == PLAIN.keys()
    for kind, (required, optional) in FIELDS.items():
        fields = [field for field in DATA[kind].fields if field.name != "items"]
        assert [f.name for f in fields if f.required] == [text.split()[0] for text in required]
        assert [f.name for f in fields if not f.required] == [text.split()[0] for text in optional]


@pytest.mark.parametrize("kind", FIELDS)
def test_every_field_keeps_its_rule(kind):
    for part in FIELDS[kind]:
        for text in part:
            check_rule(kind, *text.split())


@pytest.mark.parametrize("kind", FIELDS)
def test_an_absent_or_null_field_is_missing_where_it_is_required(kind):
    required, optional = FIELDS[kind]
    check_required(kind, *(text.split()[0] for text in required))
    check_optional(kind, *(text.split()[0] for text in optional))


PAID = {
    "paymentId": "y-1",
    "amount": Decimal("19.9000"),
    "currency": "EUR",
    "at": INSTANT,
    "orderId": None,
    "method": None,
}
BOUGHT = {
    "purchaseId": "b-1",
    "supplierId": "u-1",
    "items": [{"productId": "p-1", "quantity": 2, "unitCost": Decimal("4.5000")}],
    "at": INSTANT,
    "expectedAt": None,
}
READ: dict[str, dict[str, Any]] = {
    "inventory:updated": {
        "productId": "p-1",
        "quantity": 7,
        "updatedAt": INSTANT,
        "name": None,
        "sku": None,
        "locationId": None,
        "lowStockThreshold": None,
        "unit": None,
    },
    "payment:received": PAID,
    "payment:failed": {**PAID, "reason": None},
    "supplier:updated": {
        "supplierId": "u-1",
        "name": "Potters",
        "updatedAt": INSTANT,
        "leadTimeDays": None,
        "email": None,
    },
    "purchase:created": BOUGHT,
    "purchase:received": BOUGHT,
    "storefront:visited": {"sessionId": "v-1", "at": INSTANT, "customerId": None},
    "shop:updated": {
        "name": "Cups",
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        "updatedAt": INSTANT,
        "lowStockThreshold": None,
        "statusMap": None,
        "countedStatuses": None,
    },
}


@pytest.mark.parametrize("kind", READ)
def test_an_event_with_what_is_required_is_read_like_this(kind):
    found = read(event_of(kind), TOPIC_OF_TYPE[kind])
    assert (found.id, found.source, found.type) == ("e-1", "/checkout", kind)
    assert (found.shop_id, found.user_id, found.time) == ("s-17", None, None)
    assert found.data == READ[kind]


@pytest.mark.parametrize("kind", READ)
def test_nulls_read_like_what_is_absent_and_extra_fields_like_nothing(kind):
    nulls = {name: None for name, value in READ[kind].items() if value is None}
    assert read_data(kind, **nulls, extra={"more": [1]}, Name="x") == READ[kind]


def test_optional_fields_are_read_to_the_last_digit():
    threshold = {"lowStockThreshold": number("0")}
    found = read_data("inventory:updated", locationId="l-1", name="", sku="\n", **threshold)
    assert (found["locationId"], found["name"], found["sku"]) == ("l-1", "", "\n")
    assert found["lowStockThreshold"] == 0
    failed = read_data("payment:failed", orderId="o-1", method="card", reason="declined")
    assert (failed["orderId"], failed["method"], failed["reason"]) == ("o-1", "card", "declined")
    supplier = read_data("supplier:updated", leadTimeDays=number("7"), email="no address")
    assert (supplier["leadTimeDays"], supplier["email"]) == (7, "no address")
    bought = read_data("purchase:created", expectedAt="2026-11-22T11:15:30.0000009+01:00")
    assert bought["expectedAt"] == INSTANT
    assert read_data("storefront:visited", customerId="c-1")["customerId"] == "c-1"
    assert read_data("shop:updated", lowStockThreshold=number("0"))["lowStockThreshold"] == 0


def test_a_reason_is_read_of_a_failed_payment_only():
    for value in ("declined", number("7"), {}):
        assert refused_data("payment:received", reason=value) is None
        assert "reason" not in read_data("payment:received", reason=value)
    assert refused_data("payment:failed", reason=number("7")) == ("bad_value", "data.reason")


def test_stock_may_be_negative_and_a_threshold_may_not():
    assert read_data("inventory:updated", quantity=number("-12"))["quantity"] == -12
    for kind in ("inventory:updated", "shop:updated"):
        told = refused_data(kind, lowStockThreshold=number("-1"))
        assert told == ("bad_value", "data.lowStockThreshold")


@pytest.mark.parametrize("kind", PLAIN)
def test_the_envelope_is_the_same_for_every_type(kind):
    topic = TOPIC_OF_TYPE[kind]
    for name in ("shopid", "data"):
        assert refused(changed(event_of(kind), {name: None}), topic) == ("missing_field", name)
    for name in ("shopid", "userid", "id", "source", "time"):
        assert refused(changed(event_of(kind), {name: "\n"}), topic) == ("bad_value", name)
    for value in ([], "x", number("1"), True):
        assert refused(changed(event_of(kind), {"data": value}), topic) == ("bad_value", "data")
    addressed = {"userid": "u-9", "time": "2026-11-22T10:15:30Z"}
    found = read(changed(event_of(kind), addressed), topic)
    assert (found.user_id, found.time) == ("u-9", INSTANT)


@pytest.mark.parametrize("kind", PLAIN)
def test_data_without_anything_lacks_the_first_required_field(kind):
    first = next(field.name for field in DATA[kind].fields if field.required)
    assert refused(event(type=kind, data={}), TOPIC_OF_TYPE[kind]) == (
        "missing_field",
        f"data.{first}",
    )


@pytest.mark.parametrize("kind", FIELDS)
def test_of_two_bad_values_the_first_in_the_document_is_told(kind):
    names = [text.split()[0] for text in FIELDS[kind][0]]
    for order in (names, names[::-1]):
        data = {name: [] if name in order[:2] else PLAIN[kind][name] for name in order}
        document = event(
            type=kind, data={**data, **{k: PLAIN[kind][k] for k in PLAIN[kind] if k not in data}}
        )
        assert refused(document, TOPIC_OF_TYPE[kind]) == ("bad_value", f"data.{order[0]}")
