import json
import random
from datetime import datetime
from typing import Any

import pytest

from api.push.cursor_encoder import CursorEncoder
from api.push.event_types import DEFAULT, PUSHED, read_types, types_of
from api.push.records import PushEvent, by_known_words, read_record
from shopstream.contracts.cursor import Partition, Position, encode
from shopstream.contracts.examples import example
from shopstream.contracts.topics import ALERTS, INVENTORY, NOTICES, ORDERS, TOPICS

P0, P1 = Partition(ORDERS, 0), Partition(ORDERS, 1)


LEVEL = {"productId": "p1", "quantity": 3, "updatedAt": "2026-11-22T10:15:30Z"}


def event(kind: str = "inventory:updated", **changes: Any) -> dict[str, Any]:
    base = {"specversion": "1.0", "id": "e1", "source": "/s", "type": kind, "shopid": "s1"}
    found = {**base, "data": LEVEL, **changes}
    return {name: value for name, value in found.items() if value is not ...}


def order(**changes: Any) -> dict[str, Any]:
    at = "2026-11-22T10:15:30Z"
    items = [{"productId": "p", "quantity": 1, "unitPrice": 1.5}]
    data = {"orderId": "o", "status": "paid", "currency": "EUR", "createdAt": at, "updatedAt": at}
    return event("order:created", data={**data, "items": items, **changes})


def read(value: Any, topic: str = INVENTORY) -> PushEvent | None:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return by_known_words(read_record(raw, topic))


def test_an_event_is_pushed_as_it_came() -> None:
    raw = json.dumps(event(userid="u7")).encode()
    assert read(raw) == PushEvent("s1", "inventory:updated", "u7", raw)
    assert read(event("stock:low"), ALERTS) is not None
    assert read(event("report:updated"), NOTICES) is not None
    assert read(order(), ORDERS) is not None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"type":NaN}',
        b"\xff",
        b" " * (512 * 1024) + b"{}",
        event(specversion="0.3"),
        event(specversion=...),
        event(id=""),
        event(id=7),
        event(source=...),
        event(type="no:such"),
        event(type=["inventory:updated"]),
        event("order:created"),
        event("pipeline:progress"),
        event(shopid=...),
        event(shopid=""),
        event(shopid="s" * 129),
        event(shopid="a\u0007"),
        event(userid=7),
        event(userid=""),
        event(time="yesterday"),
        event(data=...),
        event(data=[]),
    ],
)
def test_a_record_that_breaks_a_rule_is_never_pushed(value: Any) -> None:
    assert read(value) is None


@pytest.mark.parametrize(
    "change",
    [
        {"status": "lost"},
        {"items": []},
        {"currency": "eur"},
        {"total": "1.00001"},
        {"orderId": ...},
    ],
)
def test_where_the_contract_has_rules_for_the_data_they_hold(change: dict[str, Any]) -> None:
    broken = order()
    broken["data"].update(change)
    broken["data"] = {k: v for k, v in broken["data"].items() if v is not ...}
    assert read(broken, ORDERS) is None


def test_a_record_of_several_lines_is_made_one_and_keeps_its_digits_and_texts() -> None:
    raw = b'{\r\n "specversion": "1.0", "id": "e 1", "source": "/s\\" \\\\",\n'
    raw += (
        b' "type": "inventory:updated", "shopid": "s1",\n "data": {"productId": "p",\n'
        b'"updatedAt": "2026-11-22T10:15:30Z", "quantity": 3, "x": 1.50e2}\n}'
    )
    pushed = read(raw)
    assert pushed is not None
    assert pushed.value == raw.replace(b"\r", b"").replace(b"\n", b"")
    assert json.loads(pushed.value) == json.loads(raw)


def test_types_are_read_strictly_and_visits_are_only_on_request() -> None:
    assert read_types("order:created, storefront:visited") == {
        "order:created",
        "storefront:visited",
    }
    assert "storefront:visited" not in DEFAULT
    assert sorted(PUSHED - DEFAULT) == ["storefront:visited"]
    for text in ("", "order:*", "order:created,", "record:refused", "pipeline:progress"):
        with pytest.raises(ValueError, match=r"^must be event types with commas"):
            read_types(text)
    assert types_of(["stock:low", "order:created"]) == types_of("order:created,stock:low")
    for wrong in ([], [1], {}, 5, None, ["no:such"]):
        with pytest.raises(ValueError, match=r"^must be "):
            types_of(wrong)


def test_an_encoder_has_the_text_of_the_cursor_whatever_moved() -> None:
    chance = random.Random(7)
    positions: dict[Partition, Position] = {}
    encoder = CursorEncoder({}, 0)
    at = 0
    for step in range(600):
        if step < 300:
            place = Partition(chance.choice(TOPICS).name, chance.choice((0, 1, 127, 128, 300)))
            positions[place] = Position(chance.randrange(2**32), chance.randrange(2**40))
        elif step == 300:
            positions = {Partition(t.name, n): Position(5, 0) for t in TOPICS for n in range(3)}
            encoder = CursorEncoder(positions, at)
        else:
            place = chance.choice(list(positions))
            positions[place] = Position(5, chance.randrange(2**40))
        if step != 300:
            moved_at = chance.randrange(2**32)
            at = max(at, moved_at)
            encoder.advance(place, positions[place], moved_at)
        assert encoder.text() == encode(positions, at)


def test_an_encoder_takes_a_partition_that_is_new_and_a_topic_that_was_made_again() -> None:
    encoder = CursorEncoder({P0: Position(1, 4), P1: Position(1, 5)}, 9)
    third = Partition(ORDERS, 2)
    encoder.advance(third, Position(1, 6), 9)
    assert encoder.text() == encode(
        {P0: Position(1, 4), P1: Position(1, 5), third: Position(1, 6)}, 9
    )
    encoder.advance(P0, Position(2, 0), 8)
    assert encoder.text() == encode(
        {P0: Position(2, 0), P1: Position(1, 5), third: Position(1, 6)}, 9
    )


def test_a_version_that_is_more_than_24_hours_ahead_of_its_arrival_is_not_pushed() -> None:
    value = json.dumps(example("payment:failed")).encode()
    at = round(datetime.fromisoformat(example("payment:failed")["data"]["at"]).timestamp())
    assert read_record(value, "shop.payments", at - 86_400) is None  # 123 ms too much
    assert read_record(value, "shop.payments", at - 86_399) is not None
    assert read_record(value, "shop.payments") is not None
