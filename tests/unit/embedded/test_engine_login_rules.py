from base64 import b64encode

import pytest

from shopstream.clickhouse.embedded.errors import ServerError
from shopstream.clickhouse.embedded.logins import Login, LoginsError, authenticate, parse_logins

LOGINS = {"app": Login("app", "pass:word"), "default": Login("default", "d")}


def test_logins_are_read_from_json():
    text = '{"app": {"password": "a"}, "bi": {"password": "b", "readonly": true, "database": "x"}}'
    assert parse_logins(text) == {
        "app": Login("app", "a", False, "default"),
        "bi": Login("bi", "b", True, "x"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hush", "The logins are not valid JSON."),
        ("{}", "The logins must be a JSON object with at least one name."),
        ("[]", "The logins must be a JSON object with at least one name."),
        ('{"a": {}}', "Login 'a' needs a password that is not empty."),
        ('{"a": {"password": ""}}', "Login 'a' needs a password that is not empty."),
        ('{"a": {"password": 1}}', "Login 'a' needs a password that is not empty."),
        (
            '{"a": {"password": "hush", "readonly": 1}}',
            "Login 'a': readonly must be true or false.",
        ),
        ('{"a": {"password": "hush", "database": ""}}', "Login 'a': database must be a name."),
        (
            '{"a": {"password": "hush", "admin": true}}',
            "Login 'a' may have password, readonly and database only.",
        ),
    ],
)
def test_bad_logins_are_refused_without_repeating_a_password(text: str, said: str):
    with pytest.raises(LoginsError) as refused:
        parse_logins(text)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("headers", "params"),
    [
        ({b"x-clickhouse-user": b"app", b"x-clickhouse-key": b"pass:word"}, {}),
        ({b"authorization": b"Basic " + b64encode(b"app:pass:word")}, {}),
        ({b"authorization": b"basic " + b64encode(b"app:pass:word")}, {}),
        ({}, {"user": "app", "password": "pass:word"}),
    ],
)
def test_each_way_proves_a_login(headers: dict[bytes, bytes], params: dict[str, str]):
    assert authenticate(LOGINS, headers, params) == LOGINS["app"]


def test_without_a_name_it_is_default():
    assert authenticate(LOGINS, {b"x-clickhouse-key": b"d"}, {}) == LOGINS["default"]


@pytest.mark.parametrize(
    ("headers", "params"),
    [
        ({}, {}),
        ({}, {"user": "app", "password": "wrong"}),
        ({}, {"user": "nobody", "password": "pass:word"}),
        ({b"authorization": b"Bearer x"}, {}),
        ({b"authorization": b"Basic not base64"}, {}),
        ({b"authorization": b"Basic"}, {}),
        ({b"x-clickhouse-user": b"app"}, {"password": "pass:word"}),
    ],
)
def test_anything_else_is_refused(headers: dict[bytes, bytes], params: dict[str, str]):
    with pytest.raises(ServerError) as refused:
        authenticate(LOGINS, headers, params)
    assert refused.value.code == 516
