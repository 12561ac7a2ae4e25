import asyncio

import pytest

from api.faults import Busy, TooManyStreams
from api.push.admission import Admission
from api.push.buffer import HIGH_WATER, Buffer
from api.push.encoding import SSE
from api.push.event_types import DEFAULT
from api.push.hub import Hub
from api.push.subscriber import Subscriber, SubscriptionFilter
from api.push.timekeeper import PING_SECONDS, Timekeeper, rotation


def test_slots_are_freed_once() -> None:
    admission = Admission(total=3, per_address=2, per_user=1)
    first, second = admission.connection("a"), admission.connection("a")
    with pytest.raises(TooManyStreams, match="address"):
        admission.connection("a")
    admission.connection("b")
    with pytest.raises(Busy, match="process"):
        admission.connection("c")
    for _ in range(2):
        first()
    assert len(admission) == 2
    third = admission.connection("a")
    second(), third()
    assert len(admission) == 1
    leave = admission.user("s1", "u1")
    admission.user("s2", "u1")
    with pytest.raises(TooManyStreams, match="user"):
        admission.user("s1", "u1")
    leave()
    admission.user("s1", "u1")


def test_nothing_is_remembered_of_those_who_left() -> None:
    admission = Admission(0, 0, 0)
    for number in range(100):
        admission.connection(str(number))()
        admission.user("s", str(number))()
    assert not admission._open


def test_streams_do_not_all_end_at_once() -> None:
    lives = {rotation(600) for _ in range(50)}
    assert len(lives) > 40
    assert all(480 <= life <= 720 for life in lives)
    assert rotation(0) == float("inf")


async def test_pings_expiry_and_rotation() -> None:
    hub = Hub(lambda: 0)
    hub.begin({})
    buffers = [Buffer() for _ in range(3)]
    inf = float("inf")
    for buffer, expires, rotates in zip(buffers, (inf, 50, inf), (inf, inf, 60), strict=True):
        wanted = SubscriptionFilter("u", DEFAULT)
        hub.join("s", Subscriber(wanted, SSE, buffer, expires, rotates), None)
        buffer.pop()
    keeper = Timekeeper(hub, lambda: None)
    pings = 0
    for second in range(1, 49):
        keeper.tick(second)
        pings += (buffers[0].pop() or b"").count(b": ping")
    assert pings in (48 // PING_SECONDS, 48 // PING_SECONDS + 1)
    for buffer in buffers[1:]:
        buffer.pop()
    keeper.tick(50)
    keeper.tick(60)
    said = [(buffer.pop() or b"").partition(b"data: ")[2] for buffer in buffers]
    assert said[1].startswith(b'{"reason":"expired","cursor":')
    assert said[2].startswith(b'{"reason":"rotate","cursor":')
    assert [buffer.closed for buffer in buffers] == [False, True, True]
    assert len(hub) == 1


async def test_a_buffer_tells_when_it_is_full_and_when_it_is_not() -> None:
    told: list[str] = []
    buffer = Buffer()
    buffer.pause, buffer.resume = lambda: told.append("full"), lambda: told.append("room")
    for _ in range(3):
        buffer.write(b"x" * (HIGH_WATER // 2))
    assert told == ["full"]
    taken = await buffer.take(1)
    assert taken is not None
    assert len(taken) == HIGH_WATER
    assert told == ["full"]
    await buffer.take(1)
    assert told == ["full", "room"]
    assert await buffer.take(0) == b""
    waiting = asyncio.create_task(buffer.take(5))
    await asyncio.sleep(0)
    buffer.write(b"y")
    assert await waiting == b"y"
    buffer.write(b"z")
    buffer.close()
    buffer.write(b"late")
    assert [await buffer.take(1), await buffer.take(1)] == [b"z", None]
