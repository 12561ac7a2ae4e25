"""One system with a broker of its own, which these tests stop, kill and start again."""

from collections.abc import Iterator

import pytest
from kafka_ground import Ground

from support.scene import Scene
from support.system import System


@pytest.fixture(scope="package")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("kafka")
    with System(folder) as system:
        system.brokers.start()
        system.start_engine()
        said = system.run("migrate")
        system.until_ready(system.add_pipeline())
        yield Ground(Scene(system), said)


@pytest.fixture
def scene(ground: Ground) -> Scene:
    """Each test leaves it with one pipeline that runs, as it found it."""
    return ground.scene
