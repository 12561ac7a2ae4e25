"""The last tests of the folder: in the end nothing runs."""

import sys
import threading

import pytest

from support.up import CHILDREN, STOPPED_WITHIN, Up, eventually, get, none_alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_a_directory_serves_start_after_start_and_no_end_leaves_a_process(up: Up) -> None:
    """The addresses are there before anything serves; the first end is by SIGTERM, the second by a kill."""
    children = list(up.children().values())
    assert len(children) == len(CHILDREN)
    secrets = (up.directory / "secrets.json").read_bytes()
    assert up.stop() < STOPPED_WITHIN
    assert none_alive(children)
    assert not (up.directory / "up.json").exists()
    port = up.ports["--port"]
    seen: list[bool] = []

    def watch() -> None:
        eventually(lambda: get(f"http://127.0.0.1:{port}/health")[0] == 200)
        seen.append((up.directory / "up.json").exists())

    watching = threading.Thread(target=watch)
    watching.start()
    up.start()
    watching.join()
    assert seen == [True]
    assert (up.directory / "secrets.json").read_bytes() == secrets
    children = list(up.children().values())
    assert len(children) == len(CHILDREN)
    up.process.kill()
    up.process.wait()
    eventually(lambda: none_alive(children))
