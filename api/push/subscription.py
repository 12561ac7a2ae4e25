"""What a request for a stream was granted, and the connection that carries it, whatever the protocol."""

from collections.abc import Callable
from dataclasses import dataclass

from api.push.encoding import Encoding
from api.push.hub import Hub
from api.push.subscriber import Outlet, Subscriber, SubscriptionFilter
from api.push.websocket import MAX_MESSAGE

POLL_SECONDS = 15.0
"""How long a response that has nothing to send waits before it looks whether its stream has ended."""
MAX_HEARD = MAX_MESSAGE
"""Bytes that a client may send behind the request of its stream."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A stream that was granted. `release` frees its slot among the open streams, once."""

    hub: Hub
    shop: str
    filter: SubscriptionFilter
    since: str | None
    expires: float
    rotates: float
    release: Callable[[], None]

    def open(
        self, encoding: Encoding, outlet: Outlet, farewell: Callable[[str], bytes] | None = None
    ) -> Subscriber:
        subscriber = Subscriber(self.filter, encoding, outlet, self.expires, self.rotates)
        if farewell is not None:
            subscriber.farewell = farewell
        return subscriber

    def join(self, subscriber: Subscriber) -> None:
        """Starts delivery, after the cursor of the request."""
        self.hub.join(self.shop, subscriber, self.since)

    def leave(self, subscriber: Subscriber) -> None:
        """Ends delivery and frees the slot."""
        self.hub.leave(subscriber)
        self.release()


class StreamConnection:
    """Owns the connection of a stream; what the client sends is ignored, up to `MAX_HEARD` bytes."""

    __slots__ = ("_heard", "_subscriber", "_subscription")

    def __init__(self, subscription: Subscription, subscriber: Subscriber) -> None:
        self._subscription = subscription
        self._subscriber = subscriber
        self._heard = 0

    def received(self, data: bytes) -> None:
        """Aborts after `MAX_HEARD` bytes: a request behind a stream is never answered."""
        self._heard += len(data)
        if self._heard > MAX_HEARD:
            self._subscriber.outlet.abort()

    def pause(self) -> None:
        """The write buffer is full: pauses the subscriber."""
        self._subscription.hub.pause(self._subscriber)

    def resume(self) -> None:
        """The write buffer has drained: the subscriber goes on."""
        self._subscription.hub.on_writable(self._subscriber)

    def lost(self) -> None:
        """The connection is closed: ends the subscription."""
        self._subscription.leave(self._subscriber)
