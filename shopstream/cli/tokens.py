"""Development tokens: HS256 with the claims that contract.md tells under "Who may do what"."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from shopstream.contracts import values
from shopstream.settings import Settings, SettingsError

ROLES = ("admin", "staff")
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


def mint(
    settings: Settings,
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
    for name in (user, *shops):
        try:
            values.identifier(name)
        except values.Invalid as rule:
            raise ValueError(f"'{name}' {rule}") from None
    if settings.jwt_secret is None:
        raise SettingsError(
            "SHOPSTREAM_JWT_SECRET: is not set, and there is no secret of `shopstream up`"
            f" in {settings.data_dir}"
        )
    claims = {"sub": user, "shops": list(shops), "role": role, "iat": now, "exp": now + ttl}
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience
    import jwt  # not there in an installation for producers

    return jwt.encode(claims, settings.jwt_secret.get_secret_value(), algorithm="HS256")
