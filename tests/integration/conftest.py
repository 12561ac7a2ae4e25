"""The Kafka of tests that only need some broker: one node for the session of each test process."""

from collections.abc import Iterator

import pytest

from support.brokers import Brokers


@pytest.fixture(scope="session")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """Started once; not to be stopped. Its topics and groups are those of tests that name their own."""
    brokers = Brokers(tmp_path_factory.mktemp("kafka"))
    try:
        brokers.start()
        yield brokers
    finally:
        brokers.end()
