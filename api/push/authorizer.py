"""Who may open a stream, and what was granted: the one place that does, for every protocol."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import HTTPConnection

from api.access import LEEWAY, Access, Redeems, bearer
from api.faults import BadParameter, Forbidden, NotYet, Unauthorized
from api.identity import Identity
from api.push.admission import Admission
from api.push.engine_io import Handshake
from api.push.event_types import DEFAULT, types_of
from api.push.hub import Hub
from api.push.read_positions import SETTLE_SECONDS
from api.push.subscriber import SubscriptionFilter
from api.push.subscription import Subscription
from api.push.takeover import noop
from api.push.timekeeper import rotation

READY_SECONDS = SETTLE_SECONDS + 2
"""A browser does not come back after a refusal, so a stream waits for the start of its process."""


class StreamAuthorizer:
    """Authorizes requests for streams, and takes their slots. `now` is Unix time; `stream_seconds` as the setting."""

    def __init__(
        self,
        access: Access,
        tickets: Redeems,
        hub: Hub,
        admission: Admission,
        now: Callable[[], float],
        origins: frozenset[str],
        stream_seconds: float,
    ) -> None:
        self.access = access
        self.admission = admission
        self._tickets = tickets
        self._hub = hub
        self._now = now
        self._origins = origins
        self._stream_seconds = stream_seconds

    async def authorize_subscriber(self, request: HTTPConnection) -> tuple[Identity, str]:
        """The identity and the shop of a request for a stream; only pages of this origin and of the settings may ask.

        Raises:
            Forbidden, BadParameter, Unauthorized, KeysUnavailable, TooMany: as `Access.authorize_subscriber`.
        """
        self.check_origin(request)
        return await self.access.authorize_subscriber(request, self._tickets)

    def check_origin(self, request: HTTPConnection) -> None:
        """Browsers let pages of any origin open a WebSocket, and tell whose it is (RFC 6455, section 10.2)."""
        origin = request.headers.get("origin")
        if origin is None or origin in self._origins:
            return
        if origin.partition("://")[2] != request.headers.get("host"):
            raise Forbidden("Pages of this origin may not listen here.")

    async def subscription(
        self,
        identity: Identity,
        shop: str,
        types: frozenset[str] | None,
        since: str | None,
        connection: Callable[[], None],
        *,
        rotates: bool = True,
    ) -> Subscription:
        """A stream; `connection` frees the slot of its connection, which is done here if the stream is not granted."""
        try:
            if not await self._hub.read.wait_ready(READY_SECONDS):
                raise NotYet("Kafka does not answer, so there is nothing to push yet.")
            user = self.admission.user(shop, identity.user)
        except BaseException:
            connection()
            raise

        def release() -> None:
            user()
            connection()

        start = asyncio.get_running_loop().time()
        return Subscription(
            self._hub,
            shop,
            SubscriptionFilter(identity.user, types or DEFAULT, identity.role == "admin"),
            since or None,
            start + identity.expires + LEEWAY - self._now(),
            start + rotation(self._stream_seconds) if rotates else float("inf"),
            release,
        )

    async def socketio(self, handshake: Handshake, auth: Mapping[str, Any]) -> Subscription:
        """The stream of a client of Socket.IO: `auth.token` or `auth.ticket`, else what its first request had.

        Its query may name `userId` and `shopId`, as clients of the former gateway do; the token must agree.
        """
        identity = await self._authenticate(handshake, auth)
        asked = auth.get("shopId") or handshake.query.get("shopId")
        if asked is not None and not isinstance(asked, str):
            raise BadParameter("shopId", "must be text")
        identity.require_reader()
        shop = identity.authorize_shop(asked)
        if handshake.query.get("shopId", shop) != shop:
            raise Forbidden("The shopId of the query is not that of the connection.")
        if handshake.query.get("userId", identity.user) != identity.user:
            raise Forbidden("The userId of the query is not that of the token.")
        since = auth.get("cursor")
        if since is not None and not isinstance(since, str):
            raise BadParameter("cursor", "must be text")
        try:
            types = types_of(auth["types"]) if auth.get("types") else None
        except ValueError as error:
            raise BadParameter("types", str(error)) from None
        return await self.subscription(identity, shop, types, since, noop, rotates=False)

    async def _authenticate(self, handshake: Handshake, auth: Mapping[str, Any]) -> Identity:
        token, ticket = auth.get("token"), auth.get("ticket") or handshake.query.get("ticket")
        if token is None and ticket is None:
            token = bearer(handshake.authorization)
        if isinstance(token, str):
            return await self.access.identify_token(token.removeprefix("Bearer "))
        if isinstance(ticket, str):
            return await self._tickets.redeem(ticket, handshake.cookies)
        raise Unauthorized("Send a token as auth.token.", token_given=False)
