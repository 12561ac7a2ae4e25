"""One system for the tests that break nothing."""

from collections.abc import Iterator

import pytest

from clickhouse.verify import verify
from support.scene import Scene
from support.system import System


@pytest.fixture(scope="package")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A test looks at shops of its own. In the end everything is compared as a whole."""
    folder = tmp_path_factory.mktemp("pipeline")
    with System(folder).start() as system:
        scene = Scene(system)
        yield scene
        system.settle()
        scene.compare()
        scene.check_letters()
        assert not verify(system.settings).differences
