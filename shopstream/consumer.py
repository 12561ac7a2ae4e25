"""A shop's events in Python as they arrive: `shopstream.stream`; see docs/push.md."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from inspect import isawaitable
from typing import Any

import httpx
import orjson

SILENCE_SECONDS = 45.0
"""The server says something every 15 s; a connection that is silent for longer is given up."""
CONNECT_SECONDS = 10.0
FIRST_WAIT, LONGEST_WAIT, LEAST_WAIT = 1.0, 30.0, 0.1
"""Seconds before it comes back: at first, and after many tries."""
MOST_DOUBLINGS = 10
"""A power without an end is too large for a float after some hours of tries."""
AGAIN = frozenset({429, 500, 502, 503, 504})
"""Answers after which it comes back."""

Token = str | Callable[[], str] | Callable[[], Awaitable[str]]


class StreamRefused(Exception):
    """The server does not grant the stream; `status` is that of HTTP, `detail` says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event. `cursor` is the position right after it, from which a later stream goes on; None where the event has
    none (`presence:changed`). `data` is read as JSON; `raw` is the CloudEvent as it came, with every digit."""

    type: str
    id: str
    source: str
    time: str | None
    user: str | None
    data: dict[str, Any]
    cursor: str | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class StreamReset:
    """Something was missed that cannot be had: read again what is shown, then go on. `cursor` is where it goes on."""

    reason: str
    cursor: str


async def stream(
    url: str,
    *,
    token: Token,
    shop: str | None = None,
    types: Iterable[str] | None = None,
    cursor: str | None = None,
) -> AsyncIterator[StreamEvent | StreamReset]:
    """The events of a shop, without end: it comes back by itself where it was. No event comes twice, and none is passed
    over without a `StreamReset`.

    Args:
        url: of the API, such as `https://events.example`.
        token: text, or what gives a fresh one; it is asked before each connection.
        shop: may be left out where the token names one.
        types: by default all but `storefront:visited`.
        cursor: where to go on; without it the stream begins now.

    Raises:
        StreamRefused: for a token, shop or parameter that the server does not take. A server that is away or full is
            waited for.
    """
    query = {"shopId": shop, "types": ",".join(types) if types is not None else None}
    known = {name: value for name, value in query.items() if value is not None}
    pause = _Pause()
    timeout = httpx.Timeout(CONNECT_SECONDS, read=SILENCE_SECONDS)
    async with httpx.AsyncClient(base_url=url.rstrip("/"), timeout=timeout) as client:
        while True:
            headers = {"Authorization": f"Bearer {await _text(token)}"}
            if cursor is not None:
                headers["Last-Event-ID"] = cursor
            try:
                request = client.stream("GET", "/events", params=known, headers=headers)
                async with request as answer:
                    await _check(answer, pause)
                    async for item in _items(answer, pause):
                        cursor = item.cursor if item.cursor is not None else cursor
                        if not isinstance(item, _Ready):
                            yield item
            except (httpx.TransportError, _Later):
                pass
            await pause.wait()


@dataclass(frozen=True, slots=True)
class _Ready:
    cursor: str | None


class _Later(Exception):
    """The server says to come back."""


class _Pause:
    """How long to wait before the next try: longer each time, until a stream was ready."""

    def __init__(self) -> None:
        self._tries = 0
        self.first = FIRST_WAIT
        self.asked = 0.0

    def well(self) -> None:
        self._tries = 0

    async def wait(self) -> None:
        longest = min(self.first * 2**self._tries, LONGEST_WAIT)
        self._tries = min(self._tries + 1, MOST_DOUBLINGS)
        asked, self.asked = self.asked, 0.0
        await asyncio.sleep(max(asked, random.uniform(longest / 2, longest)))  # noqa: S311


async def _text(token: Token) -> str:
    if isinstance(token, str):
        return token
    found = token()
    return await found if isawaitable(found) else found


async def _check(answer: httpx.Response, pause: _Pause) -> None:
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code == 200 and kind == "text/event-stream":
        return
    if answer.status_code == 200:  # a proxy's page, say
        raise StreamRefused(200, f"the answer is {kind or 'of no type'}, not an event stream")
    body = await answer.aread()
    if answer.status_code in AGAIN:
        pause.asked = _retry_seconds(answer.headers)
        raise _Later
    try:
        detail = str(orjson.loads(body)["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        detail = answer.reason_phrase
    raise StreamRefused(answer.status_code, detail)


def _retry_seconds(headers: httpx.Headers) -> float:
    """Of `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3), by the clock of the server where it has
    one; 0 for none, and for one that cannot be read."""
    after = headers.get("retry-after", "").strip()
    if after.isascii() and after.isdigit():
        return float(after)
    try:
        until = parsedate_to_datetime(after)
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max((until - now).total_seconds(), 0.0)
    except (TypeError, ValueError, OverflowError):  # also where only one of them has a zone
        return 0.0


async def _items(
    answer: httpx.Response, pause: _Pause
) -> AsyncIterator[StreamEvent | StreamReset | _Ready]:
    parser = SseParser()
    async for piece in answer.aiter_bytes():
        for frame in parser.feed(piece):
            if parser.retry_ms is not None:
                pause.first = max(parser.retry_ms / 1000, LEAST_WAIT)
            item = _item(frame)
            if item is not None:
                if isinstance(item, _Ready):
                    pause.well()
                yield item


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # a number beyond those of binary floating point
        return json.loads(text, parse_int=float)


def _item(frame: "SseFrame") -> StreamEvent | StreamReset | _Ready | None:
    fields = _read(frame.data)
    match frame.event:
        case "stream:ready":
            # where something is missing the cursor stays until the reset, which says so, has come
            return _Ready(fields["cursor"] if fields["complete"] else None)
        case "stream:reset":
            return StreamReset(fields["reason"], fields["cursor"])
        case "stream:bye":
            return _Ready(fields["cursor"])
    if frame.event.startswith("stream:"):
        return None  # of a newer server
    return StreamEvent(
        type=frame.event,
        id=fields["id"],
        source=fields["source"],
        time=fields.get("time"),
        user=fields.get("userid"),
        data=fields["data"],
        cursor=frame.id,
        raw=frame.data.encode(),
    )


@dataclass(frozen=True, slots=True)
class SseFrame:
    """One event of the format; `id` None where it had none."""

    event: str
    data: str
    id: str | None


class SseParser:
    """Server-sent events from bytes as they come (WHATWG HTML, section 9.2.6)."""

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        self._buffer = b""
        self._begun = False
        self._data: list[str] = []
        self._event = ""
        self._id: str | None = None

    def feed(self, piece: bytes) -> Iterator[SseFrame]:
        """The events that are whole now."""
        self._buffer += piece
        if not self._begun:
            if len(self._buffer) < 3 and b"\xef\xbb\xbf".startswith(self._buffer):
                return
            self._buffer = self._buffer.removeprefix(b"\xef\xbb\xbf")
            self._begun = True
        while (line := self._line()) is not None:
            frame = self._take(line.decode("utf-8", "replace"))
            if frame is not None:
                yield frame

    def _line(self) -> bytes | None:
        """The next whole line, which ends with CR, LF, or both."""
        ends = [at for at in (self._buffer.find(b"\n"), self._buffer.find(b"\r")) if at >= 0]
        if not ends:
            return None
        end = min(ends)
        after = end + 1
        if self._buffer[end : end + 1] == b"\r":
            if after == len(self._buffer):
                return None  # a line feed may follow
            after += self._buffer[after : after + 1] == b"\n"
        line, self._buffer = self._buffer[:end], self._buffer[after:]
        return line

    def _take(self, line: str) -> SseFrame | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._event = value
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry_ms = int(value)
        return None

    def _dispatch(self) -> SseFrame | None:
        data, event, cursor = self._data, self._event, self._id
        self._data, self._event, self._id = [], "", None
        return SseFrame(event or "message", "\n".join(data), cursor) if data else None
