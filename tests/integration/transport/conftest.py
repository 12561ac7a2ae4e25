"""One broker a session; topic, group and sink directory of its own for each test."""

import itertools

import pytest
from transport_harness import Kafka, Workers, running_broker

numbers = itertools.count(1)


@pytest.fixture(scope="session")
async def broker():
    async with running_broker() as (bootstrap, _):
        yield bootstrap


@pytest.fixture(scope="session")
async def kafka(broker):
    async with Kafka(broker) as kafka:
        yield kafka


@pytest.fixture
async def topic(kafka):
    name = f"topic-{next(numbers)}"
    await kafka.create(name, 4)
    return name


@pytest.fixture
def workers(broker, topic, tmp_path):
    workers = Workers(broker, tmp_path, topic)
    yield workers
    workers.end()
