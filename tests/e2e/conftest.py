from collections.abc import Iterator
from pathlib import Path

import pytest

from support.up import Up


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running one that the tests share."""
    running = Up(tmp_path_factory.mktemp("up") / "data")
    running.start()
    yield running
    running.discard()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Up]:
    """One that a test may end."""
    started = Up(tmp_path / "data")
    yield started
    started.discard()
