"""The book of who is connected, without Kafka."""

from typing import Any

from api.push import presence as module
from api.push.buffer import Buffer
from api.push.channel import Channel
from api.push.encoding import SSE
from api.push.event_types import DEFAULT
from api.push.presence import Presence
from api.push.status_words import StatusWords
from api.push.subscriber import Subscriber, SubscriptionFilter


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def subscriber(shop: str, user: str) -> Subscriber:
    found = Subscriber(SubscriptionFilter(user, DEFAULT), SSE, Buffer(), float("inf"))
    found.channel = Channel(shop, {}, 0, StatusWords())
    return found


def tell(sender: Presence, *hearers: Presence, name: str = "one") -> None:
    """What changed reaches the others."""
    for record in sender.pending_changes():
        for receiver in hearers:
            receiver.apply_message(name, record)


def users(presence: Presence, shop: str = "s1") -> dict[str, int]:
    return {each["userId"]: each["connections"] for each in presence.of(shop)["users"]}


async def test_devices_of_a_user_are_counted_over_all_processes() -> None:
    one, two = Presence("one", Clock()), Presence("two", Clock())
    phone, desk = subscriber("s1", "ann"), subscriber("s1", "ann")
    one.joined(phone), one.joined(desk), two.joined(subscriber("s1", "ann"))
    two.joined(subscriber("s1", "bob")), two.joined(subscriber("s2", "cy"))
    tell(one, one, two, name="one")
    tell(two, one, two, name="two")
    for presence in (one, two):
        assert presence.of("s1") == {
            "connections": 4,
            "users": [
                {"userId": "ann", "connections": 3},
                {"userId": "bob", "connections": 1},
            ],
        }
        assert users(presence, "s2") == {"cy": 1}
    one.left(phone), one.left(desk)
    tell(one, two, name="one")
    assert users(two) == users(one) == {"ann": 1, "bob": 1}
    assert list(one.pending_changes()) == []


async def test_a_silent_process_is_dropped_with_those_it_counted() -> None:
    clock = Clock()
    one, two = Presence("one"), Presence("two", clock)
    one.joined(subscriber("s1", "ann"))
    tell(one, two)
    clock.now += module.SILENT_SECONDS
    two.sweep()
    assert users(two) == {"ann": 1}
    two.take_changed()
    clock.now += 0.1
    two.sweep()
    assert (users(two), two.take_changed()) == ({}, {"s1"})


async def test_a_process_that_says_it_goes_is_dropped_at_once() -> None:
    one, two = Presence("one"), Presence("two")
    one.joined(subscriber("s1", "ann"))
    tell(one, two)
    two.apply_message("one", {"gone": True})
    assert users(two) == {}


async def test_a_snapshot_in_pieces_replaces_what_was_missed(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    one, two = Presence("one"), Presence("two")
    gone = subscriber("s9", "gone")
    one.joined(gone)
    tell(one, two)
    one.left(gone)
    for n in range(5):
        one.joined(subscriber("s1", f"u{n}"))
    pieces = list(one.snapshot())
    assert [(piece["first"], piece["last"]) for piece in pieces] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    for piece in pieces[:-1]:
        two.apply_message("one", piece)
        assert users(two) == {}
    two.take_changed()
    two.apply_message("one", pieces[-1])
    assert users(two) == {f"u{n}": 1 for n in range(5)}
    assert two.take_changed() == {"s1", "s9"}
    empty = list(Presence("three").snapshot())
    assert empty == [{"counts": [], "first": True, "last": True}]


async def test_what_is_told_is_told_again_when_it_could_not_be_sent() -> None:
    one = Presence("one")
    one.joined(subscriber("s1", "ann"))
    first = next(one.pending_changes())
    assert next(one.pending_changes()) == first
    assert list(one.pending_changes()) == [first]
    assert list(one.pending_changes()) == []


async def test_many_users_are_counted_and_a_thousand_named() -> None:
    one = Presence("one")
    for n in range(1500):
        one.joined(subscriber("s1", f"u{n:04}"))
    found = one.of("s1")
    assert (found["connections"], len(found["users"])) == (1500, 1000)
    assert found["users"][-1]["userId"] == "u0999"
