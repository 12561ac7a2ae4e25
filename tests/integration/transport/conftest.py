"""Topic, group and sink directory of its own for each test, on one broker."""

import itertools

import pytest
from transport_harness import Kafka, Workers

from support.brokers import Brokers

numbers = itertools.count(1)


@pytest.fixture(scope="package")
def broker(tmp_path_factory):
    brokers = Brokers(tmp_path_factory.mktemp("kafka"))
    try:
        brokers.start()
        yield brokers.bootstrap
    finally:
        brokers.end()


@pytest.fixture(scope="package")
async def kafka(broker):
    async with Kafka(broker) as kafka:
        yield kafka


@pytest.fixture
async def topic(kafka):
    name = f"transport-{next(numbers)}"
    await kafka.create(name, 4)
    return name


@pytest.fixture
def workers(broker, topic, tmp_path):
    workers = Workers(broker, tmp_path, topic)
    yield workers
    workers.end()
