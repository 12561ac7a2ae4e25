"""A broker with our topics for all tests here; those that stop one share another."""

from collections.abc import Iterator

import pytest

from support.brokers import OwnBroker


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    with OwnBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker
