"""What is published: the client of shops, and none of the servers' packages, whose names are everybody's."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


def test_the_wheel_has_one_package(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"shopstream"}


def test_a_command_of_the_servers_says_where_they_are(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    # the packages that are installed, but not the checkout
    code = (
        f"import sys; sys.path = [{str(tmp_path)!r}, *(p for p in sys.path if p != {str(ROOT)!r})];"
        "sys.argv[1:] = ['verify']; from shopstream.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.endswith(
        "is missing: this command runs from a checkout or in the image.\n"
    ), done.stderr
