"""Authorization, for every endpoint: bearer tokens (RFC 6750, RFC 7519), their keys, and the shop of a request."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Any, Protocol

import jwt
from starlette.requests import HTTPConnection, Request

from api import keys, trace
from api.faults import Unauthorized
from api.identity import Identity, identity_of
from api.rate import Rate
from shopstream.settings import Settings, SettingsError

SECRET_ALGORITHM = "HS256"  # noqa: S105
LEEWAY = 30
"""Seconds of difference between clocks that a token is forgiven."""
MAX_TOKEN = 16 * 1024
"""Characters; longer ones are not looked at."""
MAX_TOKEN_HEAD = 4 * 1024
"""Characters of its first part, which is read before the signature has been checked."""
_SHAPE_FAULTS = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


class Keys(Protocol):
    """Public keys from elsewhere."""

    def find(self, algorithm: str, kid: str | None) -> Sequence[keys.Key]:
        """Those that may have signed a token with this head, or `KeysUnavailable`."""

    def prepare(self, algorithm: str, kid: str | None) -> Awaitable[None]:
        """Waits for a short time where they would not be found."""


class Redeems(Protocol):
    """One-time tickets."""

    async def redeem(self, ticket: str, cookies: Mapping[str, str]) -> Identity:
        """Whose it is, or `Unauthorized`. A cookie that was given with the ticket stands for one that is used."""


class Access:
    """Checks tokens: HS256 with the secret of the settings, others with `keys`.

    An algorithm belongs to one kind of key, so no public key is ever taken for a secret.

    Raises:
        SettingsError: there is neither, so no token could ever be valid.
    """

    def __init__(
        self, settings: Settings, keys: Keys | None = None, rate: Rate | None = None
    ) -> None:
        if settings.jwt_secret is None and keys is None:
            raise SettingsError(
                "SHOPSTREAM_JWT_SECRET: is not set, nor is SHOPSTREAM_JWKS_URL,"
                " so no token could be checked"
            )
        self._secret = settings.jwt_secret and settings.jwt_secret.get_secret_value()
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._keys = keys
        self._rate = rate or Rate(0)

    def identify(self, request: HTTPConnection) -> Identity:
        """The identity behind the `Authorization` header; the request counts for its token.

        Raises:
            Unauthorized: no token, or none that is valid.
            KeysUnavailable: whether it is valid cannot be said at this moment.
            TooMany: the token asks too often.
        """
        token = bearer(request.headers.get("authorization"))
        if token is None:
            raise Unauthorized("Send a token as 'Authorization: Bearer …'.", token_given=False)
        identity = self._counted(token)
        trace.of(request.scope).user = identity.user
        return identity

    async def identify_token(self, token: str) -> Identity:
        """The identity behind a token that came otherwise than in a header; raises as `identify`."""
        await self.prepare(token)
        return self._counted(token)

    def _counted(self, token: str) -> Identity:
        identity = self.read(token)
        self._rate.count(token)
        return identity

    def admin_shop(self, request: Request) -> str:
        """The shop that an admin asks about.

        Raises:
            Forbidden: the token is no admin's, or does not reach the shop.
            BadParameter: the token names several shops and the request none.
            Unauthorized, KeysUnavailable, TooMany: as `identify`.
        """
        identity = self.identify(request)
        identity.require_admin()
        return _shop(request, identity)

    def writer(self, request: Request) -> Identity:
        """Who wants to write events; of which shops, `require_shops` judges once they are known.

        Raises:
            Forbidden: the token's role does not write.
            Unauthorized, KeysUnavailable, TooMany: as `identify`.
        """
        identity = self.identify(request)
        identity.require_writer()
        return identity

    def require_shops(
        self, request: HTTPConnection, identity: Identity, shops: Collection[str]
    ) -> None:
        """Raises `Forbidden` where the token does not reach one of these shops, whether it exists or not."""
        for shop in shops:
            identity.authorize_shop(shop)
        if len(shops) == 1:
            trace.of(request.scope).shop = next(iter(shops))

    async def authorize_subscriber(
        self, request: HTTPConnection, tickets: Redeems
    ) -> tuple[Identity, str]:
        """The identity and the shop of a request for a stream; a ticket stands in for the header.

        Raises:
            Forbidden, BadParameter, Unauthorized, KeysUnavailable, TooMany: as `admin_shop`, for any role.
        """
        ticket = request.query_params.get("ticket")
        if ticket is None or "authorization" in request.headers:
            identity = self.identify(request)
        else:
            identity = await tickets.redeem(ticket, request.cookies)
            trace.of(request.scope).user = identity.user
        return identity, self.readable_shop(request, identity)

    def readable_shop(self, request: HTTPConnection, identity: Identity) -> str:
        """The shop whose events a request may read.

        Raises:
            Forbidden, BadParameter: as `admin_shop`, for any role that reads.
        """
        identity.require_reader()
        return _shop(request, identity)

    def read(self, token: str) -> Identity:
        """The identity that a token proves.

        Raises:
            Unauthorized: for every other text.
            KeysUnavailable: as `identify`.
        """
        try:
            claims = self._verified(token)
        except jwt.ExpiredSignatureError:
            raise Unauthorized("The token has expired.") from None
        except _SHAPE_FAULTS:
            raise Unauthorized("The token is not valid.") from None
        return identity_of(claims)

    async def prepare(self, token: str) -> None:
        """Waits for a short time where the key of a token is not known; what it is, `read` says."""
        if self._keys is None:
            return
        try:
            algorithm, kid = _head(token)
        except _SHAPE_FAULTS:
            return
        if algorithm in keys.ALGORITHMS:
            await self._keys.prepare(algorithm, kid)

    def _verified(self, token: str) -> dict[str, Any]:
        algorithm, kid = _head(token)
        for key in self._fitting(algorithm, kid):
            try:
                return self._decoded(token, key, algorithm)
            except jwt.InvalidSignatureError:
                continue
        raise jwt.InvalidSignatureError

    def _fitting(self, algorithm: str, kid: str | None) -> Sequence[Any]:
        if algorithm == SECRET_ALGORITHM:
            return [self._secret] if self._secret else []
        if algorithm not in keys.ALGORITHMS or self._keys is None:
            return []
        return [key.public for key in self._keys.find(algorithm, kid)]

    def _decoded(self, token: str, key: Any, algorithm: str) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            leeway=LEEWAY,
            issuer=self._issuer,
            audience=self._audience,
            options={"require": ["exp"], "verify_aud": self._audience is not None},
        )


def bearer(authorization: str | None) -> str | None:
    """The token in the text of an `Authorization` header."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _head(token: str) -> tuple[str, str | None]:
    if len(token) > MAX_TOKEN or token.find(".", 0, MAX_TOKEN_HEAD) < 0:
        raise jwt.DecodeError
    head = jwt.get_unverified_header(token)
    algorithm = head.get("alg")
    if not isinstance(algorithm, str):
        raise jwt.InvalidAlgorithmError
    return algorithm, head.get("kid")


def _shop(request: HTTPConnection, identity: Identity) -> str:
    shop = identity.authorize_shop(request.query_params.get("shopId"))
    trace.of(request.scope).shop = shop
    return shop
