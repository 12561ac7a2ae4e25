"""A system of its own for each test that breaks one; the folder `shared` has one for those that do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.scene import Scene
from support.system import System


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Scene]:
    """Not started yet: the test says how many of what."""
    with System(tmp_path) as system:
        yield Scene(system)
