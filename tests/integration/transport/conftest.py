"""Topic, group and sink directory of its own for each test, on the broker of the session."""

import itertools

import pytest
from transport_harness import Kafka, Workers

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def broker(brokers):
    return brokers.bootstrap


@pytest.fixture(scope="session")
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
