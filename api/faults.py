"""What a request can be refused for. Each carries what its answer needs; `problems` maps it to a status."""

from dataclasses import dataclass


class RequestFault(Exception):
    """A request that is refused for a reason that its sender may know."""


@dataclass(eq=False)
class BadParameter(RequestFault):
    """A query parameter breaks its rule; `rule` reads on after the name: `must be …`."""

    name: str
    rule: str

    def __str__(self) -> str:
        return f"{self.name} {self.rule}"


class Unauthorized(RequestFault):
    """No token, or none that is valid; `str()` says why without repeating it."""

    def __init__(self, detail: str, *, token_given: bool = True) -> None:
        super().__init__(detail)
        self.token_given = token_given


class Forbidden(RequestFault):
    """The token is valid but does not reach this far; `str()` never says whether a shop exists."""


@dataclass(eq=False)
class NotYet(RequestFault):
    """What the request asks for is not there in time; `retry_after` in seconds."""

    detail: str
    retry_after: int = 1

    def __str__(self) -> str:
        return self.detail


@dataclass(eq=False)
class KeysUnavailable(RequestFault):
    """Whether a token is valid cannot be said: the keys that it would be checked with are not there."""

    detail: str
    retry_after: int = 2

    def __str__(self) -> str:
        return self.detail


@dataclass(eq=False)
class Busy(RequestFault):
    """Too much is under way already."""

    detail: str
    retry_after: int = 2

    def __str__(self) -> str:
        return self.detail


@dataclass(eq=False)
class TooManyStreams(RequestFault):
    """Whoever asks has as many streams open as it may."""

    detail: str
    retry_after: int

    def __str__(self) -> str:
        return self.detail


@dataclass(eq=False)
class TooMany(RequestFault):
    """A token asks more often than it may; `retry_after` in seconds."""

    retry_after: int

    def __str__(self) -> str:
        return "The token asks too often."
