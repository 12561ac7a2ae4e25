"""`shopstream.stream` where a connection ends in the middle of what the server has to say."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from shopstream import StreamReset, consumer, stream

READY = b'id: new\nevent: stream:ready\ndata: {"complete":false,"cursor":"new"}\n\n'
RESET = b'id: new\nevent: stream:reset\ndata: {"reason":"gone","cursor":"new"}\n\n'
BIG = (
    b'id: c\nevent: inventory:updated\ndata: {"specversion":"1.0","id":"a","source":"/s",'
    b'"type":"inventory:updated","data":{"x":1e999}}\n\n'
)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[bytes]], list[str | None]]:
    """Serves bodies one after the other, each of a connection that is cut off; the cursors that were asked for."""

    def serve(bodies: list[bytes]) -> list[str | None]:
        asked: list[str | None] = []

        async def body(data: bytes) -> AsyncIterator[bytes]:
            yield data
            raise httpx.ReadError("cut off")

        async def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request.headers.get("last-event-id"))
            headers = {"content-type": "text/event-stream"}
            return httpx.Response(200, headers=headers, content=body(bodies[len(asked) - 1]))

        class Client(httpx.AsyncClient):
            def __init__(self, **named: Any) -> None:
                super().__init__(**named, transport=httpx.MockTransport(answer))

        monkeypatch.setattr(httpx, "AsyncClient", Client)
        monkeypatch.setattr(consumer, "FIRST_WAIT", 0.0)
        return asked

    return serve


async def test_a_reset_that_was_cut_off_is_told_by_the_next_connection(
    served: Callable[[list[bytes]], list[str | None]],
) -> None:
    asked = served([READY, READY + RESET])
    async for item in stream("http://x", token="t", cursor="old"):
        assert item == StreamReset("gone", "new")
        break
    assert asked == ["old", "old"]


async def test_a_number_that_no_float_holds_is_read(
    served: Callable[[list[bytes]], list[str | None]],
) -> None:
    served([BIG])
    async for item in stream("http://x", token="t"):
        assert isinstance(item, consumer.StreamEvent)
        assert item.data == {"x": float("inf")}
        break
