from datetime import UTC, datetime, timedelta

import jwt
import pytest

from shopstream.cli.tokens import duration, mint
from shopstream.settings import Settings, SettingsError

SECRET = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h", 3600), ("7d", 604800), ("1h30m", 5400)]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "h", "1x", "-1h", "1.5h", "0s", "99999d", "1h 1m", "²h"])
def test_what_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)


def test_a_token_has_the_claims_of_the_contract() -> None:
    settings = Settings(jwt_secret=SECRET, jwt_issuer="us", jwt_audience="them")
    token = mint(settings, ["a", "b"], NOW, role="staff", user="u-1", ttl=timedelta(minutes=5))
    claims = jwt.decode(
        token,
        SECRET,
        ["HS256"],
        audience="them",
        options={"verify_exp": False, "verify_iat": False},
    )
    begun = int(NOW.timestamp())
    assert claims == {
        "sub": "u-1",
        "shops": ["a", "b"],
        "role": "staff",
        "iat": begun,
        "exp": begun + 300,
        "iss": "us",
        "aud": "them",
    }


def test_without_a_secret_there_is_no_token() -> None:
    with pytest.raises(SettingsError, match="SHOPSTREAM_JWT_SECRET: is not set"):
        mint(Settings(jwt_secret=None), ["a"], NOW)
