"""`GET /events/history`: stored events page by page, with the same cursors as the live stream."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.concurrency import ConcurrencyLimit, Shares
from api.faults import BadParameter, NotYet
from api.freshness.tracker import FreshnessTracker
from api.parameters import Parameter
from api.push.cursor_encoder import CursorEncoder
from api.push.read_positions import ReadPositions
from api.push.stored_events import FIRST_PAGE, Span, StoredEvents, is_kept, next_limit
from api.push.subscriber import SubscriptionFilter
from shopstream.contracts.cursor import BadCursor, Partition, Position, decode, read

WAIT_SECONDS = 5.0
READY_SECONDS = 5.0
PAGE_BYTES = 4 * 1024 * 1024
PAGES, SHOP_PAGES = 32, 8
"""In progress, of a process and of one shop: each takes up to 4 MiB some times over, until its client has read it."""
PIECE_BYTES = 64 * 1024


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= 1000:
        raise ValueError("must be a whole number from 1 to 1000")
    return int(text)


def _cursor(text: str) -> str:
    try:
        decode(text)
    except BadCursor as error:
        raise ValueError(f"must be a cursor: {error}") from None
    return text


AFTER = Parameter("after", "A cursor; without it the page begins with the oldest event.", _cursor)
LIMIT = Parameter(
    "limit",
    "Events of a page, at most; a page has no more than 4 MiB of them.",
    _limit,
    {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    example=100,
)


class PagedResponse(Response):
    """A page in pieces, as fast as its client reads, and `slot` until then."""

    def __init__(self, body: bytes, slot: ExitStack) -> None:
        super().__init__(body, 200, {"Cache-Control": "no-store"}, "application/json")
        self._slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._slot:
            head = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **head})
            for at in range(0, len(self.body), PIECE_BYTES):
                piece = bytes(self.body[at : at + PIECE_BYTES])
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class HistoryReader:
    """Reads what the pipeline stored, up to where this process has read now. `clock` is Unix time."""

    def __init__(
        self,
        read: ReadPositions,
        events: StoredEvents,
        tracker: FreshnessTracker,
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._read = read
        self._events = events
        self._tracker = tracker
        self._pages = ConcurrencyLimit(PAGES, patient=True)
        self._shares = Shares(SHOP_PAGES, "read pages of its history")

    def slot(self, shop: str) -> ExitStack:
        """What a page takes until it is closed.

        Raises:
            Busy: the shop has as many pages in progress as it may, or the process.
        """
        with ExitStack() as slot:
            slot.enter_context(self._shares.slot(shop))
            slot.enter_context(self._pages.slot())
            return slot.pop_all()

    async def page(
        self, shop: str, wanted: SubscriptionFilter, after: str | None, limit: int
    ) -> bytes:
        """`{"events": [{"cursor", "event"}], "next": cursor or null, "complete": whether nothing is missing}`.

        Raises:
            NotYet: the pipeline has not stored the latest events yet, or Kafka does not answer.
            BadParameter: the cursor is of a topic that was recreated, or ahead of what is known.
        """
        if not await self._read.wait_ready(READY_SECONDS):
            raise NotYet("Kafka does not answer, so it is not known what there is.")
        now = dict(self._read.positions)
        since, at, complete = self._begin(after, now)
        if not await self._read.wait(since, WAIT_SECONDS):
            raise BadParameter("after", "is ahead of what is known here")
        span = Span.between(since, now)
        await self._until_stored(span)
        encoder = CursorEncoder(since, at)
        found: list[bytes] = []
        size, at_end, step = 0, False, min(FIRST_PAGE, limit)
        while len(found) < limit and size < PAGE_BYTES and not at_end:
            page = await self._events.page(shop, Span.between(encoder.positions, now), wanted, step)
            at_end = len(page) < step
            for stored in page:
                encoder.advance(stored.partition, stored.position, stored.at)
                cursor = encoder.text().encode()
                found.append(b'{"cursor":"%b","event":%b}' % (cursor, stored.event.value))
                size += len(found[-1])
            step = min(next_limit(page, step), limit - len(found)) if not at_end else step
        following = b"null" if at_end else orjson.dumps(encoder.text())
        complete_json = b"true" if complete else b"false"
        return b'{"events":[%b],"next":%b,"complete":%b}' % (
            b",".join(found),
            following,
            complete_json,
        )

    def _begin(
        self, after: str | None, now: Mapping[Partition, Position]
    ) -> tuple[dict[Partition, Position], int, bool]:
        """Where the page begins, when that arrived, and whether nothing since the cursor has expired."""
        start = {partition: Position(position.epoch, 0) for partition, position in now.items()}
        if after is None:
            return start, 0, True
        given, at = read(after)
        for partition, position in given.items():
            if partition not in start or start[partition].epoch != position.epoch:
                raise BadParameter("after", "names a topic that was recreated")
        return {**start, **given}, at, is_kept(at, self._clock())

    async def _until_stored(self, span: Span) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._tracker.wait(span.end_positions())
        except TimeoutError:
            raise NotYet("The latest events are not stored yet.") from None
