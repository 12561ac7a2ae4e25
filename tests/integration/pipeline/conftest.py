"""One system for the tests that break nothing; one of its own for each that does. Each on both brokers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shopstream.clickhouse.verify import verify
from support.brokers import Brokers
from support.scene import Scene
from support.system import System


@pytest.fixture(scope="session")
def scene(
    new_brokers: Callable[[Path], Brokers], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Shared: a test looks at shops of its own. In the end everything is compared as a whole."""
    folder = tmp_path_factory.mktemp("pipeline")
    with System(folder, brokers=new_brokers(folder)).start() as system:
        scene = Scene(system)
        yield scene
        system.settle()
        scene.compare()
        scene.check_letters()
        assert not verify(system.settings).differences


@pytest.fixture
def own(new_brokers: Callable[[Path], Brokers], tmp_path: Path) -> Iterator[Scene]:
    """Not started yet: the test says how many of what."""
    with System(tmp_path, brokers=new_brokers(tmp_path)) as system:
        yield Scene(system)
