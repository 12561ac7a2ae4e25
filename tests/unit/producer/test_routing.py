import json

import pytest

from shopstream.contracts import topics
from shopstream.contracts.routing import Record, as_it_is
from shopstream.producer import InvalidEvent
from shopstream.producer.routing import route


def line(kind: str, **data: object) -> bytes:
    event = {"specversion": "1.0", "id": "1", "source": "/t", "type": kind, "shopid": "s-1"}
    return json.dumps({**event, "data": data}).encode()


@pytest.mark.parametrize(
    ("kind", "data", "topic", "key"),
    [
        ("order:created", {"orderId": "o-1"}, "shop.orders", b"s-1/o-1"),
        ("inventory:updated", {"productId": "p-1"}, "shop.inventory", b"s-1/p-1"),
        ("payment:failed", {"paymentId": "é"}, "shop.payments", "s-1/é".encode()),
        ("supplier:updated", {"supplierId": "u-1"}, "shop.suppliers", b"s-1/u-1"),
        ("purchase:received", {"purchaseId": "b-1"}, "shop.purchases", b"s-1/b-1"),
        ("storefront:visited", {"sessionId": "v-1"}, "shop.traffic", b"s-1/v-1"),
        ("shop:updated", {}, "shop.settings", b"s-1"),
    ],
)
def test_an_event_goes_to_the_topic_of_its_type_under_the_key_of_its_thing(
    kind: str, data: dict[str, str], topic: str, key: bytes
) -> None:
    text = line(kind, **data)
    assert route(text) == Record(topic, key, text)


@pytest.mark.parametrize("number", ["9" * 400, "1e999", "-1e400"])
def test_a_number_that_no_float_holds_is_one_where_nobody_reads_it(number: str) -> None:
    text = line("order:created", orderId="o-1", ignored=7).replace(b"7", number.encode())
    assert route(text) == as_it_is(text, "shop.orders") == Record("shop.orders", b"s-1/o-1", text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"nope", "not JSON"),
        (b"[1]", "it has no type"),
        (b'{"type": 7}', "7 is not a type"),
        (line("order:eaten"), "'order:eaten' is not a type"),
        (line("stock:low"), "'stock:low' is not a type"),
    ],
)
def test_a_line_that_belongs_to_no_topic_says_why(text: bytes, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        route(text)


def test_an_event_that_does_not_name_its_thing_still_goes_but_without_a_key() -> None:
    assert route(line("order:created")).key is None
    assert route(line("order:created", orderId=7)).key is None


def test_with_a_topic_any_line_goes_as_it_is() -> None:
    assert as_it_is(b"nope", "shop.orders") == Record("shop.orders", None, b"nope")
    assert as_it_is(b"", "shop.orders") == Record("shop.orders", None, b"")
    text = line("order:created", orderId="o-1")
    assert as_it_is(text, "shop.orders") == Record("shop.orders", b"s-1/o-1", text)
    assert as_it_is(text, "elsewhere") == Record("elsewhere", None, text)


def test_a_topic_that_is_declared_is_all_that_an_event_of_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reviews = topics.Topic("shop.reviews", ("review:posted",), entity="reviewId")
    monkeypatch.setattr(topics, "INPUTS", (*topics.INPUTS, reviews.name))
    monkeypatch.setitem(topics.BY_NAME, reviews.name, reviews)
    monkeypatch.setitem(topics.TOPIC_OF_TYPE, "review:posted", reviews.name)
    text = line("review:posted", reviewId="r-1")
    assert route(text) == Record("shop.reviews", b"s-1/r-1", text)
