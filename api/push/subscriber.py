"""One open stream: its filter, its encoding, and the connection that it is written to."""

from asyncio import Event, Task
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from api.push.encoding import Encoding
from api.push.read_positions import Positions

if TYPE_CHECKING:
    from api.push.channel import Channel


class Outlet(Protocol):
    """Takes frames: an asyncio transport, or a `Buffer`.

    Its owner calls `Hub.pause` when more is written than the client reads, and `Hub.on_writable` once it reads again.
    """

    def write(self, data: bytes) -> None: ...

    def close(self) -> None:
        """Ends the connection once everything that was written has gone out."""

    def abort(self) -> None:
        """Ends it at once."""


@dataclass(frozen=True, slots=True)
class SubscriptionFilter:
    """Events of these `types`, but for those that are addressed to another user than `user`; `admin`: also what only
    admins may know."""

    user: str
    types: Set[str]
    admin: bool = False


def _no_farewell(_: str) -> bytes:
    return b""


@dataclass(eq=False, slots=True)
class Subscriber:
    """Times are those of the event loop.

    Attributes:
        expires: when its token ends.
        rotates: when its client is asked to reconnect, so that no stream is open for ever.
        seq: while it lags: the number of the last entry of the channel that it has. None while it is live, and while
            stored events are replayed to it.
        position, at: while it is not live: its position, and when (Unix seconds) the last event before it arrived. A
            position may be that of several subscribers.
        paused: since when its client has not read, or None.
        catching_up: the task that replays stored events to it.
    """

    filter: SubscriptionFilter
    encoding: Encoding
    outlet: Outlet
    expires: float
    rotates: float = float("inf")
    farewell: Callable[[str], bytes] = _no_farewell
    """From the reason in `stream:bye` to the bytes after it, with which the protocol ends a connection."""
    channel: "Channel | None" = None
    seq: int | None = None
    paused: float | None = None
    position: Positions = field(default_factory=dict)
    at: int = 0
    catching_up: "Task[None] | None" = None
    reads: Event = field(default_factory=Event)
    """Set while its client reads."""
    ended: bool = False
    reason: str = ""
    """The reason in `stream:bye`; empty where none was sent."""
    pinged: float = 0.0
