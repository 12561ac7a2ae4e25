"""One system for the tests that break nothing; one of its own for each that does. Each on both brokers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.brokers import Brokers
from support.scene import Scene
from support.system import System


@pytest.fixture(scope="session")
def scene(
    broker_kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Scene]:
    """Shared: a test looks at shops of its own."""
    brokers = request.getfixturevalue("apache") if broker_kind == "apache" else None
    with System(tmp_path_factory.mktemp("pipeline"), brokers=brokers).start() as system:
        yield Scene(system)


@pytest.fixture
def own(new_brokers: Callable[[Path], Brokers], tmp_path: Path) -> Iterator[Scene]:
    """Not started yet: the test says how many of what."""
    with System(tmp_path, brokers=new_brokers(tmp_path)) as system:
        yield Scene(system)
