"""Public keys of token issuers (RFC 7517), each held to the one algorithm that it may verify."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
MOST_KEYS = 64
"""Keys of one set; those behind them are ignored."""
RSA_BITS = range(2048, 8193)
"""Below, RFC 7518 forbids it; above, a check would hold up everybody else."""


class NoUsableKeys(Exception):
    """A text is no set of keys, or has none that could verify a token; `str()` says which."""


@dataclass(frozen=True, slots=True)
class Key:
    """`kid` is its name in its set; None where it has none."""

    kid: str | None
    algorithm: str
    public: PublicKey


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a key of an algorithm looks like; only `members` are read, so a private part never is."""

    algorithm: str
    curve: str | None
    members: tuple[str, ...]
    read: Callable[[dict[str, Any]], Any]
    public: type[PublicKey]


_KINDS = {
    "RSA": _Kind("RS256", None, ("n", "e"), RSAAlgorithm.from_jwk, RSAPublicKey),
    "EC": _Kind("ES256", "P-256", ("crv", "x", "y"), ECAlgorithm.from_jwk, EllipticCurvePublicKey),
    "OKP": _Kind("EdDSA", "Ed25519", ("crv", "x"), OKPAlgorithm.from_jwk, Ed25519PublicKey),
}
ALGORITHMS = frozenset(kind.algorithm for kind in _KINDS.values())
_FAULTS = (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, AttributeError)


def read_keys(text: bytes) -> tuple[Key, ...]:
    """The usable keys of a set; others in it are passed over, as RFC 7517, section 5, asks.

    Raises:
        NoUsableKeys: there is none.
    """
    try:
        listed = json.loads(text)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise NoUsableKeys("the answer is no set of keys") from None
    if not isinstance(listed, list):
        raise NoUsableKeys("the answer is no set of keys")
    found = tuple(key for one in listed[:MOST_KEYS] if (key := _read(one)))
    if not found:
        raise NoUsableKeys("none of the keys is for RS256, ES256 or EdDSA")
    return found


def fitting(keys: Sequence[Key], algorithm: str, kid: str | None) -> list[Key]:
    """The keys that may have signed a token with this head.

    A token that names no key is checked only where just one key has its algorithm.
    """
    able = [key for key in keys if key.algorithm == algorithm]
    if kid is None:
        return able if len(able) == 1 else []
    return [key for key in able if key.kid == kid]


def _read(jwk: object) -> Key | None:
    kind = _kind(jwk) if isinstance(jwk, dict) else None
    if kind is None:
        return None
    assert isinstance(jwk, dict)
    try:
        public = kind.read({name: jwk[name] for name in ("kty", *kind.members)})
    except _FAULTS:
        return None
    if not isinstance(public, kind.public):
        return None
    if isinstance(public, RSAPublicKey) and public.key_size not in RSA_BITS:
        return None
    return Key(jwk.get("kid"), kind.algorithm, public)


def _kind(jwk: Mapping[str, Any]) -> _Kind | None:
    """The kind of a key that says nothing against verifying tokens."""
    name = jwk.get("kty")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(jwk.get("kid"), str | None):
        return None
    operations = jwk.get("key_ops", ["verify"])
    fits = (
        jwk.get("alg", kind.algorithm) == kind.algorithm
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and (kind.curve is None or jwk.get("crv") == kind.curve)
    )
    return kind if fits else None
