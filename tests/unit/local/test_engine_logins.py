"""The logins of the engine as text: nothing but hashes, and one sentence where they are not usable."""

import hashlib
import json

import pytest

from local.clickhouse.logins import Login, LoginsError, dump, login, parse

HASH = "a" * 64


def test_a_login_holds_the_hash_of_its_password() -> None:
    digest = hashlib.sha256(b"secret").hexdigest()
    assert login("secret") == Login(digest, reads=False, shop=None)
    assert login("secret", reads=True, shop="s-1") == Login(digest, reads=True, shop="s-1")
    assert "secret" not in dump({"app": login("secret")})


def test_what_is_dumped_is_parsed() -> None:
    logins = {
        "app": login("a"),
        "bi": login("b", reads=True),
        "bi_s-1": login("c", reads=True, shop="it's <2> & \\"),
    }
    assert parse(dump(logins)) == logins


@pytest.mark.parametrize(
    "text", ["", "hush", "[]", "1", "null", '{"a": 1}', '{"a": {}}', '{"a": {"password": "hush"}}']
)
def test_another_shape_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(LoginsError) as said:
        parse(text)
    sentence = "The logins must be a JSON object of objects with sha256, reads, shop."
    assert str(said.value) == sentence


def test_none_at_all_are_refused() -> None:
    with pytest.raises(LoginsError, match=r"^At least one login is needed\.$"):
        parse("{}")


@pytest.mark.parametrize(
    "name", ["default", "", "1st", "-a", "a b", "a.b", "a/b", "<a>", "a'b", "é", "a\n", "stop"]
)
def test_a_name_that_a_configuration_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(LoginsError, match="a name has letters"):
        parse(json.dumps({name: {"sha256": HASH}}))


@pytest.mark.parametrize("value", ["hush", HASH[1:], HASH.upper(), HASH + "\n", None, 1])
def test_what_is_no_hash_is_refused_without_repeating_it(value: object) -> None:
    with pytest.raises(LoginsError) as said:
        parse(json.dumps({"app": {"sha256": value}}))
    assert str(said.value) == "Login 'app': sha256 must be 64 hexadecimal digits."
