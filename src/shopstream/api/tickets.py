"""One-time tickets for browsers, whose EventSource cannot send a header.

A ticket is a signed copy of an identity, so any process with the same secret accepts it. That it is used
once is known to the process that took it: one shown to two processes within its 60 s would pass in both.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

import jwt

from shopstream.api.faults import Unauthorized
from shopstream.api.identity import Identity, identity_of

LIFETIME = 60
"""Seconds."""
MAX_TICKET = 32 * 1024
"""Characters: more than the ticket of the longest token."""
MEMORY = 100_000
"""Used tickets that are remembered; beyond it none is taken until some have run out."""


class Tickets:
    """Tickets are signed with a key derived from `secret`, never with it. None: only this process takes them."""

    def __init__(self, secret: str | None, clock: Callable[[], float] = time.time) -> None:
        secret = secret or secrets.token_hex(32)
        self._key = hashlib.blake2b(
            b"ticket", key=hashlib.sha256(secret.encode()).digest()
        ).digest()
        self._clock = clock
        self._used: OrderedDict[str, float] = OrderedDict()

    def issue(self, identity: Identity) -> str:
        """A ticket for `identity`, valid for `LIFETIME` seconds."""
        claims = {
            "jti": secrets.token_urlsafe(12),
            "until": self._clock() + LIFETIME,
            "sub": identity.user,
            "shops": list(identity.shops),
            "role": identity.role,
            "exp": identity.expires,
        }
        return jwt.encode(claims, self._key, algorithm="HS256")

    async def redeem(self, ticket: str, cookies: Mapping[str, str]) -> Identity:
        """The identity of a ticket that is shown for the first time.

        Raises:
            Unauthorized: unknown, used or run out, which are not told apart.
        """
        refused = Unauthorized("The ticket is not valid; ask for another.")
        if len(ticket) > MAX_TICKET:
            raise refused
        try:
            claims = jwt.decode(
                ticket, self._key, algorithms=["HS256"], options={"verify_exp": False}
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise refused from None
        if claims["until"] < self._clock() or not self._first(claims["jti"], claims["until"]):
            raise refused
        return identity_of(claims)

    def _first(self, number: str, until: float) -> bool:
        now = self._clock()
        while self._used and next(iter(self._used.values())) < now:
            self._used.popitem(last=False)
        if number in self._used or len(self._used) >= MEMORY:
            return False
        # a clock is kept in order of use, at most one lifetime after issue
        self._used[number] = now + LIFETIME
        return True
