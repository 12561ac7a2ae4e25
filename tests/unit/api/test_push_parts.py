import json
import random
from typing import Any

import pytest

from shopstream.api.push import hub as rooms
from shopstream.api.push import subscriber as queue
from shopstream.api.push.hub import Hub
from shopstream.api.push.records import Pushed, read_record
from shopstream.api.push.subscriber import EndOfStream, Subscriber, Wish
from shopstream.api.push.types import DEFAULT, PUSHED, read_types
from shopstream.api.push.vector import Vector
from shopstream.contracts.cursor import Partition, Position, encode
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


def read(value: Any, topic: str = INVENTORY) -> Pushed | None:
    return read_record(value if isinstance(value, bytes) else json.dumps(value).encode(), topic)


def test_an_event_is_pushed_as_it_came() -> None:
    raw = json.dumps(event(userid="u7")).encode()
    assert read(raw) == Pushed("s1", "inventory:updated", "u7", raw)
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
    assert pushed.data == (
        b'{"specversion":"1.0","id":"e 1","source":"/s\\" \\\\",'
        b'"type":"inventory:updated","shopid":"s1","data":{"productId":"p","updatedAt":"2026-11-22T10:15:30Z",'
        b'"quantity":3,"x":1.50e2}}'
    )


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


def test_a_vector_has_the_text_of_the_cursor_whatever_moved() -> None:
    chance = random.Random(7)
    positions: dict[Partition, Position] = {}
    vector = Vector({})
    for _ in range(300):
        place = Partition(chance.choice(TOPICS).name, chance.choice((0, 1, 127, 128, 300)))
        positions[place] = Position(chance.randrange(2**32), chance.randrange(2**40))
        vector.move(place, positions[place])
        assert vector.text() == encode(positions)
    assert Vector(positions).text() == encode(positions)


def frames(subscriber: Subscriber) -> list[tuple[str, Any]]:
    """Event and data of what is queued."""
    found = []
    while subscriber._queue:
        lines = subscriber._pop().decode().split("\n\n")
        for text in filter(None, lines):
            fields = dict(line.split(": ", 1) for line in text.split("\n"))
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def listener(
    hub: Hub, user: str = "u1", types: Any = DEFAULT, since: str | None = None
) -> Subscriber:
    subscriber = Subscriber(Wish(user, types))
    hub.join("s1", subscriber, since)
    return subscriber


def push(hub: Hub, number: int, shop: str = "s1", kind: str = "order:created", **more: Any) -> None:
    data = json.dumps({"n": number}).encode()
    hub.publish(Pushed(shop, kind, more.get("user"), data), P0, Position(7, number + 1))


def hub() -> Hub:
    found = Hub()
    found.begin({P0: Position(7, 0), P1: Position(7, 10)})
    return found


async def test_events_reach_their_shop_their_user_and_those_who_want_the_type() -> None:
    there = hub()
    everything = DEFAULT | {"storefront:visited"}
    plain, other, all_of_it = (
        listener(there),
        listener(there, user="u2"),
        listener(there, types=everything),
    )
    payments = listener(there, types={"payment:failed"})
    push(there, 1)
    push(there, 2, user="u2")
    push(there, 3, shop="s2")
    push(there, 4, kind="storefront:visited")
    push(there, 5, kind="payment:failed")
    seen = {
        name: [data["n"] for kind, data in frames(one)[1:]]
        for name, one in {"plain": plain, "u2": other, "all": all_of_it, "pay": payments}.items()
    }
    assert seen == {"plain": [1, 5], "u2": [1, 2, 5], "all": [1, 4, 5], "pay": [5]}


async def test_a_first_frame_tells_where_the_stream_begins() -> None:
    there = hub()
    push(there, 4)
    cursor = encode({P0: Position(7, 5), P1: Position(7, 10)})
    assert frames(listener(there)) == [("stream:ready", {"complete": True, "cursor": cursor})]
    assert frames(listener(there, since=cursor))[0][1]["complete"] is True


async def test_events_of_other_shops_do_not_make_a_cursor_old() -> None:
    there = hub()
    push(there, 4)
    cursor = encode({P0: Position(7, 5), P1: Position(7, 10)})
    push(there, 5, shop="s2")
    assert len(frames(listener(there, since=cursor))) == 1


@pytest.mark.parametrize(
    "since",
    [
        encode({P0: Position(7, 4), P1: Position(7, 10)}),
        encode({P0: Position(7, 5), P1: Position(7, 9)}),
        encode({P0: Position(6, 5), P1: Position(7, 10)}),
        encode({P0: Position(7, 5)}),
        "nonsense",
    ],
)
async def test_a_gap_is_told_and_never_passed_over(since: str) -> None:
    there = hub()
    push(there, 4)
    (ready, reset) = frames(listener(there, since=since))
    assert ready[0] == "stream:ready"
    assert ready[1]["complete"] is False
    assert reset == (
        "stream:reset",
        {"reason": "the events since the cursor are not kept", "cursor": ready[1]["cursor"]},
    )


async def test_a_topic_that_was_made_again_begins_a_new_epoch() -> None:
    there = hub()
    push(there, 4)
    one = listener(there)
    there.begin({P0: Position(8, 0), P1: Position(7, 10)})
    there.publish(Pushed("s1", "order:created", None, b"{}"), P0, Position(8, 1))
    text = one._queue[-1].decode()
    assert text.startswith(f"id: {encode({P0: Position(8, 1), P1: Position(7, 10)})}\n")


async def test_a_full_queue_becomes_one_reset_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MAX_FRAMES", 5)
    there = hub()
    one = listener(there)
    for number in range(1, 7):
        push(there, number)
    kinds = [(kind, data.get("n"), data.get("reason")) for kind, data in frames(one)]
    assert kinds == [
        ("stream:reset", None, "too slow"),
        ("order:created", 6, None),
    ]
    assert there.resets == 1


async def test_shops_that_nobody_listens_to_are_forgotten_and_then_nothing_is_claimed_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms, "QUIET_ROOMS", 2)
    there = hub()
    push(there, 3)
    for number, shop in enumerate(("s2", "s3", "s4")):
        push(there, number + 4, shop)
    assert len(there._quiet) == 2
    before = encode({P0: Position(7, 3), P1: Position(7, 10)})
    after = encode({P0: Position(7, 5), P1: Position(7, 10)})
    assert [frames(listener(there, since=one))[0][1]["complete"] for one in (before, after)] == [
        False,
        True,
    ]


async def test_a_shop_that_is_left_keeps_its_place_whichever_others_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms, "QUIET_ROOMS", 2)
    there = hub()
    one = listener(there)
    cursor = frames(one)[0][1]["cursor"]
    for number in range(5):
        push(there, number, f"other-{number}")
    there.leave("s1", one)
    assert not there.listened("s1")
    assert frames(listener(there, since=cursor))[0][1]["complete"] is True


async def test_a_shop_that_somebody_listens_to_is_never_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms, "QUIET_ROOMS", 1)
    there = hub()
    one = listener(there)
    push(there, 2, "s2")
    push(there, 3, "s3")
    push(there, 4)
    assert [kind for kind, _ in frames(one)] == ["stream:ready", "order:created"]


async def test_at_the_end_what_is_queued_goes_out_before_the_goodbye() -> None:
    there = hub()
    one = listener(there)
    push(there, 1)
    there.close()
    push(there, 2)
    assert b'{"n": 1}' in (await one.take(1) or b"")
    with pytest.raises(EndOfStream) as end:
        await one.take(1)
    assert end.value.last == b'event: stream:bye\ndata: {"reason":"shutdown"}\n\n'
    late = Subscriber(Wish("u1", DEFAULT))
    there.join("s1", late, None)
    await late.take(1)
    with pytest.raises(EndOfStream):
        await late.take(1)


async def test_one_write_is_bounded() -> None:
    one = Subscriber(Wish("u1", DEFAULT))
    for _ in range(10):
        one.offer(b"x" * 30_000, b"")
    sizes = [len(await one.take(1) or b"") for _ in range(5)]
    assert sizes == [60_000] * 5
    assert await one.take(0) is None
