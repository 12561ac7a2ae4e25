"""scripts/setup says what it does before it takes long, and nothing where nothing is to do."""

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PYTHON = """#!/bin/sh
[ "$2" = venv ] && mkdir -p .venv/bin && cp "$0" .venv/bin/python
echo "$@" >> calls
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with the script and a Python that only notes how it is called."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", tmp_path / "scripts")
    (tmp_path / "requirements-local.lock").write_text("a==1\\n    --hash=sha256:0\nb==2\n")
    (tmp_path / "pyproject.toml").touch()
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return tmp_path


def setup(tree: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHON": str(tree / "python"), **more}
    return subprocess.run([tree / "scripts" / "setup"], env=env, capture_output=True, text=True)


def test_what_is_installed_where_and_how_long_it_takes_is_said_before(tree: Path) -> None:
    done = setup(tree)
    assert done.returncode == 0, done.stderr
    first, last = done.stderr.splitlines()
    assert first == (
        f"Installing 2 packages of requirements-local.lock into {tree}/.venv: 1.1 GB on disk,"
        " about two to five minutes, once."
    )
    assert last.startswith("Installed in ")
    assert "--quiet" in (tree / "calls").read_text()


def test_nothing_is_said_or_done_where_the_lock_has_not_changed(tree: Path) -> None:
    setup(tree)
    before = (tree / "calls").read_text()
    done = setup(tree)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tree / "calls").read_text() == before


def test_on_a_terminal_pip_shows_its_progress(tree: Path) -> None:
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHON": str(tree / "python")}
    subprocess.run([tree / "scripts" / "setup"], env=env, stdout=theirs, stderr=theirs, check=True)
    os.close(theirs)
    os.close(ours)
    assert "--quiet" not in (tree / "calls").read_text()


def test_a_python_that_is_missing_is_one_sentence(tree: Path) -> None:
    done = setup(tree, PYTHON="no-such-python")
    assert done.returncode == 1
    assert done.stderr == ("no-such-python is missing: install Python 3.11, or set PYTHON to it.\n")


def test_an_environment_that_was_cut_off_as_it_was_made_is_made_again(tree: Path) -> None:
    """As where Debian's Python has no ensurepip: there is a Python, and no pip."""
    python = tree / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\n[ "$2" != pip ]\n')
    python.chmod(0o755)
    done = setup(tree)
    assert done.returncode == 0, done.stderr
    assert "-m venv" in (tree / "calls").read_text()
    assert "Installed in " in done.stderr


def test_in_a_copy_of_the_checkout_it_is_made_again(tree: Path, tmp_path: Path) -> None:
    setup(tree)
    made = f"command = /usr/bin/python3.11 -m venv {tree}/.venv\n"
    (tree / ".venv" / "pyvenv.cfg").write_text(made)
    assert setup(tree).stderr == ""
    copy = tmp_path / "a copy"
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns(copy.name, "calls"))
    assert "Installing 2 packages" in setup(copy, PYTHON=str(tree / "python")).stderr
    assert "-m venv --clear .venv" in (copy / "calls").read_text()


def test_an_environment_whose_python_is_gone_is_made_again(tree: Path) -> None:
    setup(tree)
    (tree / ".venv" / "bin" / "python").unlink()
    assert "Installing 2 packages" in setup(tree).stderr
