"""One open stream: what it wants, how it is encoded, and where its bytes go."""

from asyncio import Event, Task
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from api.push.encoding import Encoding
from shopstream.contracts.cursor import Partition, Position

if TYPE_CHECKING:
    from api.push.channel import Channel


class Outlet(Protocol):
    """Where frames go: an asyncio transport, or what does as one.

    When more is written than the client reads it tells the hub by `pause`, and by `resume` when it reads again.
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


def _nothing(_: str) -> bytes:
    return b""


@dataclass(eq=False, slots=True)
class Subscriber:
    """Times are those of the event loop.

    Attributes:
        expires: when its token ends.
        rotates: when its client is asked to come back, so that no stream stands for ever.
        seq: the number of the last entry of the channel that it has, or that its client had from elsewhere. None while
            it is live, and while it reads what is stored.
        position, at: while it is not live: what it has seen, and when (Unix seconds) the last of it arrived.
        paused: since when its client has not read, or None.
        catching_up: the task that brings it what the channel does not have any more.
    """

    filter: SubscriptionFilter
    encoding: Encoding
    outlet: Outlet
    expires: float
    rotates: float = float("inf")
    farewell: Callable[[str], bytes] = _nothing
    """What is written after the goodbye of a reason, as the protocol ends a connection."""
    channel: "Channel | None" = None
    seq: int | None = None
    paused: float | None = None
    position: dict[Partition, Position] = field(default_factory=dict)
    at: int = 0
    catching_up: "Task[None] | None" = None
    reads: Event = field(default_factory=Event)
    """Set while its client reads."""
    ended: bool = False
    reason: str = ""
    """Why it ended, if it was told."""
    pinged: float = 0.0
