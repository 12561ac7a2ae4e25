"""How long the next fetch is held, after each answer."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest

from shopstream.fetch_wait import REST_MS, adapt_fetch_wait

BUSY_MS = 50


class Client:
    """Answers every request with `response`."""

    cluster = "what the fetcher asks its client for"

    def __init__(self) -> None:
        self.response: Any = None
        self.sent: list[tuple[int, Any, dict[str, Any]]] = []

    async def send(self, node_id: int, request: Any, **kwargs: Any) -> Any:
        self.sent.append((node_id, request, kwargs))
        if isinstance(self.response, BaseException):
            raise self.response
        return self.response


def answer(*records: bytes | None) -> Any:
    """One partition each; the records stand last, as in every version of the protocol."""
    parts = [(number, 0, 100, None, each) for number, each in enumerate(records)]
    return SimpleNamespace(topics=[("t", parts)])


class Consumer:
    """A started one, without a network."""

    def __init__(self, gather_bytes: int = 1) -> None:
        self.client = Client()
        self._fetcher: Any = SimpleNamespace(
            _client=self.client, _fetch_max_wait_ms=BUSY_MS, _fetch_min_bytes=1, _records={}
        )
        adapt_fetch_wait(self, gather_bytes)

    def wait_after(self, response: Any, request: Any = None) -> int:
        self.client.response = response
        asyncio.run(self._fetcher._client.send(1, request or fetch()))
        return int(self._fetcher._fetch_max_wait_ms)


def fetch() -> Any:
    return FetchRequest(BUSY_MS, 1, 1024, 0, [])


def test_nothing_came_and_all_was_taken_so_the_next_may_be_held_for_longer() -> None:
    assert Consumer().wait_after(answer(b"", None)) == REST_MS
    assert Consumer().wait_after(answer()) == REST_MS


def test_after_records_the_next_is_short_again() -> None:
    consumer = Consumer()
    found = [consumer.wait_after(answer(*each)) for each in ((b"",), (b"", b"x"), (b"", b""))]
    assert found == [REST_MS, BUSY_MS, REST_MS]


def test_bytes_are_waited_for_only_while_records_come() -> None:
    consumer = Consumer(gather_bytes=1000)
    assert consumer._fetcher._fetch_min_bytes == 1
    found = []
    for records in (b"x", b"x", b"", b"x"):
        consumer.wait_after(answer(records))
        found.append(consumer._fetcher._fetch_min_bytes)
    assert found == [1000, 1000, 1, 1000]


def test_records_that_were_not_taken_yet_keep_it_short() -> None:
    consumer = Consumer()
    assert consumer.wait_after(answer(b"")) == REST_MS
    consumer._fetcher._records["t", 0] = ["record"]
    assert consumer.wait_after(answer(b"")) == BUSY_MS


def test_other_requests_change_nothing() -> None:
    consumer = Consumer()
    assert consumer.wait_after(answer(b"")) == REST_MS
    assert consumer.wait_after(object(), MetadataRequest([])) == REST_MS
    assert Consumer().wait_after(object(), MetadataRequest([])) == BUSY_MS


def test_a_fetch_that_fails_changes_nothing_and_fails() -> None:
    consumer = Consumer()
    with pytest.raises(ConnectionError):
        consumer.wait_after(ConnectionError())
    assert consumer._fetcher._fetch_max_wait_ms == BUSY_MS


def test_it_is_the_client_in_everything_else() -> None:
    consumer = Consumer()
    request = fetch()
    consumer.client.response = response = answer(b"")
    patient = consumer._fetcher._client
    assert asyncio.run(patient.send(7, request, group="g")) is response
    assert consumer.client.sent == [(7, request, {"group": "g"})]
    assert patient.cluster == Client.cluster
