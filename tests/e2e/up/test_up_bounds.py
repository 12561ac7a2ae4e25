"""What `up` does where the machine has little to give, and what it gives its processes."""

import os
import re
import resource
import stat
import subprocess
from pathlib import Path

import pytest

from support import waiting
from support.orders import produce, sales
from support.processes import free_port
from support.up import CHILDREN, FLAGS, LOW_MIB, PATIENCE, Up, command, environment, eventually, get


def test_it_does_not_start_with_too_few_files_and_says_how_many_it_needs(tmp_path: Path) -> None:
    line = command(tmp_path / "data", {flag: free_port() for flag in FLAGS})
    limited = ["bash", "-c", 'ulimit -n 1024; exec "$@"', "up", *line]
    done = subprocess.run(limited, env=environment(), capture_output=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "A process may have 1,024 files open here, and `up` needs 4,096:"
        " raise the limit (ulimit -Hn) and start it again.\n"
    )
    assert not (tmp_path / "data").exists()


def test_its_processes_may_open_as_many_files_as_the_hard_limit_allows(up: Up) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for name, pid in up.children().items():
        limits = Path(f"/proc/{pid}/limits").read_text()
        (found,) = re.findall(r"Max open files\s+(\d+)", limits)
        assert int(found) == min(hard, 1_048_576), name


def test_what_is_open_leaves_room_below_what_is_needed(up: Up) -> None:
    open_now = {n: len(list(Path(f"/proc/{p}/fd").iterdir())) for n, p in up.children().items()}
    print(open_now)
    assert max(open_now.values()) < 4096 / 4


def test_no_process_has_a_secret_in_its_environment_that_it_does_not_need(up: Up) -> None:
    needed = {"pipeline": {"CLICKHOUSE_URL"}, "api": {"CLICKHOUSE_URL", "JWT_SECRET"}}
    secrets = {"CLICKHOUSE_URL", "JWT_SECRET", "TICKET_SECRET", "BI_PASSWORD"}
    assert set(up.children()) == set(CHILDREN)
    for name, pid in up.children().items():
        given = {
            entry.partition("=")[0].removeprefix("SHOPSTREAM_")
            for entry in Path(f"/proc/{pid}/environ").read_text().split("\0")
        }
        assert given & secrets == needed.get(name, set()), name


def test_the_data_directory_is_closed_to_others(up: Up) -> None:
    assert stat.S_IMODE(up.directory.stat().st_mode) == 0o700


def fill(file: Path, left_mib: int) -> None:
    """Again where something else has taken some of the room meanwhile."""

    def filled() -> bool:
        found = os.statvfs(file.parent)
        size = found.f_bavail * found.f_frsize - left_mib * 1024 * 1024
        if size > 0:
            with file.open("wb") as out:
                os.posix_fallocate(out.fileno(), 0, size)
        return True

    waiting.eventually(filled, passing=(OSError,))


def test_a_disk_that_gets_full_is_told_before_and_after_and_nothing_is_lost(
    up: Up, small_disk: Path | None
) -> None:
    if small_disk is None:
        pytest.skip("a file system cannot be mounted here")
    filler, more = small_disk / "filler", small_disk / "more"
    place = produce(up, "disk-shop", ["o-1"])
    assert sales(up, "disk-shop", f"&includes={place}")["totalOrders"] == 1
    assert "[disk]" not in up.output.read_text()
    try:
        fill(filler, LOW_MIB - 20)
        _until_told_of_a_full_disk(up, more)
    finally:
        filler.unlink()
        more.unlink(missing_ok=True)
    eventually(lambda: "[disk] There is room on the disk again." in up.output.read_text())
    eventually(up.is_ready)
    place = produce(up, "disk-shop", ["o-2"])
    assert sales(up, "disk-shop", f"&includes={place}")["totalOrders"] == 2
    assert "Traceback" not in up.output.read_text()


def _until_told_of_a_full_disk(up: Up, more: Path) -> None:
    """Nearly full it is already; `more` takes the rest."""
    where = up.directory
    eventually(lambda: f"[disk] The disk of {where} is nearly full: " in up.output.read_text())
    assert "is nearly full" in get(up.told["api"] + "/ready")[1].decode()
    fill(more, 0)
    full = re.compile(rf"The disk of {re.escape(str(where))} is full: \d+ MiB are free\.")
    eventually(lambda: full.search(up.output.read_text()) is not None)
    for _ in range(5):
        _, body = get(up.told["api"] + "/ready")
        assert full.search(body.decode()), body
        assert sales(up, "disk-shop")["totalOrders"] == 1
    metrics = get(up.told["api"] + "/metrics")[1].decode()
    (free,) = re.findall(r"^shopstream_disk_free_bytes (\S+)$", metrics, re.MULTILINE)
    assert float(free) < 16 * 2**20
