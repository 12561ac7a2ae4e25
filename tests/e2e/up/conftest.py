from collections.abc import Iterator

import pytest

from support.up import Up


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running one that the tests share."""
    running = Up(tmp_path_factory.mktemp("up") / "data")
    running.start()
    yield running
    running.discard()
