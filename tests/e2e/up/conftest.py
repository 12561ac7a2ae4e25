import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.up import DISK_MIB, Up


@pytest.fixture(scope="package")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """A file system of its own; None where none can be mounted."""
    folder = tmp_path_factory.mktemp("disk")
    options = ["-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], capture_output=True).returncode:
        yield None
        return
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory, small_disk: Path | None) -> Iterator[Up]:
    """A running one that the tests share, as a start costs ten seconds of a processor."""
    folder = tmp_path_factory.mktemp("up")
    running = Up((small_disk or folder) / "data", folder / "up.out")
    running.start()
    yield running
    running.discard()
