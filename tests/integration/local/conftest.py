"""A broker with our topics for all tests here."""

from collections.abc import Iterator

import pytest

from support.brokers import OwnBroker


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    """Not to be stopped."""
    with OwnBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker
