"""What breaks a rule ends in the dead letters with its reason, and the stream goes on."""

from dataclasses import replace
from typing import Any

from support.events import Refusal, Sent, at, bare, binary, encode, item, order, record
from support.scene import Scene

OTHER_TOPICS = {"payment:received": "shop.payments", "inventory:updated": "shop.inventory"}


def changed(path: str, value: Any, **more: Any) -> dict[str, Any]:
    """An order event with one member replaced; `...` takes it away."""
    event = order("refused", "o-x", **more)
    node: Any = event
    *way, last = path.split(".")
    for step in way:
        node = node[int(step) if step.isdigit() else step]
    last = int(last) if last.isdigit() else last  # type: ignore[assignment]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return event


def bad(path: str, value: Any, field: str | None = None, **more: Any) -> Sent:
    return bare(encode(changed(path, value, **more)), "bad_value", field or path)


def missing(path: str, field: str | None = None) -> list[Sent]:
    """Absent and null are the same."""
    return [
        bare(encode(changed(path, value)), "missing_field", field or path) for value in (..., None)
    ]


LARGE = encode(order("refused", "large", note="x" * 520_000))
RAW = encode(order("refused", "raw"))
ODD = order("refused", "odd", status="odd")

REFUSED: list[Sent] = [
    bare(LARGE + b" " * (524_289 - len(LARGE)), "too_large"),
    bare(b"{" * 600_000, "too_large"),
    bare(encode(order("refused", "signs", note="," * 20_001)), "too_complex"),
    bare(RAW[:-1] + b',"note":[' + b"0," * 20_001 + b"0]}", "too_complex"),
    bare(b"[" * 20_001, "too_complex"),
    bare(b"x", "too_large", headers=(("h", b""),) * 95_000),
    bare(b"", "not_json"),
    bare(b"  ", "not_json"),
    bare(b"\x00\xff\xfe", "not_json"),
    bare(RAW[:-1], "not_json"),
    bare(RAW + b"{}", "not_json"),
    bare(RAW.replace(b'"9.99"', b"NaN"), "not_json"),
    bare(RAW.replace(b'"9.99"', b"Infinity"), "not_json"),
    bare(b"\xef\xbb\xbf" + RAW, "not_json"),
    bare(b"[]", "not_cloudevent"),
    bare(b"7", "not_cloudevent"),
    bare(encode(changed("specversion", "0.3")), "not_cloudevent", "specversion"),
    bare(encode(changed("specversion", ...)), "not_cloudevent", "specversion"),
    bare(encode(changed("id", "")), "not_cloudevent", "id"),
    bare(encode(changed("id", 7)), "not_cloudevent", "id"),
    bare(encode(changed("source", ...)), "not_cloudevent", "source"),
    bare(encode(changed("type", None)), "not_cloudevent", "type"),
    bare(encode(changed("type", "order:deleted")), "unknown_type", "type"),
    bare(encode(changed("type", "Order:Created")), "unknown_type", "type"),
    *missing("shopid"),
    *missing("data"),
    *missing("data.orderId"),
    *missing("data.status"),
    *missing("data.currency"),
    *missing("data.createdAt"),
    *missing("data.updatedAt"),
    *missing("data.items"),
    *missing("data.items.0.productId", "data.items[0].productId"),
    *missing("data.items.0.quantity", "data.items[0].quantity"),
    *missing("data.items.0.unitPrice", "data.items[0].unitPrice"),
    bad("shopid", ""),
    bad("shopid", "x" * 129),
    bad("shopid", "a\nb"),
    bad("shopid", 17),
    bad("time", "yesterday"),
    bad("userid", ""),
    bad("data", []),
    bad("data.orderId", 5),
    bad("data.status", "PAID"),
    # its words are asked for
    bare(encode({"data": ODD["data"], **ODD, "shopid": "é" * 200_000}), "bad_value", "data.status"),
    bad("data.currency", "eur"),
    bad("data.currency", "EURO"),
    bad("data.createdAt", "2026-11-22T10:15:30"),
    bad("data.createdAt", "1999-12-31T23:59:59Z"),
    bad("data.createdAt", "2026-02-30T00:00:00Z"),
    bad("data.updatedAt", "2101-01-01T00:00:00Z"),
    bad("data.updatedAt", 1700000000),
    bad("data.items", []),
    bad("data.items", [item("p", 1, 1)] * 1001),
    bad("data.items.0.quantity", 0, "data.items[0].quantity"),
    bad("data.items.0.quantity", -1, "data.items[0].quantity"),
    bad("data.items.0.quantity", 2**31, "data.items[0].quantity"),
    bad("data.items.0.quantity", 1.00001, "data.items[0].quantity"),
    bad("data.items.0.quantity", "1e2", "data.items[0].quantity"),
    bad("data.items.0.unitPrice", -1, "data.items[0].unitPrice"),
    bad("data.items.0.unitPrice", "0.00001", "data.items[0].unitPrice"),
    bad("data.items.0.unitPrice", "1e2", "data.items[0].unitPrice"),
    bad("data.items.0.unitPrice", 10**12, "data.items[0].unitPrice"),
    bad("data.items.0.name", 5, "data.items[0].name"),
    bad(
        "data.items",
        [item("p", 1, 1), item("q", 2, 1, refundedQuantity=3)],
        "data.items[1].refundedQuantity",
    ),
    bad("data.items", [item("p", 2**31 - 1, 999999)]),
    bare(encode(order("refused", "o", revision=2**32)), "bad_value", "data.revision"),
    bare(encode(order("refused", "o", revision=-1)), "bad_value", "data.revision"),
    bare(encode(order("refused", "o", total="-1")), "bad_value", "data.total"),
    bare(encode(order("refused", "o", refundedTotal=10**12)), "bad_value", "data.refundedTotal"),
    bare(encode(order("refused", "o", customerId="")), "bad_value", "data.customerId"),
]
"""Records of shop.orders that break a rule, each with the reason and the field that must be told."""

WRONG_TOPIC = [bare(encode(changed("type", kind)), "wrong_topic", "type") for kind in OTHER_TOPICS]


def test_every_reason_reaches_the_dead_letters_and_the_rest_goes_on(scene: Scene) -> None:
    good = [record(order("refused", f"good-{n}")) for n in range(len(REFUSED))]
    places = scene.send([sent for pair in zip(REFUSED, good, strict=True) for sent in pair])
    scene.check(["refused"])
    scene.check_letters(places)
    metrics = scene.system.metrics(scene.system.pipelines[0])
    assert 'shopstream_records_refused_total{reason="bad_value"}' in metrics


def test_an_event_of_another_topic_is_refused(scene: Scene) -> None:
    places = scene.send([*WRONG_TOPIC, record(order("refused", "after"))])
    scene.check(["refused"])
    scene.check_letters(places)


def test_what_is_just_within_the_rules_is_accepted(scene: Scene) -> None:
    full = encode(order("within", "full"))
    places = scene.send(
        [
            Sent(None, full + b" " * (524_288 - len(full))),
            record(order("within", "items", items=[item(f"p-{n}", 1, 1) for n in range(1000)])),
            record({**order("within", "more"), "extra": {"a": [1]}, "userid": None, "time": None}),
            record(order("within", "nulls", total=None, revision=None, customerId=None)),
            record(order("within", "zeros", total="1.50000000", revision=0)),
            record(order("within", "fine", created="2026-11-22T23:59:59.9999999+00:00")),
            record(order("within", "offset", created="2026-11-22T23:30:00-05:30")),
            record(order("within", "2000", created="2000-01-01T00:00:00Z")),
            record(order("within", "2100", created="2100-12-31T23:59:59.999999Z")),
            record(order("within", "late", created="2026-11-22t10:00:00z")),
        ]
    )
    scene.check(["within"])
    scene.check_letters(places)


def created(shop: str, second: float, version: float) -> Sent:
    return record(order(shop, "o", created=at(second), version=version))


def test_an_order_counts_under_the_first_created_at_whatever_later_versions_say(
    scene: Scene,
) -> None:
    """A service that cuts milliseconds, a draft that becomes an order."""
    for step in (
        [created("created", 100, 1)],
        [created("created", 2000, 2), created("created", 50, 3)],
        [created("created", 100, 4)],
        [created("created", 2000, 2), created("created", 3000, 9)],
    ):
        scene.send(step)
        scene.check(["created"])
    slots = """
        SELECT toString(start), sum(orders)
        FROM order_windows
        WHERE grain = 'sales_15m' AND shop_id = 'created'
        GROUP BY 1
    """
    assert scene.system.sql.rows(slots) == [["2026-11-22 00:00:00", "1"]]


def test_of_one_batch_the_first_created_at_counts(scene: Scene) -> None:
    places = scene.send(
        [
            sent
            for n in range(20)
            for sent in (
                created(f"batch-{n}", 100, 1),
                created(f"batch-{n}", 2000 - n * 100, 2),
                created(f"batch-{n}", 100, 3),
            )
        ]
    )
    scene.check([f"batch-{n}" for n in range(20)])
    scene.check_letters(places)
    assert "shopstream_created_at_differences_total" in scene.system.metrics(
        scene.system.pipelines[0]
    )


def test_a_refused_record_is_refused_again_when_it_comes_again(scene: Scene) -> None:
    places = scene.send(REFUSED[10:30] * 2)
    scene.check_letters(places)
    ids = {letter["id"] for letter in scene.system.dead_letters()}
    assert len(ids) >= len(places) == 40


BATCH = ("content-type", b"application/cloudevents-batch+json")


def test_binary_mode_beside_structured_mode_ends_in_the_same_tables(scene: Scene) -> None:
    """Also where the two modes send versions of one order, and where one has another createdAt."""
    sent = []
    for n in range(60):
        sent += [
            binary(order("binary", f"o-{n}"), ("content-type", b"application/json")),
            record(order("binary", f"o-{n}", version=2, total="1.10")),
            binary(
                order("binary", f"o-{n}", version=3, total=n), ("trace", b"\xff"), ("none", None)
            ),
        ]
    scene.send(sent)
    places = scene.send([binary(order("binary", "o-1", created=at(7), version=4), ("trace", b"t"))])
    scene.check(["binary"])
    assert scene.sent[places[0]][1] is None


def test_a_refused_record_keeps_its_headers_and_a_batch_is_refused(scene: Scene) -> None:
    good = binary(order("headers", "good"))
    places = scene.send(
        [
            good,
            replace(
                binary(changed("data.status", "lost")), refusal=Refusal("bad_value", "data.status")
            ),
            replace(binary(order("headers", "x"), BATCH), refusal=Refusal("not_cloudevent")),
            bare(b"[" + RAW + b"]", "not_cloudevent", headers=(BATCH,)),
            bare(b"\0\0\0\0\7" + RAW, "not_json", headers=(("x", None), ("x", b"\0\xff"))),
            replace(
                binary(order("headers", "x"), ("x", b"y" * 70_000)), refusal=Refusal("too_large")
            ),
        ]
    )
    scene.check(["headers"])
    scene.check_letters(places)


def test_a_record_without_a_value_is_counted_and_skipped(scene: Scene) -> None:
    def count() -> float:
        text = scene.system.metrics(scene.system.pipelines[0])
        line = 'shopstream_tombstones_total{topic="shop.orders"} '
        return sum(float(each[len(line) :]) for each in text.splitlines() if each.startswith(line))

    before = count()
    places = scene.send(
        [Sent(b"k", None), *[record(order("tombs", f"o-{n}")) for n in range(3)]] * 2
    )
    scene.check(["tombs"])
    scene.check_letters(places)
    assert count() == before + 2
