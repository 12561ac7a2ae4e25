"""Who is told that partitions came and went, and what waits for it."""

import asyncio

from pipeline.transport.membership import Membership


async def test_records_wait_until_the_callbacks_of_the_assignment_have_ended():
    go = asyncio.Event()
    calls = []

    async def recover(tps):
        calls.append(tps)
        await go.wait()

    member = Membership(asyncio.ensure_future)
    await member.arrived({1, 2}, [recover])
    assert not await member.ready(0.01)
    go.set()
    while not await member.ready(0.01):
        pass
    assert calls == [{1, 2}]


async def test_an_assignment_that_ends_cancels_its_callbacks_and_tells_once():
    ended, calls = [], []

    async def recover(tps):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(tps)

    async def give_up(tps):
        calls.append(tps)

    member = Membership(asyncio.ensure_future)
    await member.arrived({1}, [recover])
    await member.ready(0.01)
    await member.leaving([give_up])
    await member.leaving([give_up])
    assert ended == [{1}]
    assert calls == [{1}]


async def test_records_wait_also_between_two_assignments():
    go = asyncio.Event()

    async def recover(tps):
        await go.wait()

    async def nothing(tps):
        pass

    member = Membership(asyncio.ensure_future)
    assert not await member.ready(0.0)
    await member.arrived({1}, [nothing])
    while not await member.ready(0.01):
        pass
    await member.leaving([])
    assert not await member.ready(0.0)
    await member.arrived({1}, [recover])
    assert not await member.ready(0.01)
    go.set()
    while not await member.ready(0.01):
        pass


async def test_every_assignment_is_told_the_empty_one_too():
    calls = []

    async def recover(tps):
        calls.append(tps)

    member = Membership(asyncio.ensure_future)
    for tps in ({1}, set(), {1}):
        await member.arrived(tps, [recover])
        while not await member.ready(0.01):
            pass
    assert calls == [{1}, set(), {1}]
