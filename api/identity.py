"""Who a token speaks for: its claims, checked, and what they reach."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from api.faults import BadParameter, Forbidden, Unauthorized
from shopstream.contracts import values

LATEST = 253_402_300_800
"""Seconds since 1970: the end of the year 9999."""

Role = Literal["admin", "staff", "producer"]
_ROLES: Mapping[str, Role] = {"admin": "admin", "staff": "staff", "producer": "producer"}


@dataclass(frozen=True, slots=True)
class Identity:
    """What a valid token says. `expires` is Unix time in seconds, without the leeway."""

    user: str
    shops: tuple[str, ...]
    role: Role
    expires: float

    @property
    def holder(self) -> bytes:
        """16 bytes, equal for equal users of equal shops: issuers give the same `sub` in several shops."""
        named = "\n".join((self.user, *sorted(self.shops)))  # identifiers have no line ends
        return hashlib.blake2b(named.encode(), digest_size=16).digest()

    def authorize_shop(self, asked: str | None) -> str:
        """The shop that a request is about, if the token reaches it; `asked` None: the only shop of the token.

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

    def require_reader(self) -> None:
        """Raises `Forbidden` for the role producer, which writes events and reads nothing."""
        if self.role == "producer":
            raise Forbidden("This needs the role admin or staff.")

    def require_writer(self) -> None:
        """Raises `Forbidden` for the role staff, which reads events and writes none."""
        if self.role == "staff":
            raise Forbidden("This needs the role producer or admin.")


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """The identity in verified claims.

    Raises:
        Unauthorized: a claim has another shape than contract.md says under "Who may do what".
    """
    user, role, expires = claims.get("sub"), claims.get("role"), claims.get("exp")
    if not _is_identifier(user):
        raise Unauthorized("The token's claim sub must be an identifier.")
    if not isinstance(role, str) or role not in _ROLES:
        raise Unauthorized("The token's claim role must be admin, staff or producer.")
    if not isinstance(expires, int | float) or isinstance(expires, bool) or expires > LATEST:
        raise Unauthorized(
            "The token's claim exp must be a number of seconds before the year 10000."
        )
    return Identity(str(user), _shops(claims), _ROLES[role], expires)


def _shops(claims: Mapping[str, Any]) -> tuple[str, ...]:
    named, one = claims.get("shops"), claims.get("shopId")
    if named is None and one is not None:
        named = [one]
    wrong = one is not None and not _is_identifier(one)
    if wrong or not isinstance(named, list) or not all(map(_is_identifier, named)):
        raise Unauthorized("The token must name its shops in the claim shops or shopId.")
    return tuple(dict.fromkeys(named))


def _is_identifier(value: object) -> bool:
    try:
        # half a surrogate pair is text to JSON, but no answer could be written with it
        values.identifier(value).encode()
    except (values.Invalid, UnicodeEncodeError):
        return False
    return True
