"""Secrets and signatures of webhooks."""

import json
from pathlib import Path

import pytest

from api.hooks.secrets import read_secrets
from api.hooks.signatures import HEADERS, WINDOW_SECONDS, is_signed
from shopstream.settings import SettingsError
from support.signing import sign

NOW = 1_795_168_800.0
BODY = b'{"id":1}'


def fits(
    platform: str, headers: dict[str, str], secrets: tuple[bytes, ...] | None, body: bytes = BODY
) -> bool:
    return is_signed(platform, headers, body, secrets, NOW)


@pytest.mark.parametrize("platform", HEADERS)
def test_a_signature_fits_its_bytes_and_a_secret_of_the_shop(platform: str) -> None:
    headers = sign(platform, "new", BODY, NOW)
    assert fits(platform, headers, (b"old", b"new"))
    assert fits(platform, headers, (b"new",))
    assert not fits(platform, headers, (b"old",))
    assert not fits(platform, headers, None)
    assert not fits(platform, headers, (b"new",), BODY + b" ")
    assert not fits(platform, {}, (b"new",))
    assert not fits("etsy", headers, (b"new",))


@pytest.mark.parametrize("platform", HEADERS)
@pytest.mark.parametrize("header", ["", "=", "ü", "t=,v1=", "t=9,t=9,v1=a", "v1=" + "a" * 64, ",,"])
def test_a_header_that_is_no_signature_fits_nothing(platform: str, header: str) -> None:
    assert not fits(platform, {HEADERS[platform]: header}, (b"new",))


def test_the_signatures_are_those_of_the_platforms_pages() -> None:
    """Made with `openssl dgst -sha256 -hmac`."""
    body = b'{"id":1}'
    text = "A971iWIMgT8Zj9A9eWfikrFj7wQ16/Qwcc4OlRl2PLc="
    assert sign("shopify", "secret", body, NOW)[HEADERS["shopify"]] == text


def test_the_time_of_stripe_may_be_off_by_five_minutes() -> None:
    for seconds, wanted in ((-300, True), (300, True), (-301, False), (301, False)):
        headers = sign("stripe", "s", BODY, NOW + seconds)
        assert fits("stripe", headers, (b"s",)) is wanted
    assert WINDOW_SECONDS == 300


def test_one_of_several_signatures_of_stripe_is_enough() -> None:
    at, mark = sign("stripe", "s", BODY, NOW)[HEADERS["stripe"]].split(",")
    assert fits("stripe", {HEADERS["stripe"]: f"{at},v1=00,{mark},v0=11"}, (b"s",))
    many = ",".join(["v1=00"] * 50)
    assert not fits("stripe", {HEADERS["stripe"]: f"{at},{many},{mark}"}, (b"s",))


def test_secrets_are_json_or_a_file(tmp_path: Path) -> None:
    text = json.dumps({"shopify": {"s": "a"}, "stripe": {"s": ["b", "c"], "t": "d"}})
    wanted = {("shopify", "s"): (b"a",), ("stripe", "s"): (b"b", b"c"), ("stripe", "t"): (b"d",)}
    assert read_secrets(text) == wanted
    file = tmp_path / "secrets.json"
    file.write_text(text)
    assert read_secrets(str(file)) == wanted
    assert read_secrets(None) == {}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('{"etsy": {}}', "'etsy' is not one of shopify, woocommerce, stripe"),
        ('{"shopify": "hush"}', "shopify must be an object of shops"),
        ('{"shopify": {"s": ""}}', "shopify.s must be a secret, or a list of the old and the new"),
        ('{"shopify": {"s": []}}', "shopify.s must be a secret, or a list of the old and the new"),
        (
            '{"shopify": {"s": ["hush", "hush", "hush"]}}',
            "shopify.s must be a secret, or a list of the old and the new",
        ),
        ('{"shopify": {"": "hush"}}', "a shop of shopify must be text of 1 to 128 characters"),
        ('{"shopify": {"s": "hush"', "is not JSON"),
        ("/nowhere/secrets", "the file cannot be read (No such file or directory)"),
    ],
)
def test_a_fault_in_the_secrets_is_told_without_them(text: str, rule: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_secrets(text)
    assert str(caught.value) == f"SHOPSTREAM_HOOK_SECRETS: {rule}"
    assert "hush" not in str(caught.value)
