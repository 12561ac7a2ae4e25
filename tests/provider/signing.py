"""Key pairs as an identity provider has them, and tokens signed with them."""

import base64
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

FAR = 4_000_000_000
_WRITERS: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


@cache
def private(kind: str, number: int = 0) -> Any:
    """A private key; the same for the same number."""
    if kind == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if kind.startswith("ES"):
        return ec.generate_private_key({"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}[kind])
    return rsa.generate_private_key(65537, 1024 if kind == "short" else 2048)


@dataclass(frozen=True)
class Pair:
    """A key pair of an algorithm; `said` replaces members of its public side, None leaves one out."""

    algorithm: str
    kid: str | None = "k1"
    number: int = 0
    said: dict[str, Any] = field(default_factory=dict)

    def jwk(self) -> dict[str, Any]:
        public = private(self.algorithm, self.number).public_key()
        told = json.loads(_WRITERS[self.algorithm].to_jwk(public))
        told |= {"alg": self.algorithm, "use": "sig", "kid": self.kid, **self.said}
        return {name: value for name, value in told.items() if value is not None}

    def token(self, head: dict[str, Any] | None = None, **claims: Any) -> str:
        named = {"kid": self.kid} if self.kid is not None else {}
        key = private(self.algorithm, self.number)
        content = json.dumps(body(**claims)).encode()
        return jwt.PyJWS().encode(content, key, self.algorithm, {**named, **(head or {})})


def body(**claims: Any) -> dict[str, Any]:
    """Claims of an admin of s1; None leaves one out."""
    base = {"sub": "u1", "shops": ["s1"], "role": "admin", "exp": FAR}
    return {name: value for name, value in {**base, **claims}.items() if value is not None}


def key_set(*pairs: Pair) -> bytes:
    return json.dumps({"keys": [pair.jwk() for pair in pairs]}).encode()


def part(value: dict[str, Any]) -> str:
    """A part of a token written by hand."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(head: dict[str, Any], **claims: Any) -> str:
    return f"{part(head)}.{part(body(**claims))}."
