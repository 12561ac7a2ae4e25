"""Events put into the tables by the pipeline's own steps, without Kafka, and the API in process: time is given."""

import json
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
from api_harness import SECRET, bearer, token, write

from api.access import Access
from api.app import Deps, create_app
from api.freshness.topology import Look
from api.freshness.tracker import FreshnessTracker
from api.push.hub import Hub
from api.tickets import Tickets
from clickhouse.client import ClickHouseClient
from oracle.book import Book
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import PipelineState, Progress
from shopstream.contracts.topics import INPUTS, TOPIC_OF_TYPE
from shopstream.settings import Settings
from support.events import Sent

Event = dict[str, Any]
REACHED = {
    Partition(topic, 0): Progress(1, 1, datetime(2026, 11, 22, tzinfo=UTC)) for topic in INPUTS
}


@dataclass
class World:
    """`now` is what the API takes for the present instant. `book` is an independent reckoning of the events.

    `told`: the API hears what each batch touched, as from a pipeline, so it keeps what was not.
    """

    engine: ClickHouseClient
    now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)
    book: Book = field(default_factory=Book)
    progress: FreshnessTracker = field(default_factory=FreshnessTracker)
    told: bool = False
    _client: httpx.AsyncClient | None = None

    async def put(self, events: Iterable[Event]) -> None:
        """Each topic's events are one batch."""
        topics: dict[str, list[bytes]] = defaultdict(list)
        for event in events:
            topics[TOPIC_OF_TYPE[event["type"]]].append(json.dumps(event).encode())
        for topic, values in topics.items():
            changed = await write(self.engine, topic, values)
            if self.told:
                self.progress.observe(PipelineState("w", REACHED, changed=changed))
                for shop in changed or ():
                    self.progress.changed(shop)
            for value in values:
                refused = self.book.take(Sent(None, value, topic=topic))
                assert refused is None, refused

    def client(self) -> httpx.AsyncClient:
        """A new API. It keeps nothing where it hears of no pipeline."""

        async def look() -> Look:
            return Look(None)

        settings = Settings(jwt_secret=SECRET)
        deps = Deps(
            engine=self.engine,
            settings=settings,
            access=Access(settings),
            tickets=Tickets(SECRET),
            tracker=self.progress,
            hub=Hub(time.time),
            kafka=lambda: None,
            look=look,
        )
        app = create_app(deps, lambda: self.now)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    async def get(self, shop: str, path: str) -> dict[str, Any]:
        """The body, exact numbers as decimals, without `asOf`."""
        self._client = self._client or self.client()
        answer = await self._client.get(path, headers=bearer(token(shop)))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
        del body["asOf"]
        return body
