"""Development tokens: HS256 with the claims that contract.md tells under "Who may do what"."""

import base64
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shopstream.variables import PREFIX, SettingsError, secret_fault

if TYPE_CHECKING:
    from shopstream.settings import Settings

ROLES = ("admin", "staff", "producer")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d{1,9}[smhd])+", re.ASCII)


def duration(text: str) -> timedelta:
    """`90s`, `30m`, `1h`, `7d` or a sum such as `1h30m`.

    Raises:
        ValueError: not such a text, or nothing at all, or more than 10,000 days.
    """
    parts = re.findall(r"(\d+)([smhd])", text) if _DURATION.fullmatch(text) else []
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if not 0 < seconds <= 10_000 * 86400:
        raise ValueError(f"'{text}' is not a duration such as 90s, 30m, 1h or 7d")
    return timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class TokenKey:
    """The secret, and the claims `iss` and `aud` that the API expects.

    Raises:
        SettingsError: the secret is too short.
    """

    secret: str = field(repr=False)
    issuer: str | None = None
    audience: str | None = None

    def __post_init__(self) -> None:
        if fault := secret_fault(self.secret):
            raise SettingsError(f"{PREFIX}JWT_SECRET: {fault}")


def mint(
    key: "TokenKey | Settings",
    shops: Sequence[str],
    now: datetime,
    *,
    role: str = "admin",
    user: str = "dev",
    ttl: timedelta = timedelta(hours=1),
) -> str:
    """A token for `shops`, valid from `now` for `ttl`.

    Raises:
        SettingsError: there is no secret to sign with.
        ValueError: a name that the API would not take: it must be an identifier.
    """
    from shopstream.contracts import values

    for name in (user, *shops):
        try:
            values.identifier(name)
        except values.Invalid as rule:
            raise ValueError(f"'{name}' {rule}") from None
    key = key if isinstance(key, TokenKey) else _key_of(key)
    begun = int(now.timestamp())
    claims: dict[str, Any] = {"sub": user, "shops": list(shops), "role": role}
    claims |= {"iat": begun, "exp": int((now + ttl).timestamp())}
    if key.issuer:
        claims["iss"] = key.issuer
    if key.audience:
        claims["aud"] = key.audience
    return _signed(claims, key.secret)


def _key_of(settings: "Settings") -> TokenKey:
    if settings.jwt_secret is None:
        raise SettingsError(f"{PREFIX}JWT_SECRET: is not set")
    secret = settings.jwt_secret.get_secret_value()
    return TokenKey(secret, settings.jwt_issuer, settings.jwt_audience)


def _signed(claims: Mapping[str, Any], secret: str) -> str:
    """A compact JWS (RFC 7515) with HS256, by the standard library: PyJWT loads all of cryptography."""
    head = _base64url(_json({"alg": "HS256", "typ": "JWT"}))
    text = f"{head}.{_base64url(_json(claims))}"
    return f"{text}.{_base64url(hmac.digest(secret.encode(), text.encode(), 'sha256'))}"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
