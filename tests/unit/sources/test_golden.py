"""Each platform's payloads become literally these events."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from shopstream.contracts.events import read_event
from shopstream.contracts.topics import TOPIC_OF_TYPE
from shopstream.sources import PLATFORMS, Shop, Unmapped, map_json

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path for name in PLATFORMS for path in (GOLDEN / name).glob("*.json"))
FRACTIONS = {"order-on-hold-of-half-a-kilogram"}
"""With a quantity that is no whole number."""


def outcome(platform: str, topic: str | None, body: bytes, backfill: bool = False) -> Any:
    try:
        mapped = map_json(topic, body, Shop(platform, "my-shop", backfill))
    except Unmapped as error:
        return {"fault": {"field": error.field, "rule": error.rule}}
    if mapped.ignored is not None:
        return {"ignored": mapped.ignored}
    return {"events": list(mapped.events)}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_payload_becomes_literally_these_events(path: Path) -> None:
    case = json.loads(path.read_text())
    body = json.dumps(case.pop("payload")).encode()
    topic = case.pop("topic")
    assert outcome(path.parent.name, topic, body) == case
    assert outcome(path.parent.name, topic, body) == case, "the same payload is the same event"


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_event_keeps_the_contract(path: Path) -> None:
    for event in json.loads(path.read_text()).get("events", ()):
        if path.stem in FRACTIONS:
            for item in event["data"].get("items", ()):
                item["quantity"] = 1
        read = read_event(json.dumps(event).encode(), TOPIC_OF_TYPE[event["type"]])
        assert (read.source, read.shop_id) == (f"/{path.parent.name}/my-shop", "my-shop")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_history_is_told_by_the_payload_alone(platform: str) -> None:
    """An import has no topics: the members of a payload decide, and its events are marked."""
    seen = set()
    for path in CASES:
        case = json.loads(path.read_text())
        if path.parent.name != platform or "events" not in case:
            continue
        found = outcome(platform, None, json.dumps(case["payload"]).encode(), backfill=True)
        wanted = deepcopy(case["events"])
        assert [event["data"] for event in found["events"]] == [e["data"] for e in wanted]
        assert all(event["shopstreambackfill"] is True for event in found["events"])
        seen |= {event["type"] for event in found["events"]}
    assert {"order:updated", "payment:received"} <= seen


def test_two_versions_within_a_second_are_two_events() -> None:
    case = json.loads((GOLDEN / "woocommerce" / "stock.json").read_text())
    first = outcome("woocommerce", case["topic"], json.dumps(case["payload"]).encode())
    case["payload"]["stock_quantity"] = 37
    second = outcome("woocommerce", case["topic"], json.dumps(case["payload"]).encode())
    assert first["events"][0]["time"] == second["events"][0]["time"]
    assert first["events"][0]["id"] != second["events"][0]["id"]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("body", [b"[]", b"7", b'"x"', b"{}", b'{"object":7}', b'{"line_items":7}'])
def test_any_json_is_mapped_ignored_or_a_fault_by_name(platform: str, body: bytes) -> None:
    assert len(outcome(platform, None, body)) == 1


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_member_of_another_kind_never_leaves_the_mapping_as_another_error(path: Path) -> None:
    case = json.loads(path.read_text())
    for spoiled in spoil(case["payload"]):
        outcome(path.parent.name, case["topic"], json.dumps(spoiled).encode())


def spoil(payload: Any) -> Any:
    """The payload with each member in turn replaced by something that is not documented."""
    for place in places(payload):
        for strange in ("", "x", -1, 0, 1e300, [], [7], {}, True, None):
            copy = deepcopy(payload)
            inner = copy
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = strange
            yield copy


def places(node: Any, path: tuple[Any, ...] = ()) -> Any:
    steps = node.items() if isinstance(node, dict) else enumerate(node)
    for step, value in steps:
        yield (*path, step)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, step))


def test_of_one_second_the_later_status_of_an_invoice_stands_whichever_comes_first() -> None:
    case = json.loads((GOLDEN / "stripe" / "invoice-paid.json").read_text())
    invoice = case["payload"]["data"]["object"]
    versions = []
    for status in ("open", "uncollectible", "paid"):
        invoice["status"] = status
        (event,) = outcome("stripe", None, json.dumps(case["payload"]).encode())["events"]
        data = read_event(json.dumps(event).encode(), "shop.orders").data
        versions.append((data["updatedAt"], data["revision"]))
    assert versions == sorted(set(versions))


@pytest.mark.parametrize(
    ("platform", "name", "way", "member"),
    [
        ("shopify", "order-with-custom-line-and-gift-card", ("line_items", 0), "title"),
        ("shopify", "order-with-custom-line-and-gift-card", ("line_items", 0), "sku"),
        ("woocommerce", "order-with-refund-and-fees", ("fee_lines", 0), "name"),
        ("stripe", "invoice-with-proration-and-credit-note", ("lines", "data", 2), "description"),
    ],
)
def test_a_text_that_stands_for_a_product_is_an_identifier(
    platform: str, name: str, way: tuple[Any, ...], member: str
) -> None:
    """A payload that is refused comes again and again, until the platform gives the address up."""
    case = json.loads((GOLDEN / platform / f"{name}.json").read_text())
    line = case["payload"]
    for step in way:
        line = line[step]
    line |= {"product_id": None, member: "two\nlines\t" + "x" * 300}
    found = outcome(platform, case["topic"], json.dumps(case["payload"]).encode())
    event = found["events"][0]
    assert any("two lines xxx" in item["productId"] for item in event["data"]["items"])
    for item in event["data"]["items"]:
        item["quantity"] = 1
    read_event(json.dumps(event).encode(), "shop.orders")


def test_no_refund_is_below_0() -> None:
    case = json.loads((GOLDEN / "shopify" / "order-in-two-currencies.json").read_text())
    (refund,) = case["payload"]["refunds"]
    refund["order_adjustments"][0]["amount"] = "52.41"  # 22.50 + 25.00 + 4.90 were worth 52.40
    (event,) = outcome("shopify", case["topic"], json.dumps(case["payload"]).encode())["events"]
    order = read_event(json.dumps(event).encode(), "shop.orders").data
    assert [refund["amount"] for refund in order["refunds"]] == [0]
