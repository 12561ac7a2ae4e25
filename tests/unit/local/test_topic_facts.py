from uuid import UUID

import pytest

from local.probes import free_port
from shopstream.broker import (
    BrokerUnreachable,
    TopicAdmin,
    TopicDifference,
    client_options,
    epoch_of,
)
from shopstream.settings import Settings, SettingsError


def test_the_epoch_is_the_crc32_of_the_id() -> None:
    assert epoch_of(UUID("00000000-0000-0000-0000-000000000000")) == 0xECBB4B55
    assert epoch_of(UUID("01a21032-8350-7691-8805-3caa4aaf321c")) == 0x20EB59FD


def test_a_plain_client_needs_only_the_addresses() -> None:
    settings = Settings(kafka_bootstrap="a:1, b:2")
    assert client_options(settings) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
    }


def test_a_login_goes_with_tls() -> None:
    settings = Settings(
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="u",
        kafka_sasl_password="p",
    )
    options = client_options(settings)
    assert options.pop("ssl_context").check_hostname
    assert options == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "u",
        "sasl_plain_password": "p",
    }


def test_a_certificate_that_is_not_there_is_a_fault_in_the_settings(tmp_path) -> None:
    settings = Settings(kafka_security_protocol="SSL", kafka_ssl_cafile=tmp_path / "none")
    with pytest.raises(SettingsError, match=r"^SHOPSTREAM_KAFKA_SSL_CAFILE: cannot be used"):
        client_options(settings)


def test_a_broker_that_is_away_is_named_at_once() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(BrokerUnreachable, match=f"Kafka does not answer at {address}") as caught:
        TopicAdmin(Settings(kafka_bootstrap=address)).topic_ids(["shop.orders"])
    assert caught.value.address == address


def test_a_difference_reads_as_a_sentence() -> None:
    assert str(TopicDifference("t", "partitions", "12", "4")) == "t: partitions is 4, not 12"
    assert (
        str(TopicDifference("t", "retention.ms", "9", None)) == "t: retention.ms is not set, not 9"
    )
