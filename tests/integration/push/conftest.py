"""One broker and one engine for the tests of this folder; API processes are a file's own."""

from collections.abc import Iterator

import pytest

from support.system import System


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("push")) as system:
        system.start_broker()
        system.start_engine()
        system.migrate()
        yield system


@pytest.fixture(scope="module")
def system(shared: System) -> Iterator[System]:
    """Without a pipeline, so that shops hear what a test writes and nothing else."""
    yield shared
    for child in (shared.api, *shared.apis.values()):
        child.kill()
    shared.apis.clear()
