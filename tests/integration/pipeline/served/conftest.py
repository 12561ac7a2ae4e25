"""One system with an API, for tests that leave it as it was and look at what their own shops are served."""

from collections.abc import Iterator

import pytest

from support.system import System


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("served")).start(api=True) as system:
        yield system
