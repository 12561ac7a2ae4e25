"""The slot of a stream is freed, whatever becomes of the request for it."""

import asyncio
from typing import Any

import pytest

from api.access import Access
from api.identity import Identity
from api.push import ws_stream
from api.push.admission import Admission
from api.push.authorizer import StreamAuthorizer
from api.push.hub import Hub
from api.tickets import Tickets
from shopstream.settings import Settings

ANNA = Identity("anna", ("s1",), "staff", 2_000_000_000)


def authorizer(hub: Hub, admission: Admission) -> StreamAuthorizer:
    access = Access(Settings(jwt_secret="s" * 40))
    return StreamAuthorizer(access, Tickets(None), hub, admission, lambda: 1.8e9, frozenset(), 0)


async def test_of_a_request_that_is_cancelled_while_it_waits_for_kafka() -> None:
    admission = Admission(0, 0, 0)
    slot = admission.connection("here")
    wanted = authorizer(Hub(lambda: 0), admission).subscription(ANNA, "s1", None, None, slot)
    task = asyncio.create_task(wanted)
    await asyncio.sleep(0)
    assert len(admission) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(admission) == 0


async def test_of_a_websocket_whose_client_leaves_before_it_is_accepted() -> None:
    admission, hub = Admission(0, 0, 0), Hub(lambda: 0)
    hub.read.ready()
    slot = admission.connection("here")
    wanted = await authorizer(hub, admission).subscription(ANNA, "s1", None, None, slot)

    class Gone:
        async def accept(self) -> None:
            raise RuntimeError("gone")

    socket: Any = Gone()
    with pytest.raises(RuntimeError):
        await ws_stream.serve(socket, wanted)
    assert (len(admission), len(hub)) == (0, 0)
