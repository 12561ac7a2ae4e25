"""One broker of each kind a session; topic, group and sink directory of its own for each test."""

import itertools

import pytest
from transport_harness import Kafka, Workers, bootstrap_of

numbers = itertools.count(1)


@pytest.fixture(scope="session")
async def broker(broker_kind, request, new_brokers, tmp_path_factory):
    if broker_kind == "apache":
        yield request.getfixturevalue("apache").bootstrap
        return
    brokers = new_brokers(tmp_path_factory.mktemp("broker"))
    try:
        yield await bootstrap_of(brokers)
    finally:
        brokers.nodes[0].kill()


@pytest.fixture
async def own_broker(new_brokers, tmp_path):
    """For a test that stops it."""
    brokers = new_brokers(tmp_path / "broker")
    try:
        await bootstrap_of(brokers)
        yield brokers
    finally:
        brokers.nodes[0].kill()


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
