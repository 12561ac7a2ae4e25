"""One system for the tests that break nothing; one of its own for each that does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopstream.clickhouse.verify import verify
from support.scene import Scene
from support.system import System


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Shared: a test looks at shops of its own. In the end everything is compared as a whole."""
    folder = tmp_path_factory.mktemp("pipeline")
    with System(folder).start() as system:
        scene = Scene(system)
        yield scene
        system.settle()
        scene.compare()
        scene.check_letters()
        assert not verify(system.settings).differences


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Scene]:
    """Not started yet: the test says how many of what."""
    with System(tmp_path) as system:
        yield Scene(system)
