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
    """What a request for a stream was granted. `release` gives its place among the open streams back."""

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
        """A subscriber that has not joined yet."""
        subscriber = Subscriber(self.filter, encoding, outlet, self.expires, self.rotates)
        if farewell is not None:
            subscriber.farewell = farewell
        return subscriber

    def join(self, subscriber: Subscriber) -> None:
        """It begins."""
        self.hub.join(self.shop, subscriber, self.since)

    def leave(self, subscriber: Subscriber) -> None:
        """It is over."""
        self.hub.leave(subscriber)
        self.release()


class StreamConnection:
    """Owns a connection on which the client has nothing to say."""

    __slots__ = ("_heard", "_subscriber", "_subscription")

    def __init__(self, subscription: Subscription, subscriber: Subscriber) -> None:
        self._subscription = subscription
        self._subscriber = subscriber
        self._heard = 0

    def received(self, data: bytes) -> None:
        """A request behind a stream is never answered; who goes on talking is cut off."""
        self._heard += len(data)
        if self._heard > MAX_HEARD:
            self._subscriber.outlet.abort()

    def pause(self) -> None:
        """The client does not read."""
        self._subscription.hub.pause(self._subscriber)

    def resume(self) -> None:
        """It reads again."""
        self._subscription.hub.on_writable(self._subscriber)

    def lost(self) -> None:
        """The connection is gone."""
        self._subscription.leave(self._subscriber)
