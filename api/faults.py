"""What a request can be refused for: the status, kind, title and headers of each problem are defined here alone."""

from collections.abc import Sequence
from typing import Any, ClassVar

from shopstream.contracts.reject import Refusal

MAX_LISTED = 1_000
"""Faults in one problem: a batch of a few KiB may have 20,000."""


class RequestFault(Exception):
    """A request that is refused for a reason that its sender may know; `str()` says it.

    `kind` is the last part of the problem's type. `retry_after` in seconds; None where it is of no use to ask again.
    """

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    retry_after: int | None = None

    def __init__(self, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        if retry_after is not None:
            self.retry_after = retry_after

    def more(self) -> dict[str, Any]:
        """The extension members of the problem."""
        return {}

    def headers(self) -> dict[str, str]:
        """The headers of the answer beside those of every problem."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class BadParameter(RequestFault):
    """A query parameter breaks its rule; `rule` reads on after the name: `must be …`."""

    status, kind, title = 400, "bad-parameter", "A parameter breaks its rule"

    def __init__(self, name: str, rule: str) -> None:
        super().__init__(f"{name} {rule}")
        self.name = name
        self.rule = rule

    def more(self) -> dict[str, Any]:
        """`parameter` and `rule`."""
        return {"parameter": self.name, "rule": self.rule}


class Unauthorized(RequestFault):
    """No token, or none that is valid; `str()` says why without repeating it."""

    status, kind, title = 401, "unauthorized", "A valid token is needed"

    def __init__(self, detail: str, *, token_given: bool = True) -> None:
        super().__init__(detail)
        self.token_given = token_given

    def headers(self) -> dict[str, str]:
        """`WWW-Authenticate` (RFC 6750, section 3): no error code where the request had no token at all."""
        error = ', error="invalid_token"' if self.token_given else ""
        return {"WWW-Authenticate": f'Bearer realm="shopstream"{error}'}


class Forbidden(RequestFault):
    """The token is valid but does not reach this far; `str()` never says whether a shop exists."""

    status, kind, title = 403, "forbidden", "The token does not allow this"


class TooMany(RequestFault):
    """A token sends more requests than it may; `retry_after` in seconds."""

    status, kind, title = 429, "too-many", "Too many requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__("The token asks too often.", retry_after)


class TooManyStreams(RequestFault):
    """A user or an address has as many streams open as it may."""

    status, kind, title = 429, "too-many-streams", "Too many streams"


class InvalidEvents(RequestFault):
    """Events break a rule; `faults` has up to 20 of each event that has any, with its index (None: no event).

    The problem lists the first `MAX_LISTED`.
    """

    status, kind, title = 400, "invalid-events", "Events break a rule"

    def __init__(self, faults: Sequence[tuple[int | None, Refusal]]) -> None:
        first = faults[0][1].message
        more = f" (and {len(faults) - 1:,} more)" if len(faults) > 1 else ""
        super().__init__(f"Nothing was written: {first}{more}")
        self.faults = faults

    def more(self) -> dict[str, Any]:
        """`errors`: `index`, `reason`, `field` and `rule` of each."""
        listed = [
            {"index": index, "reason": each.reason.value, "field": each.field, "rule": each.message}
            for index, each in self.faults[:MAX_LISTED]
        ]
        return {"errors": listed}


class ContentTooLarge(RequestFault):
    """A body has more than it may."""

    status, kind, title = 413, "content-too-large", "Content Too Large"


class TooSlow(RequestFault):
    """A body does not come in the time that it may take."""

    status, kind, title = 408, "too-slow", "Request Timeout"


class UnsupportedContent(RequestFault):
    """A body is of a kind that is not read here."""

    status, kind, title = 415, "unsupported-content", "Unsupported Media Type"


class UpgradeRequired(RequestFault):
    """A request for a WebSocket without its headers."""

    status, kind, title = 426, "", "Upgrade Required"

    def headers(self) -> dict[str, str]:
        """`Upgrade`, which every 426 has (RFC 9110, section 15.5.22)."""
        return {"Upgrade": "websocket", "Connection": "Upgrade"}


class KeyReused(RequestFault):
    """An `Idempotency-Key` came before with other events."""

    status, kind, title = 422, "idempotency-key-reused", "The Idempotency-Key was used"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key came with other events before.")


class NotSigned(RequestFault):
    """A webhook without a signature that fits; `str()` never says whether the shop exists."""

    status, kind, title = 401, "not-signed", "A valid signature is needed"

    def __init__(self) -> None:
        super().__init__("The signature of the webhook does not fit its body.")

    def headers(self) -> dict[str, str]:
        """`WWW-Authenticate`, which every 401 has (RFC 9110, section 15.5.2)."""
        return {"WWW-Authenticate": 'Signature realm="shopstream"'}


class HookUnmapped(RequestFault):
    """A signed payload that no event can be made of; `field` is a path in it or in the event, `rule` what it breaks."""

    status, kind, title = 422, "unmapped", "No event can be made of the payload"

    def __init__(self, field: str | None, rule: str) -> None:
        super().__init__(rule if field is None or rule.startswith(field) else f"{field} {rule}")
        self.field = field
        self.rule = rule

    def more(self) -> dict[str, Any]:
        """`field` and `rule`."""
        return {"field": self.field, "rule": self.rule}


class NotYet(RequestFault):
    """What the request asks for is not there in time."""

    status, kind, title = 503, "not-yet", "Not there yet"
    retry_after = 1


class KeysUnavailable(RequestFault):
    """The keys that a token would be checked with are not there, so it is unknown whether it is valid."""

    status, kind, title = 503, "keys-unavailable", "No keys"
    retry_after = 2


class Busy(RequestFault):
    """Too much is under way already."""

    status, kind, title = 503, "busy", "Too much is under way"
    retry_after = 2


class DatabaseUnavailable(RequestFault):
    """ClickHouse does not answer."""

    status, kind, title = 503, "database-unavailable", "The database does not answer"
    retry_after = 1


class DatabaseNotReady(DatabaseUnavailable):
    """ClickHouse answers, but has not been migrated."""

    title = "The database is not ready"
