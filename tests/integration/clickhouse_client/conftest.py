"""One engine for all tests here; a test that stops it starts it again."""

from collections.abc import AsyncIterator, Iterator

import pytest

from clickhouse.client import Address, ClickHouseClient
from support.engine import ClickHouseServer as Server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("client"))
    try:
        server.start()
        yield server
    finally:
        server.child.kill()


@pytest.fixture(scope="package")
async def engine(server: Server) -> AsyncIterator[ClickHouseClient]:
    async with ClickHouseClient(Address.parse(server.url()), database="default") as engine:
        yield engine
