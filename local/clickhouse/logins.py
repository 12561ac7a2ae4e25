"""Who may log in to the engine of `up`: names, hashes of passwords, rights. Pure.

    {"shopstream": {"sha256": "…"}, "bi": {"sha256": "…", "reads": true},
     "bi_s-17": {"sha256": "…", "reads": true, "shop": "s-17"}}

A password never comes near the engine: whoever starts it keeps the passwords and passes on their SHA-256.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
STOPPER = "stop"
"""The login with which the process ends its own servers."""
_TAKEN = frozenset({"default", STOPPER})
_SHA256 = re.compile(r"[0-9a-f]{64}")


class LoginsError(Exception):
    """The logins are not usable; `str()` is one sentence."""


@dataclass(frozen=True, slots=True)
class Login:
    """`reads`: only the views for BI, and with `shop` only the rows of one shop; else everything is allowed."""

    sha256: str
    reads: bool = False
    shop: str | None = None


def login(password: str, *, reads: bool = False, shop: str | None = None) -> Login:
    """Of a password with enough randomness to be hashed without a salt."""
    return Login(hashlib.sha256(password.encode()).hexdigest(), reads, shop)


def dump(logins: Mapping[str, Login]) -> str:
    return json.dumps({name: asdict(one) for name, one in logins.items()})


def parse(text: str) -> dict[str, Login]:
    """Logins by name.

    Raises:
        LoginsError: not that shape.
    """
    try:
        raw = json.loads(text)
        found = {name: Login(**about) for name, about in raw.items()}
    except (ValueError, TypeError, AttributeError):
        raise LoginsError(
            "The logins must be a JSON object of objects with sha256, reads, shop."
        ) from None
    for name, one in found.items():
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise LoginsError(
                f"Login {name!r}: a name has letters, digits, _ and -, and is not `default` or `stop`."
            )
        if not isinstance(one.sha256, str) or not _SHA256.fullmatch(one.sha256):
            raise LoginsError(f"Login {name!r}: sha256 must be 64 hexadecimal digits.")
    if not found:
        raise LoginsError("At least one login is needed.")
    return found
