"""Who may use the engine: names, passwords and rights from a JSON object.

    {"app": {"password": "…"}, "bi": {"password": "…", "readonly": true, "database": "x_bi"}}

How a request says who it is: ClickHouse `src/Server/HTTP/authenticateUserByHTTP.cpp`.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import ServerError

DEFAULT_USER = "default"


class LoginsError(Exception):
    """The logins are not usable; `str()` is one sentence that repeats no password."""


@dataclass(frozen=True, slots=True)
class Login:
    """`readonly` allows no write, no DDL, no file and no address; `database` is where it starts."""

    name: str
    password: str
    readonly: bool = False
    database: str = "default"


def parse_logins(text: str) -> dict[str, Login]:
    """Logins by name from their JSON text.

    Raises:
        LoginsError: not that shape, or a login without a password.
    """
    try:
        raw = json.loads(text)
    except ValueError:
        raise LoginsError("The logins are not valid JSON.") from None
    if not isinstance(raw, dict) or not raw:
        raise LoginsError("The logins must be a JSON object with at least one name.")
    return {name: _login(name, about) for name, about in raw.items()}


def _login(name: str, about: object) -> Login:
    if not isinstance(about, dict) or not set(about) <= {"password", "readonly", "database"}:
        raise LoginsError(f"Login '{name}' may have password, readonly and database only.")
    login = Login(name, **{"password": "", **about})
    if not isinstance(login.password, str) or not login.password:
        raise LoginsError(f"Login '{name}' needs a password that is not empty.")
    if not isinstance(login.readonly, bool):
        raise LoginsError(f"Login '{name}': readonly must be true or false.")
    if not isinstance(login.database, str) or not login.database:
        raise LoginsError(f"Login '{name}': database must be a name.")
    return login


def authenticate(
    logins: Mapping[str, Login], headers: Mapping[bytes, bytes], params: Mapping[str, str]
) -> Login:
    """The login that the request proves, by headers, Basic, or URL.

    Args:
        headers: names in lower case.

    Raises:
        ServerError: 516 without a right password, or with two ways at once.
    """
    user, password = _credentials(headers, params)
    login = logins.get(user)
    expected = login.password if login else secrets.token_hex(16)
    right = secrets.compare_digest(password.encode(), expected.encode())
    if login is None or not right:
        raise _refused(
            f"{user}: Authentication failed: password is incorrect,"
            " or there is no user with such name"
        )
    return login


def _credentials(headers: Mapping[bytes, bytes], params: Mapping[str, str]) -> tuple[str, str]:
    named = headers.get(b"x-clickhouse-user"), headers.get(b"x-clickhouse-key")
    basic = headers.get(b"authorization")
    in_headers, in_url = any(named), "user" in params or "password" in params
    if in_headers + in_url + bool(basic) > 1:
        raise _refused(
            "Invalid authentication: it is not allowed to use"
            " several authentication methods simultaneously"
        )
    if in_headers:
        user, password = (_text(value or b"") for value in named)
    elif basic:
        user, password = _basic(basic)
    else:
        user, password = params.get("user", ""), params.get("password", "")
    return user or DEFAULT_USER, password


def _basic(value: bytes) -> tuple[str, str]:
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        raise _refused(
            f"Invalid authentication: '{_text(scheme)}' HTTP Authorization scheme is not supported"
        )
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _refused("Invalid authentication: the Basic credentials are malformed") from None
    return user, password


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def _refused(text: str) -> ServerError:
    return ServerError(516, "AUTHENTICATION_FAILED", text)
