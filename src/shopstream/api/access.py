"""Who may do what, in one place: bearer tokens (RFC 6750, RFC 7519), roles and the shops they reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jwt
from starlette.requests import Request

from shopstream.api.faults import BadParameter, Forbidden, Unauthorized
from shopstream.contracts import values
from shopstream.settings import Settings, SettingsError

ALGORITHMS = ("HS256",)
LATEST = 253_402_300_800
"""Seconds since 1970: the end of the year 9999."""
LEEWAY = 30
"""Seconds of difference between clocks that a token is forgiven."""

Role = Literal["admin", "staff"]
_ROLES: Mapping[str, Role] = {"admin": "admin", "staff": "staff"}
_SHAPE_FAULTS = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a valid token says. `expires` is Unix time in seconds, without the leeway."""

    user: str
    shops: tuple[str, ...]
    role: Role
    expires: float

    def shop(self, asked: str | None) -> str:
        """The shop that a request is about.

        Raises:
            Forbidden: the token does not name it, whether it exists or not.
            BadParameter: none was asked for and the token does not name exactly one.
        """
        if asked is not None:
            if asked not in self.shops:
                raise Forbidden("The token does not allow this shop.")
            return asked
        if not self.shops:
            raise Forbidden("The token allows no shop.")
        if len(self.shops) > 1:
            raise BadParameter("shopId", "is required, because the token names several shops")
        return self.shops[0]

    def require_admin(self) -> None:
        """Raises `Forbidden` for any other role."""
        if self.role != "admin":
            raise Forbidden("This needs the role admin.")


class Access:
    """Checks tokens against the settings. Stateless.

    Raises:
        SettingsError: no secret is configured, so no token could ever be valid.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.jwt_secret is None:
            raise SettingsError(_no_secret(settings))
        self._key = settings.jwt_secret.get_secret_value()
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience

    def identify(self, request: Request) -> Identity:
        """The identity behind the `Authorization` header.

        Raises:
            Unauthorized: no token, or none that is valid.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token.strip() or scheme.lower() != "bearer":
            raise Unauthorized("Send a token as 'Authorization: Bearer …'.", token_given=False)
        return self.read(token.strip())

    def admin_shop(self, request: Request) -> str:
        """The shop that an admin asks about; `Unauthorized`, `Forbidden` or `BadParameter` if not."""
        identity = self.identify(request)
        identity.require_admin()
        return identity.shop(request.query_params.get("shopId"))

    def read(self, token: str) -> Identity:
        """The identity that a token proves.

        Raises:
            Unauthorized: for every other text.
        """
        try:
            claims = self._verified(token)
        except jwt.ExpiredSignatureError:
            raise Unauthorized("The token has expired.") from None
        except _SHAPE_FAULTS:
            raise Unauthorized("The token is not valid.") from None
        return identity_of(claims)

    def _verified(self, token: str) -> dict[str, Any]:
        return jwt.decode(
            token,
            self._key,
            algorithms=list(ALGORITHMS),
            leeway=LEEWAY,
            issuer=self._issuer,
            audience=self._audience,
            options={"require": ["exp"], "verify_aud": self._audience is not None},
        )


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """The identity in verified claims.

    Raises:
        Unauthorized: a claim has another shape than the contract's, section 5.
    """
    user, role, expires = claims.get("sub"), claims.get("role"), claims.get("exp")
    if not _is_identifier(user):
        raise Unauthorized("The token's claim sub must be an identifier.")
    if not isinstance(role, str) or role not in _ROLES:
        raise Unauthorized("The token's claim role must be admin or staff.")
    if not isinstance(expires, int | float) or isinstance(expires, bool) or expires > LATEST:
        raise Unauthorized(
            "The token's claim exp must be a number of seconds before the year 10000."
        )
    return Identity(str(user), _shops(claims), _ROLES[role], expires)


def _shops(claims: Mapping[str, Any]) -> tuple[str, ...]:
    named = claims.get("shops")
    if named is None and "shopId" in claims:
        named = [claims["shopId"]]
    if not isinstance(named, list) or not all(map(_is_identifier, named)):
        raise Unauthorized("The token must name its shops in the claim shops or shopId.")
    return tuple(dict.fromkeys(named))


def _is_identifier(value: object) -> bool:
    try:
        values.identifier(value)
    except values.Invalid:
        return False
    return True


def _no_secret(settings: Settings) -> str:
    if settings.jwks_url:
        return (
            "SHOPSTREAM_JWKS_URL: keys from a URL are not supported yet;"
            " set SHOPSTREAM_JWT_SECRET for HS256 tokens"
        )
    return "SHOPSTREAM_JWT_SECRET: is not set, so no token could be checked"
