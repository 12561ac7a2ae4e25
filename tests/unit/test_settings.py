"""Settings are read once, checked as a whole, and every fault is told together."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shopstream.settings import Settings, SettingsError, load
from shopstream.variables import SETTINGS, unknown_variables


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for field in Settings.model_fields:
        monkeypatch.delenv(f"SHOPSTREAM_{field.upper()}", raising=False)
    monkeypatch.delenv("FRONTEND_URL", raising=False)


@pytest.fixture
def given(monkeypatch):
    def set_all(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name if name == "FRONTEND_URL" else f"SHOPSTREAM_{name}", value)
        return load()

    return set_all


def faults(given, **variables):
    with pytest.raises(SettingsError) as caught:
        given(**variables)
    return str(caught.value).splitlines()


def test_without_variables_everything_is_on_this_machine():
    settings = load()
    assert settings.kafka_bootstrap == "127.0.0.1:9092"
    assert settings.kafka_security_protocol == "PLAINTEXT"
    assert settings.clickhouse_url.get_secret_value() == "http://127.0.0.1:8123"
    assert (settings.host, settings.port, settings.metrics_port) == ("127.0.0.1", 3000, 0)
    assert (settings.kafka_partitions, settings.kafka_replication) == (12, 1)
    assert settings.data_dir == Path(".shopstream")
    assert settings.origins == ()
    assert (settings.jwt_secret, settings.jwks_url) == (None, None)


def test_variables_are_read_with_their_prefix(given):
    settings = given(
        KAFKA_BOOTSTRAP="a:1, b:2",
        CLICKHOUSE_URL="https://u:p@engine:8443",
        JWT_SECRET="x" * 32,
        PORT="0",
        DATA_DIR="/srv/data",
    )
    assert settings.kafka_bootstrap == "a:1, b:2"
    assert settings.clickhouse_url.get_secret_value() == "https://u:p@engine:8443"
    assert settings.jwt_secret.get_secret_value() == "x" * 32
    assert (settings.port, settings.data_dir) == (0, Path("/srv/data"))


def test_what_up_runs_on_is_kept_in_the_cache_of_the_user(given, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert load().cache_dir == Path("~/.cache/shopstream")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert load().cache_dir == Path("/var/cache/me/shopstream")
    assert given(CACHE_DIR="/srv/cache").cache_dir == Path("/srv/cache")


def test_the_java_of_up_is_that_of_a_package_unless_it_is_given(given):
    assert load().java is None
    assert given(JAVA="/usr/bin/java").java == Path("/usr/bin/java")


def test_origins_are_split_at_commas_without_a_slash_at_the_end(given):
    settings = given(CORS_ORIGINS="https://a.example/, http://localhost:5173,,")
    assert settings.origins == ("https://a.example", "http://localhost:5173")


def test_the_url_of_the_frontend_is_an_origin_too(given):
    assert given(FRONTEND_URL="https://shop.example/").origins == ("https://shop.example",)
    both = given(
        FRONTEND_URL="https://a.example", CORS_ORIGINS="https://b.example,https://a.example"
    )
    assert both.origins == ("https://b.example", "https://a.example")


def test_every_fault_is_told_together_by_the_name_of_its_variable(given):
    found = faults(
        given,
        KAFKA_BOOTSTRAP="nowhere",
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_SASL_USERNAME="me",
        KAFKA_PARTITIONS="0",
        CLICKHOUSE_URL="tcp://engine:9000",
        JWT_SECRET="short",
        PORT="70000",
    )
    assert found == [
        "SHOPSTREAM_KAFKA_BOOTSTRAP: 'nowhere' is not host:port",
        "SHOPSTREAM_KAFKA_SASL_PASSWORD: is needed with SASL_SSL",
        "SHOPSTREAM_KAFKA_PARTITIONS: Input should be greater than or equal to 1",
        "SHOPSTREAM_CLICKHOUSE_URL: must be http://… or https://…",
        "SHOPSTREAM_JWT_SECRET: must have at least 32 bytes (RFC 7518, section 3.2)",
        "SHOPSTREAM_PORT: Input should be less than or equal to 65535",
    ]


def test_a_login_is_needed_with_sasl(given):
    assert faults(given, KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT") == [
        "SHOPSTREAM_KAFKA_SASL_USERNAME: is needed with SASL_PLAINTEXT",
        "SHOPSTREAM_KAFKA_SASL_PASSWORD: is needed with SASL_PLAINTEXT",
    ]


def test_a_whole_login_is_taken(given):
    settings = given(
        KAFKA_SECURITY_PROTOCOL="SASL_SSL", KAFKA_SASL_USERNAME="u", KAFKA_SASL_PASSWORD="p"
    )
    assert settings.kafka_sasl_username == "u"
    assert settings.kafka_sasl_password.get_secret_value() == "p"


def test_an_unknown_protocol_is_told_once(given):
    assert faults(given, KAFKA_SECURITY_PROTOCOL="TLS") == [
        "SHOPSTREAM_KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT', 'SSL', "
        "'SASL_PLAINTEXT' or 'SASL_SSL'"
    ]


@pytest.mark.parametrize("value", ["a", "a:", ":1", "a:0", "a:65536", "a:x", "a:1,", "a:1,b"])
def test_every_address_of_kafka_is_host_and_port(given, value):
    (fault,) = faults(given, KAFKA_BOOTSTRAP=value)
    assert fault.startswith("SHOPSTREAM_KAFKA_BOOTSTRAP: ")
    assert fault.endswith("is not host:port")


@pytest.mark.parametrize("value", ["engine:8123", "http://", "tcp://a:1", "http://a:0"])
def test_the_engine_has_an_http_url(given, value):
    assert faults(given, CLICKHOUSE_URL=value) == [
        "SHOPSTREAM_CLICKHOUSE_URL: must be http://… or https://…"
    ]


@pytest.mark.parametrize("value", ["http://a:65536", "http://a:x", "http://[::1"])
def test_a_url_that_cannot_be_taken_apart_is_a_fault_and_no_crash(given, value):
    (fault,) = faults(given, CLICKHOUSE_URL=value)
    assert fault.startswith("SHOPSTREAM_CLICKHOUSE_URL: ")


def test_a_secret_is_counted_in_bytes(given):
    assert given(JWT_SECRET="é" * 16).jwt_secret is not None
    assert faults(given, JWT_SECRET="é" * 15 + "x") == [
        "SHOPSTREAM_JWT_SECRET: must have at least 32 bytes (RFC 7518, section 3.2)"
    ]


def test_no_secret_is_told_with_a_fault_nor_shown(given):
    (fault,) = faults(given, JWT_SECRET="hunter2")
    assert "hunter2" not in fault
    (fault,) = faults(given, JWT_SECRET="x" * 32, CLICKHOUSE_URL="tcp://u:hunter2@a:1")
    assert "hunter2" not in fault
    shown = repr(given(CLICKHOUSE_URL="http://u:hunter2@a:1", JWT_SECRET="hunter2" * 5))
    assert "hunter2" not in shown


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        load().port = 1


def test_an_empty_variable_is_one_that_is_not_set(given):
    settings = given(KAFKA_BOOTSTRAP="", CLICKHOUSE_URL="", JWT_SECRET="", PORT="")
    assert settings == load()
    assert (settings.kafka_bootstrap, settings.port) == ("127.0.0.1:9092", 3000)
    assert settings.jwt_secret is None
    assert faults(given, KAFKA_SECURITY_PROTOCOL="SASL_SSL", KAFKA_SASL_USERNAME="") == [
        "SHOPSTREAM_KAFKA_SASL_USERNAME: is needed with SASL_SSL",
        "SHOPSTREAM_KAFKA_SASL_PASSWORD: is needed with SASL_SSL",
    ]


def test_variables_of_others_are_ignored(given):
    assert given(NO_SUCH_SETTING="x").port == 3000


def test_the_names_that_are_known_without_loading_the_settings_are_those_of_the_settings():
    aliased = {name for name, about in Settings.model_fields.items() if about.validation_alias}
    assert {name.upper() for name in set(Settings.model_fields) - aliased} == SETTINGS


def test_an_unknown_variable_is_told_with_the_nearest_known_one():
    assert unknown_variables({"SHOPSTREAM_KAFKA_BOOTSTRAPS": "a:1", "PORT": "1"}) == [
        "SHOPSTREAM_KAFKA_BOOTSTRAPS is not a variable of shopstream and has no effect;"
        " did you mean SHOPSTREAM_KAFKA_BOOTSTRAP?"
    ]
    assert unknown_variables({"SHOPSTREAM_PORT": "1", "SHOPSTREAM_FULL": "1"}) == []


def test_the_address_of_the_keys_is_a_url(given):
    assert given(JWKS_URL="https://id.example/keys").jwks_url == "https://id.example/keys"
    for wrong in ("id.example/keys", "file:///etc/passwd", "https://", "https://id.example:0/keys"):
        assert faults(given, JWKS_URL=wrong) == [
            "SHOPSTREAM_JWKS_URL: must be http://… or https://…"
        ]


def test_a_short_secret_of_tickets_is_a_fault(given):
    (fault,) = faults(given, TICKET_SECRET="short")
    assert fault.startswith("SHOPSTREAM_TICKET_SECRET: must have at least 32 bytes")
    assert given(TICKET_SECRET="x" * 32).ticket_secret.get_secret_value() == "x" * 32


def test_limits_are_off_or_above_nothing(given):
    settings = given(RATE_LIMIT="0.5", REPORTS_AT_ONCE="20", ACCESS_LOG="true")
    assert (settings.rate_limit, settings.reports_at_once, settings.access_log) == (0.5, 20, True)
    assert len(faults(given, RATE_LIMIT="-1", REPORTS_AT_ONCE="0", ACCESS_LOG="maybe")) == 3
    assert len(faults(given, RATE_LIMIT="inf", REPORTS_AT_ONCE="1", ACCESS_LOG="0")) == 1
