from collections.abc import Iterator
from pathlib import Path

import pytest

from support.up import Up


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Up]:
    """One that a test may end."""
    started = Up(tmp_path / "data")
    yield started
    started.discard()
