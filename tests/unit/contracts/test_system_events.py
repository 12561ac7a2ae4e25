"""What the system writes keeps the schemas that consumers are given."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from contract_samples import changed
from schema_agreement import accepts

from shopstream.contracts.deadletter import Record, dead_letter
from shopstream.contracts.examples import example
from shopstream.contracts.json_schema import of_event
from shopstream.contracts.notices import Alert, Today, report_updated, stock_alert
from shopstream.contracts.reject import Reason, Refusal
from shopstream.contracts.system_events import SYSTEM

AT = datetime(2026, 11, 22, 10, 15, 30, 123_456, UTC)
ALERT = {
    "productId": "p-1",
    "locationId": "l-1",
    "name": "Cup",
    "sku": "C",
    "quantity": -3,
    "threshold": 0,
    "onOrder": 0,
    "dailySales": 0.07,
    "daysOfCover": 0,
}


def event(kind, data):
    return {**example(kind), "data": data}


@pytest.mark.parametrize("kind", ["stock:low", "stock:recovered"])
def test_an_alert_has_these_fields(kind):
    assert accepts(kind, event(kind, ALERT))
    assert list(of_event(kind)["properties"]["data"]["properties"]) == list(ALERT)


@pytest.mark.parametrize("kind", ["stock:low", "stock:recovered"])
def test_an_alert_may_lack_a_place_a_name_an_article_and_sales(kind):
    nullable = {"locationId", "name", "sku", "daysOfCover"}
    for name in ALERT:
        assert accepts(kind, event(kind, {**ALERT, name: None})) == (name in nullable)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("productId", 7),
        ("quantity", "7"),
        ("quantity", "7.5"),
        ("threshold", -1),
        ("onOrder", -1),
        ("onOrder", "1.5"),
        ("threshold", 1.5),
        ("dailySales", -0.01),
        ("dailySales", "1"),
        ("daysOfCover", -0.1),
        ("name", 7),
    ],
)
def test_an_alert_of_another_form_is_none(name, value):
    assert not accepts("stock:low", event("stock:low", {**ALERT, name: value}))


@pytest.mark.parametrize("low", [True, False])
@pytest.mark.parametrize("text", [None, "é"])
@pytest.mark.parametrize("cover", [None, Decimal("0"), Decimal("3.1")])
def test_an_alert_that_is_written_keeps_its_schema(low, text, cover):
    alert = Alert("a", low, "s", "p", text, text, text, -3, 0, 0, Decimal("0.07"), cover, AT)
    written = json.loads(stock_alert(alert))
    assert accepts("stock:low" if low else "stock:recovered", written)
    assert list(written["data"]) == list(ALERT)


@pytest.mark.parametrize("kind", SYSTEM)
def test_no_member_is_ever_left_out(kind):
    shown = example(kind)
    optional = {"time"} if kind == "record:refused" else set()
    for name in shown:
        rest = {key: value for key, value in shown.items() if key != name}
        assert accepts(kind, rest) == (name in optional)
    for name in shown["data"]:
        data = {key: value for key, value in shown["data"].items() if key != name}
        assert not accepts(kind, changed(shown, {"data": data}))


@pytest.mark.parametrize("revenue", ["0", "-12.3400", "1234567890123456.7890"])
@pytest.mark.parametrize("dates", [[date(2026, 11, 22)], [date(2000, 1, 1), date(2100, 12, 31)]])
def test_a_report_notice_keeps_its_schema(revenue, dates):
    today = Today(date(2026, 11, 22), Decimal(revenue), 3, 7)
    written = json.loads(report_updated("s-17", "n-1", AT, dates, today))
    assert accepts("report:updated", written)
    assert not accepts("report:updated", changed(written, {"data": {"dates": ["22.11.2026"]}}))


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("field", [None, "data.items[2].quantity"])
@pytest.mark.parametrize(
    ("timestamp", "key", "value"),
    [(1_795_342_530_123, b"s-17/o-1", b"{}"), (-1, None, None), (2**63 - 1, b"", b"")],
)
def test_a_dead_letter_keeps_its_schema(reason, field, timestamp, key, value):
    record = Record("shop.orders", 3, 41, timestamp, key, value)
    written = json.loads(dead_letter(record, Refusal(reason, field, "a sentence")))
    assert accepts("record:refused", written)
    other = {**written["data"], "reason": "no_reason"}
    assert not accepts("record:refused", changed(written, {"data": other}))
