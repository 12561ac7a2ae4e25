"""What is known of a request while it is answered; it travels in the ASGI scope."""

import re
import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

HEADER = "X-Request-Id"
_KEY = "shopstream.trace"
_SANE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}", re.ASCII)


@dataclass(slots=True)
class Trace:
    """`user` and `shop` are those of a token that was found valid, None until then."""

    request: str = field(default_factory=lambda: secrets.token_hex(8))
    user: str | None = None
    shop: str | None = None


def begin(scope: MutableMapping[str, Any], asked: str | None) -> Trace:
    """The trace of a request, with the id that its sender gave it, if that is fit to be written down."""
    trace = Trace(asked) if asked is not None and _SANE.fullmatch(asked) else Trace()
    scope[_KEY] = trace
    return trace


def of(scope: MutableMapping[str, Any]) -> Trace:
    """The trace of a request; a new one where nothing began it."""
    found: Trace = scope.setdefault(_KEY, Trace())
    return found
