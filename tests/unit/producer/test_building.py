"""The events as their bytes, one of each type, and what is refused before it leaves."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from shopstream.contracts.events import DATA
from shopstream.contracts.reject import Reason
from shopstream.contracts.routing import Record
from shopstream.producer import (
    InvalidEvent,
    Item,
    Order,
    Payment,
    Purchase,
    PurchaseItem,
    Shop,
    StockLevel,
    Supplier,
    Visit,
)
from shopstream.producer.building import cloudevent
from shopstream.producer.models import Model
from shopstream.producer.plain import encode, plain
from shopstream.producer.routing import check, route

AT = datetime(2026, 11, 22, 11, 15, 30, 123456, tzinfo=timezone(timedelta(hours=1)))
TOLD = "2026-11-22T10:15:30.123456Z"

ITEM = Item("p-1", 3, "12.50", name="Tea cup", refunded_quantity=1)
ORDER = Order("o-1", "paid", "EUR", AT, AT, [ITEM], 2, "c-1", Decimal("37.50"), 0)
PURCHASE = Purchase("b-1", "u-1", (PurchaseItem("p-1", 100, Decimal("4")),), AT, AT)
PAYMENT = Payment("y-1", Decimal("37.50"), "EUR", AT, "o-1", "card")

TOLD_ORDER = (
    '"orderId":"o-1","status":"paid","currency":"EUR","createdAt":"' + TOLD + '","updatedAt":"'
    '2026-11-22T10:15:30.123456Z","items":[{"productId":"p-1","quantity":3,"unitPrice":"12.50",'
    '"name":"Tea cup","refundedQuantity":1}],"revision":2,"customerId":"c-1","total":"37.50",'
    '"refundedTotal":0'
)
TOLD_PURCHASE = (
    '"purchaseId":"b-1","supplierId":"u-1","items":[{"productId":"p-1","quantity":100,'
    '"unitCost":"4"}],"at":"' + TOLD + '","expectedAt":"' + TOLD + '"'
)
TOLD_PAYMENT = (
    '"paymentId":"y-1","amount":"37.50","currency":"EUR","at":"'
    + TOLD
    + '","orderId":"o-1","method":"card"'
)

EVENTS: dict[str, tuple[Model, str, str, str]] = {
    "order:created": (ORDER, "shop.orders", "s/o-1", TOLD_ORDER),
    "order:updated": (ORDER, "shop.orders", "s/o-1", TOLD_ORDER),
    "inventory:updated": (
        StockLevel("p-1", -2, AT, "Tea cup", "TC-1", "l-1", 5),
        "shop.inventory",
        "s/p-1",
        f'"productId":"p-1","quantity":-2,"updatedAt":"{TOLD}","name":"Tea cup","sku":"TC-1",'
        '"locationId":"l-1","lowStockThreshold":5',
    ),
    "payment:received": (PAYMENT, "shop.payments", "s/y-1", TOLD_PAYMENT),
    "payment:failed": (
        Payment("y-1", Decimal("37.50"), "EUR", AT, "o-1", "card", "no funds"),
        "shop.payments",
        "s/y-1",
        TOLD_PAYMENT + ',"reason":"no funds"',
    ),
    "supplier:updated": (
        Supplier("u-1", "Münz & Söhne", AT, 14, "tea@example.com"),
        "shop.suppliers",
        "s/u-1",
        f'"supplierId":"u-1","name":"Münz & Söhne","updatedAt":"{TOLD}","leadTimeDays":14,'
        '"email":"tea@example.com"',
    ),
    "purchase:created": (PURCHASE, "shop.purchases", "s/b-1", TOLD_PURCHASE),
    "purchase:received": (PURCHASE, "shop.purchases", "s/b-1", TOLD_PURCHASE),
    "storefront:visited": (
        Visit("v-1", AT, "c-1"),
        "shop.traffic",
        "s/v-1",
        f'"sessionId":"v-1","at":"{TOLD}","customerId":"c-1"',
    ),
    "shop:updated": (
        Shop("Teas", "Europe/Berlin", "EUR", AT, 3),
        "shop.settings",
        "s",
        f'"name":"Teas","timezone":"Europe/Berlin","currency":"EUR","updatedAt":"{TOLD}",'
        '"lowStockThreshold":3',
    ),
}


def build(kind: str, model: Model, shop: str = "s", **about: Any) -> Record:
    record = route(encode(cloudevent(kind, "/checkout", shop, model, about)))  # type: ignore[arg-type]
    check(record)
    return record


def test_there_is_one_of_each_type() -> None:
    assert EVENTS.keys() == DATA.keys()


@pytest.mark.parametrize("kind", list(EVENTS))
def test_an_event_is_these_bytes_to_this_topic_under_this_key(kind: str) -> None:
    model, topic, key, data = EVENTS[kind]
    told = (
        f'{{"specversion":"1.0","id":"e-1","source":"/checkout","type":"{kind}",'
        f'"time":"{TOLD}","shopid":"s","data":{{{data}}}}}'
    )
    assert build(kind, model, event_id="e-1") == Record(topic, key.encode(), told.encode())


def test_what_is_absent_is_left_out() -> None:
    event = json.loads(build("storefront:visited", Visit("v-1", AT)).value)
    assert event["data"] == {"sessionId": "v-1", "at": TOLD}
    assert "userid" not in event


def test_time_and_user_may_be_given_and_ids_are_fresh() -> None:
    later = AT + timedelta(minutes=1)
    first, second = (
        json.loads(build("storefront:visited", Visit("v-1", AT), time=later, user_id="u-9").value)
        for _ in range(2)
    )
    assert (first["time"], first["userid"]) == ("2026-11-22T10:16:30.123456Z", "u-9")
    assert UUID(first["id"]).version == 4
    assert first["id"] != second["id"]


def test_a_misspelt_name_is_an_error_and_not_another_event() -> None:
    with pytest.raises(TypeError, match="eventid"):
        build("order:created", ORDER, eventid="e-1")


def an_order(**changes: Any) -> Order:
    usual: dict[str, Any] = {"created_at": AT, "updated_at": AT, "items": [ITEM]}
    return Order(**{"order_id": "o", "status": "paid", "currency": "EUR", **usual, **changes})


@pytest.mark.parametrize(
    ("model", "field", "rule"),
    [
        (
            an_order(items=[ITEM, Item("p", 1, 9.99)]),  # type: ignore[arg-type]
            "data.items[1].unitPrice",
            "must be Decimal, int or text, not the float 9.99",
        ),
        (an_order(total=1.0), "data.total", "must be Decimal, int or text, not the float 1.0"),
        (an_order(created_at=datetime(2026, 1, 1)), "data.createdAt", "must have a time zone"),
        (an_order(created_at=datetime.min.replace(tzinfo=UTC)), "data.createdAt", "2000 to 2100"),
        (an_order(customer_id=b"c"), "data.customerId", "must not be a bytes"),
        (an_order(status="eaten"), "data.status", "must be one of pending"),
        (an_order(total=Decimal("-1")), "data.total", "must be digits"),
        (an_order(total=Decimal("NaN")), "data.total", "must be digits"),
        (an_order(total=Decimal("1.00001")), "data.total", "must have at most 4 decimals"),
        (an_order(total=True), "data.total", "must be a number or text"),
        (an_order(items=[]), "data.items", "must have a line where the order has no total"),
        (an_order(items=[Item("p", 2.0, 1)]), "data.items[0].quantity", "not the float 2.0"),  # type: ignore[arg-type]
        (an_order(order_id=None), "data.orderId", "is required"),
        (an_order(revision=2**32), "data.revision", "must be from 0 to"),
        (an_order(customer_id="\ud800"), None, "not JSON"),
    ],
)
def test_a_broken_rule_is_told_with_its_field(model: Order, field: str | None, rule: str) -> None:
    with pytest.raises(InvalidEvent, match=rule) as caught:
        build("order:created", model)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("about", "field"),
    [
        ({"event_id": ""}, "id"),
        ({"user_id": ""}, "userid"),
        ({"time": datetime(2026, 1, 1)}, "time"),
        ({"time": datetime(1999, 1, 1, tzinfo=UTC)}, "time"),
        ({"shop": "a\nb"}, "shopid"),
    ],
)
def test_so_is_one_of_the_envelope(about: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        build("order:created", ORDER, **about)
    assert caught.value.field == field


def test_decimals_keep_their_digits() -> None:
    amounts = ["100", "0.1", "12.5000", "999999999999.9999"]
    assert [plain(Decimal(text)) for text in amounts] == amounts
    assert plain(Decimal("1E+2")) == "100"


def test_a_ready_event_may_have_floats_where_no_money_is() -> None:
    assert plain({"data": {"weight": 1.5, "total": Decimal("2.0")}}) == {
        "data": {"weight": 1.5, "total": "2.0"}
    }
    with pytest.raises(InvalidEvent, match=r"data\.items\[0\]\.unitCost must be Decimal"):
        plain({"data": {"items": [{"unitCost": 1.5}]}})


def test_what_is_too_large_is_not_sent() -> None:
    order = an_order(items=[Item("p", 1, 1, name="x" * 600_000)])
    with pytest.raises(InvalidEvent) as caught:
        build("order:created", order)
    assert caught.value.reason is Reason.TOO_LARGE
