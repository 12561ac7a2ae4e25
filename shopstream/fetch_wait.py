"""Lets Kafka hold the fetches of an aiokafka consumer for longer while nothing comes.

A fetch is answered as soon as there is a record, so a long wait delays nobody; but one that leaves out a partition,
whose last records have not been taken yet, also keeps that partition waiting. So only where nothing came and
everything was taken the next fetch may be held for half a second: at rest that is a tenth of the requests.

Under load it is the other way round: a fetch that is answered with the first record that comes makes hundreds of small
answers a second. A consumer may say how many bytes it would rather wait for, as long as it waits otherwise.
"""

from typing import Any

from aiokafka.protocol.fetch import FetchRequest

REST_MS = 500


class FetchWaitClient:
    """aiokafka's client as its `fetcher` sees it. `busy_ms`: how long a fetch is held otherwise, until there are
    `gather_bytes`."""

    def __init__(self, fetcher: Any, busy_ms: int, gather_bytes: int) -> None:
        self._client = fetcher._client
        self._fetcher = fetcher
        self._busy_ms = busy_ms
        self._gather_bytes = gather_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node_id: int, request: Any, **kwargs: Any) -> Any:
        """Sends a request; the answer to a fetch decides how long the next one waits."""
        response = await self._client.send(node_id, request, **kwargs)
        if isinstance(request, FetchRequest):
            busy = bool(self._fetcher._records) or _has_records(response)
            self._fetcher._fetch_max_wait_ms = self._busy_ms if busy else REST_MS
            self._fetcher._fetch_min_bytes = self._gather_bytes if busy else 1
        return response


def adapt_fetch_wait(consumer: Any, gather_bytes: int = 1) -> None:
    """For a consumer that was started, with its own wait as the short one."""
    fetcher = consumer._fetcher
    fetcher._client = FetchWaitClient(fetcher, fetcher._fetch_max_wait_ms, gather_bytes)


def _has_records(response: Any) -> bool:
    """The records of a partition stand last in its part of the answer."""
    return any(bool(part[-1]) for _, parts in response.topics for part in parts)
