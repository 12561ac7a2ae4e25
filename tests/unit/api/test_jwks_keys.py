import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from api.keys import MOST_KEYS, NoUsableKeys, fitting, read_keys
from provider.signing import Pair, key_set, private

ALL = [Pair("RS256"), Pair("ES256"), Pair("EdDSA")]


def only(jwk: dict[str, Any]) -> bytes:
    return json.dumps({"keys": [jwk]}).encode()


@pytest.mark.parametrize("pair", ALL)
def test_a_key_verifies_its_algorithm_and_no_other(pair: Pair) -> None:
    keys = read_keys(key_set(pair))
    for algorithm in ("RS256", "ES256", "EdDSA", "HS256", "none", "RS512", "PS256", "ES384"):
        assert bool(fitting(keys, algorithm, "k1")) == (algorithm == pair.algorithm)
    assert not fitting(keys, pair.algorithm, "k2")


@pytest.mark.parametrize("pair", ALL)
@pytest.mark.parametrize(
    "said",
    [
        {"use": "enc"},
        {"use": ["sig"]},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": "RS512"},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"kid": 7},
        {"kty": "oct"},
        {"kty": ["RSA"]},
        {"kty": None},
    ],
    ids=str,
)
def test_a_key_that_is_for_something_else_is_passed_over(pair: Pair, said: dict[str, Any]) -> None:
    wrong = Pair(pair.algorithm, said=said)
    with pytest.raises(NoUsableKeys, match="none of the keys"):
        read_keys(key_set(wrong))
    assert [key.kid for key in read_keys(key_set(wrong, Pair("ES256", "good")))] == ["good"]


@pytest.mark.parametrize("pair", ALL)
def test_what_a_key_does_not_say_is_no_fault(pair: Pair) -> None:
    bare = Pair(pair.algorithm, said={"alg": None, "use": None, "key_ops": None, "kid": None})
    (key,) = read_keys(key_set(bare))
    assert (key.kid, key.algorithm) == (None, pair.algorithm)


@pytest.mark.parametrize(
    "said",
    [
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"crv": "Ed448"},
        {"crv": None},
        {"x": "AA"},
        {"x": 5},
    ],
)
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_another_curve_or_a_point_beside_it_is_passed_over(
    algorithm: str, said: dict[str, Any]
) -> None:
    with pytest.raises(NoUsableKeys):
        read_keys(key_set(Pair(algorithm, said=said)))


def test_a_key_on_another_curve_is_passed_over() -> None:
    jwk = json.loads(ECAlgorithm.to_jwk(private("ES384").public_key()))
    for more in ({}, {"alg": "ES256"}, {"crv": "P-256"}):
        with pytest.raises(NoUsableKeys):
            read_keys(only({**jwk, **more}))


def test_a_short_or_a_huge_rsa_key_is_passed_over() -> None:
    jwk = json.loads(RSAAlgorithm.to_jwk(private("short").public_key()))
    with pytest.raises(NoUsableKeys):
        read_keys(only(jwk))
    huge = {"kty": "RSA", "e": "AQAB", "n": "_" * 2000 + "w"}
    with pytest.raises(NoUsableKeys):
        read_keys(only(huge))


def test_a_secret_in_a_set_is_never_a_key() -> None:
    with pytest.raises(NoUsableKeys):
        read_keys(only({"kty": "oct", "k": "c2VjcmV0" * 8, "alg": "HS256", "kid": "k1"}))


def test_of_a_private_key_only_the_public_part_is_read() -> None:
    jwk = json.loads(RSAAlgorithm.to_jwk(private("RS256")))
    (key,) = read_keys(only({**jwk, "kid": "k1", "key_ops": ["sign", "verify"]}))
    assert isinstance(key.public, rsa.RSAPublicKey)


def test_keys_of_one_name_all_fit_and_algorithms_tell_them_apart() -> None:
    keys = read_keys(key_set(Pair("RS256"), Pair("RS256", number=1), Pair("ES256")))
    assert len(fitting(keys, "RS256", "k1")) == 2
    assert len(fitting(keys, "ES256", "k1")) == 1


def test_a_token_without_a_name_of_its_key_fits_only_where_there_is_no_choice() -> None:
    one = read_keys(key_set(Pair("RS256"), Pair("ES256", "k2")))
    two = read_keys(key_set(Pair("RS256"), Pair("RS256", "k2", 1)))
    assert [key.kid for key in fitting(one, "RS256", None)] == ["k1"]
    assert fitting(two, "RS256", None) == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'{"keys": 7}',
        b'{"keys": {"a": 1}}',
        b'{"keys": []}',
        b'{"keys": [7, null, [], "x"]}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"<html>",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_set_of_keys_is_said(text: bytes) -> None:
    with pytest.raises(NoUsableKeys):
        read_keys(text)


def test_a_set_without_end_is_cut() -> None:
    pairs = [Pair("EdDSA", f"k{number}") for number in range(MOST_KEYS + 5)]
    assert len(read_keys(key_set(*pairs))) == MOST_KEYS
