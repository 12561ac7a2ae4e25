"""One engine, one broker and one API for all tests here; a test that breaks one of them has its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from api_harness import (
    Child,
    Kafka,
    Ports,
    answering,
    api_child,
    broker_child,
    engine_child,
    engine_client,
    engine_url,
    eventually,
    kafka,
)

from shopstream.clickhouse.client import Address, Engine
from shopstream.clickhouse.migrations import migrate_engine
from support.processes import free_port


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="session")
def ports() -> Ports:
    return Ports(free_port(), free_port(), free_port())


@pytest.fixture(scope="session")
def engine_process(folder: Path, ports: Ports) -> Iterator[Child]:
    child = engine_child(folder, ports.engine)
    child.start()
    yield child
    child.stop()


@pytest.fixture(scope="session")
def broker_process(folder: Path, ports: Ports) -> Iterator[Child]:
    child = broker_child(folder, ports.broker)
    child.start()
    yield child
    child.stop()


@pytest.fixture(scope="session")
async def engine(engine_process: Child, ports: Ports) -> AsyncIterator[Engine]:
    async with engine_client(ports.engine) as engine:
        await answering(ports.engine)
        await migrate_engine(Address.parse(engine_url(ports.engine)))
        yield engine


@pytest.fixture(scope="session")
async def broker(broker_process: Child, ports: Ports) -> AsyncIterator[Kafka]:
    async with kafka(ports.broker) as found:
        yield found


@pytest.fixture(scope="session")
def api(engine: Engine, broker: Kafka, folder: Path, ports: Ports) -> Iterator[Child]:
    child = api_child(
        folder,
        ports.api,
        clickhouse_url=engine_url(ports.engine),
        kafka_bootstrap=f"127.0.0.1:{ports.broker}",
        cors_origins="http://dashboard.test",
        access_log="true",
    )
    child.start()
    yield child
    child.stop()


@pytest.fixture(scope="session")
async def http(api: Child, ports: Ports) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports.api}", timeout=10) as client:
        await eventually(lambda: client.get("/ready"), lambda answer: answer.status_code == 200, 40)
        yield client
