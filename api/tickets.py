"""One-time tickets for browsers, whose EventSource cannot send a header, and the cookie that makes them last.

A ticket is a signed copy of an identity, so any process with the same secret accepts it. The first to claim it, in
whatever process, has it; a page whose EventSource comes back with a used one needs the cookie that was set with it.
Neither the cookie nor the used ticket opens anything alone: an address that leaks is of no use, and no other page can
use the cookie, since it does not know the ticket.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import jwt

from api.access import LEEWAY, MAX_TOKEN_HEAD
from api.faults import NotYet, Unauthorized
from api.identity import Identity, identity_of

LIFETIME = 60
"""Seconds."""
MAX_TICKET = 32 * 1024
"""Characters: more than the ticket of the longest token."""
MEMORY = 100_000
"""Used tickets that are remembered; beyond it none is taken until some have run out."""
_ALGORITHM = "HS256"
_SHAPE_FAULTS = (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError)


class Claims(Protocol):
    """Who was the first to use a ticket, over all processes."""

    async def first(self, number: str) -> bool:
        """Whether this use is the first; raises `NotYet` where that cannot be found out now."""


class Issued(NamedTuple):
    """`cookie` is its name and value; it is of use for `seconds`."""

    ticket: str
    cookie: tuple[str, str]
    seconds: int


class Tickets:
    """Tickets and cookies are signed with keys derived from `secret`, never with it; None: only here they are valid.

    Without `claims` a ticket is used once in each process. `clock` is Unix time.
    """

    def __init__(
        self,
        secret: str | None,
        clock: Callable[[], float] = time.time,
        claims: Claims | None = None,
    ) -> None:
        known = hashlib.sha256((secret or secrets.token_hex(32)).encode()).digest()
        self._key = hashlib.blake2b(b"ticket", key=known).digest()
        self._cookie_key = hashlib.blake2b(b"cookie", key=known).digest()
        self._clock = clock
        self._claims = claims
        self._used: OrderedDict[str, float] = OrderedDict()

    def issue(self, identity: Identity) -> Issued:
        """A ticket for `identity`, valid for `LIFETIME` seconds, and its cookie, valid as long as the identity."""
        number = secrets.token_urlsafe(12)
        claims = {
            "jti": number,
            "sub": identity.user,
            "shops": list(identity.shops),
            "role": identity.role,
            "exp": identity.expires,
        }
        ticket = {**claims, "until": self._clock() + LIFETIME}
        cookie = jwt.encode(claims, self._cookie_key, algorithm=_ALGORITHM)
        seconds = max(0, int(identity.expires + LEEWAY - self._clock()))
        named = (cookie_name(number), cookie)
        return Issued(jwt.encode(ticket, self._key, algorithm=_ALGORITHM), named, seconds)

    async def redeem(self, ticket: str, cookies: Mapping[str, str]) -> Identity:
        """The identity of a ticket that is shown for the first time, or with its cookie.

        Raises:
            Unauthorized: unknown, used or run out, which are not told apart.
            NotYet: whether it was used cannot be found out now.
        """
        refused = Unauthorized("The ticket is not valid; ask for another.")
        try:
            claims = self._read(ticket, self._key)
            number, until = str(claims["jti"]), float(claims["until"])
        except _SHAPE_FAULTS:
            raise refused from None
        kept = self._kept(number, cookies)
        if kept is not None:
            # so that nobody without the cookie can use the ticket after this
            with suppress(NotYet):
                await self._first(number, until)
            return kept
        if not await self._first(number, until):
            raise refused
        return identity_of(claims)

    def _kept(self, number: str, cookies: Mapping[str, str]) -> Identity | None:
        """The identity in the cookie of a ticket, as long as its token is valid."""
        try:
            claims = self._read(cookies[cookie_name(number)], self._cookie_key)
            identity = identity_of(claims)
        except (*_SHAPE_FAULTS, Unauthorized):
            return None
        valid = claims.get("jti") == number and self._clock() < identity.expires + LEEWAY
        return identity if valid else None

    async def _first(self, number: str, until: float) -> bool:
        now = self._clock()
        while self._used and next(iter(self._used.values())) < now:
            self._used.popitem(last=False)
        if until < now or number in self._used or len(self._used) >= MEMORY:
            return False
        # a clock is kept in order of use, at most one lifetime after issue
        self._used[number] = now + LIFETIME
        if self._claims is None:
            return True
        try:
            return await self._claims.first(number)
        except BaseException:
            self._used.pop(number, None)
            raise

    def _read(self, text: str, key: bytes) -> dict[str, Any]:
        if len(text) > MAX_TICKET or text.find(".", 0, MAX_TOKEN_HEAD) < 0:
            raise ValueError
        found: dict[str, Any] = jwt.decode(
            text, key, algorithms=[_ALGORITHM], options={"verify_exp": False}
        )
        return found


def cookie_name(number: str) -> str:
    """The name of the cookie that belongs to a ticket: each has its own, so that the tabs of a browser do not meet."""
    return f"shopstream-{hashlib.blake2b(number.encode(), digest_size=8).hexdigest()}"
