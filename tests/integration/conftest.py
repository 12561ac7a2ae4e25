"""Which Kafka a test runs on: those that ask for `broker_kind` run on the embedded broker and again on Apache Kafka.

One Apache broker serves the whole session; tests that break their broker have one of their own.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.apache import Apache
from support.brokers import Brokers, Embedded


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "broker_kind" in metafunc.fixturenames:
        alone = metafunc.definition.get_closest_marker("embedded_only")
        kinds = ["embedded"] if alone else ["embedded", "apache"]
        metafunc.parametrize("broker_kind", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def broker_kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="session")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apache]:
    """Started once; not to be stopped."""
    brokers = Apache(tmp_path_factory.mktemp("apache"))
    try:
        brokers.start()
        yield brokers
    finally:
        brokers.end()


@pytest.fixture(scope="session")
def new_brokers(broker_kind: str) -> Callable[[Path], Brokers]:
    """Makes brokers of this kind in a folder, not started."""
    return Apache if broker_kind == "apache" else Embedded
