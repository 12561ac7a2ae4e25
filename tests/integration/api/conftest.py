"""One engine, one broker and one API for all tests here; a test that breaks one of them has its own."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from api_harness import HOOK_SECRETS, Addresses, Child, Kafka, api_child, eventually, kafka

from clickhouse.client import Address, ClickHouseClient
from clickhouse.migrations import migrate_engine
from support.brokers import Brokers
from support.engine import ClickHouseServer as Server
from support.migrated import copy_migrated
from support.processes import free_port


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="package")
def addresses(folder: Path) -> Iterator[Addresses]:
    """Of an engine and a broker that run, and of the API."""
    server, brokers = Server(folder), Brokers(folder)
    try:
        copy_migrated(server.path)
        server.start()
        brokers.start()
        yield Addresses(server.url(), brokers.bootstrap, free_port())
    finally:
        server.child.kill()
        brokers.end()


@pytest.fixture(scope="package")
async def engine(addresses: Addresses) -> AsyncIterator[ClickHouseClient]:
    address = Address.parse(addresses.clickhouse)
    await migrate_engine(address)
    async with ClickHouseClient(address) as engine:
        yield engine


@pytest.fixture(scope="package")
async def broker(addresses: Addresses) -> AsyncIterator[Kafka]:
    async with kafka(addresses.kafka) as found:
        yield found


@pytest.fixture(scope="package")
def api(
    engine: ClickHouseClient, broker: Kafka, folder: Path, addresses: Addresses
) -> Iterator[Child]:
    child = api_child(
        folder,
        addresses.port,
        clickhouse_url=addresses.clickhouse,
        kafka_bootstrap=addresses.kafka,
        cors_origins="http://dashboard.test",
        access_log="true",
        hook_secrets=json.dumps(HOOK_SECRETS),
    )
    child.start()
    yield child
    child.stop()


@pytest.fixture(scope="package")
async def http(api: Child, addresses: Addresses) -> AsyncIterator[httpx.AsyncClient]:
    base_url = f"http://127.0.0.1:{addresses.port}"
    async with httpx.AsyncClient(base_url=base_url, timeout=10) as client:
        await eventually(lambda: client.get("/ready"), lambda answer: answer.status_code == 200, 40)
        yield client
