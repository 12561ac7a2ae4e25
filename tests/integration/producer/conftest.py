"""A broker for the whole module, and one for a test that stops it; each also as Apache Kafka."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.brokers import Brokers
from support.own_broker import OwnBroker

Make = Callable[[Path], Brokers]


@pytest.fixture(scope="session")
def broker(new_brokers: Make, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    with OwnBroker(new_brokers(tmp_path_factory.mktemp("broker"))) as broker:
        yield broker


@pytest.fixture
def own(new_brokers: Make, tmp_path: Path) -> Iterator[OwnBroker]:
    with OwnBroker(new_brokers(tmp_path / "broker")) as broker:
        yield broker
