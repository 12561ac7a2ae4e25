"""Tokens signed with keys from elsewhere, and everything that must not pass for one."""

import time
from collections.abc import Sequence
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from jwt.utils import base64url_encode

from api import keys
from api.access import Access
from api.faults import KeysUnavailable, Unauthorized
from provider.signing import Pair, body, key_set, part, private, unsigned
from shopstream.settings import Settings

SECRET = "k" * 32
PAIRS = [Pair("RS256", "r"), Pair("ES256", "e"), Pair("EdDSA", "d")]


class Known:
    """Keys that are simply there."""

    def __init__(self, *pairs: Pair) -> None:
        self._keys = keys.read_keys(key_set(*pairs))
        self.asked: list[tuple[str, str | None]] = []

    def find(self, algorithm: str, kid: str | None) -> Sequence[keys.Key]:
        return keys.fitting(self._keys, algorithm, kid)

    async def prepare(self, algorithm: str, kid: str | None) -> None:
        self.asked.append((algorithm, kid))


def access(*pairs: Pair, **more: Any) -> Access:
    return Access(Settings(**more), Known(*(pairs or PAIRS)))


def refused(checks: Access, token: str) -> str:
    with pytest.raises(Unauthorized) as fault:
        checks.read(token)
    return str(fault.value)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_token_of_each_algorithm_is_valid(pair: Pair) -> None:
    assert access().read(pair.token(shopId="s2", shops=None)).shops == ("s2",)


def test_a_secret_and_keys_serve_together() -> None:
    both = access(jwt_secret=SECRET)
    assert both.read(jwt.encode(body(), SECRET, "HS256")).user == "u1"
    assert both.read(PAIRS[0].token()).user == "u1"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_without_a_secret_no_hs256_token_is_valid() -> None:
    for key in ("", "k", SECRET):
        assert refused(access(), jwt.encode(body(), key or "\0", "HS256"))
    head = {"alg": "HS256", "typ": "JWT"}
    assert refused(access(), unsigned(head))


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_public_key_is_never_taken_for_a_secret(pair: Pair, secret: str | None) -> None:
    checks = access(jwt_secret=secret)
    public = private(pair.algorithm).public_key()
    forms = [
        public.public_bytes(encoding, kind)
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
        for kind in (serialization.PublicFormat.SubjectPublicKeyInfo,)
    ]
    forms += [key_set(pair), str(pair.jwk()).encode(), str(pair.jwk().get("x", "")).encode()]
    for form in forms:
        for head in ({"alg": "HS256", "kid": pair.kid}, {"alg": pair.algorithm, "kid": pair.kid}):
            signing = f"{part(head)}.{part(body())}".encode()
            signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
                signing, form
            )
            token = (signing + b"." + base64url_encode(signature)).decode()
            assert refused(checks, token) == "The token is not valid."


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS256", "RS256", "ES256", "EdDSA"])
def test_a_token_without_a_signature_is_refused(alg: str) -> None:
    for head in ({"alg": alg}, {"alg": alg, "kid": "r"}, {"alg": alg, "kid": "e", "typ": "JWT"}):
        assert refused(access(jwt_secret=SECRET), unsigned(head)) == "The token is not valid."


@pytest.mark.parametrize(
    "head",
    [
        {"alg": ["RS256"]},
        {"alg": {"RS256": 1}},
        {"alg": None},
        {"alg": "RS256 "},
        {"kid": 7},
        {"kid": ["r"]},
        {"kid": "r\0"},
        {"kid": "../../../dev/null"},
        {"kid": "x" * 4000},
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"alg": "Ed25519"},
        {"alg": "RS512"},
        {"alg": "PS256"},
    ],
    ids=str,
)
def test_another_head_is_refused(head: dict[str, Any]) -> None:
    signing = f"{part({'alg': 'RS256', 'kid': 'r', **head})}.{part(body())}".encode()
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        signing, private("RS256")
    )
    token = (signing + b"." + base64url_encode(signature)).decode()
    assert refused(access(), token) == "The token is not valid."


@pytest.mark.parametrize("head", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_a_token_brings_along_is_not_used(head: str) -> None:
    mine = Pair("RS256", "r", number=9)
    values = {
        "jwk": mine.jwk(),
        "jku": "https://evil.test/k",
        "x5u": "https://evil.test/c",
        "x5c": ["AA"],
    }
    assert refused(access(), mine.token({head: values[head]})) == "The token is not valid."


@pytest.mark.parametrize("pair", PAIRS)
def test_another_signer_another_name_and_a_changed_token_are_refused(pair: Pair) -> None:
    checks, good = access(), pair.token()
    assert pair.kid
    head, claims, signature = good.split(".")
    other = [one.kid for one in PAIRS if one is not pair]
    for token in (
        Pair(pair.algorithm, pair.kid, number=5).token(),
        Pair(pair.algorithm, "unknown").token(),
        *(pair.token({"kid": kid}) for kid in other),
        f"{head}.{part(body(shops=['s2']))}.{signature}",
        f"{head}.{claims}.{signature[:-8]}",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        good + ".x",
    ):
        assert refused(checks, token) == "The token is not valid."


def test_each_key_of_a_doubled_name_is_tried() -> None:
    twins = Pair("RS256", "r"), Pair("RS256", "r", number=1)
    checks = access(*twins)
    assert [checks.read(twin.token()).user for twin in twins] == ["u1", "u1"]
    assert refused(checks, Pair("RS256", "r", number=2).token())


def test_a_token_that_names_no_key_is_valid_where_there_is_one() -> None:
    nameless = Pair("RS256", None)
    assert access().read(nameless.token()).user == "u1"
    assert refused(access(Pair("RS256"), Pair("RS256", "k2", 1)), nameless.token())


@pytest.mark.parametrize("pair", PAIRS)
def test_times_are_forgiven_for_thirty_seconds(pair: Pair) -> None:
    checks, now = access(), time.time()
    for claims in ({"exp": now - 25}, {"nbf": now + 25}, {"iat": now + 25}):
        assert checks.read(pair.token(**claims)).user == "u1"
    assert refused(checks, pair.token(exp=now - 35)) == "The token has expired."
    for claims in ({"nbf": now + 35}, {"iat": now + 35}, {"exp": None}, {"nbf": "soon"}):
        assert refused(checks, pair.token(**claims)) == "The token is not valid."


@pytest.mark.parametrize("pair", PAIRS)
def test_issuer_and_audience_are_checked_where_configured(pair: Pair) -> None:
    checks = access(jwt_issuer="https://id", jwt_audience="shopstream")
    assert checks.read(pair.token(iss="https://id", aud=["x", "shopstream"])).user == "u1"
    for claims in (
        {},
        {"iss": "https://id"},
        {"aud": "shopstream"},
        {"iss": "https://id", "aud": "shop"},
        {"iss": "https://id/", "aud": "shopstream"},
        {"iss": ["https://id"], "aud": "shopstream"},
        {"iss": "https://id", "aud": [["shopstream"]]},
        {"iss": "https://id", "aud": {"shopstream": 1}},
    ):
        assert refused(checks, pair.token(**claims)) == "The token is not valid."


async def test_only_a_key_that_could_come_is_waited_for() -> None:
    known = Known(*PAIRS)
    checks = Access(Settings(jwt_secret=SECRET), known)
    for token in ("", "x", "a.b.c", unsigned({"alg": "none"}), jwt.encode(body(), SECRET, "HS256")):
        await checks.prepare(token)
    await checks.prepare("x" * 10_000_000)
    assert known.asked == []
    await checks.prepare(Pair("ES256", "new").token())
    assert known.asked == [("ES256", "new")]


class Missing(Known):
    def find(self, algorithm: str, kid: str | None) -> Sequence[keys.Key]:
        raise KeysUnavailable("not there")


def test_while_keys_are_missing_only_tokens_that_need_them_wait() -> None:
    checks = Access(Settings(jwt_secret=SECRET), Missing(*PAIRS))
    assert checks.read(jwt.encode(body(), SECRET, "HS256")).user == "u1"
    assert refused(checks, unsigned({"alg": "none"})) == "The token is not valid."
    with pytest.raises(KeysUnavailable):
        checks.read(PAIRS[0].token())
