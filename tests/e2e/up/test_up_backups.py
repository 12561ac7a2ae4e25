"""The commands of docs/operations.md, Backups, as they stand there, on the running `up` with all that is in it."""

import os
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path

from support.orders import asked, produce, sales
from support.up import PATIENCE, Up, eventually, shopstream

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"


def block(up: Up, title: str, number: int) -> str:
    """A block of commands under a heading, for this data directory, this Python, this port of Kafka."""
    part = PAGE.read_text().partition(f"\n### {title}\n")[2].partition("\n### ")[0]
    text = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)[number]
    names = {
        # in this order: what stands for the second has the first in it
        ".venv/bin/python": shlex.quote(sys.executable),
        ".venv/bin/shopstream": f"{shlex.quote(sys.executable)} -m shopstream",
        "scripts/run\n": "",
        ".shopstream": shlex.quote(str(up.directory)),
        "9092": str(up.ports["--kafka-port"]),
        "shopstream-backup.tar.gz": shlex.quote(f"{up.directory}.tar.gz"),
    }
    for name, here in names.items():
        text = text.replace(name, here)
    return text


def run(text: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def whole(up: Up, place: str, orders: int) -> None:
    """Everything up to this place is in the reports, and every number is right."""
    eventually(lambda: asked(up, "saved", f"&includes={place}")[0] == 200)
    # which says nothing of the other partitions
    eventually(lambda: sales(up, "saved")["totalOrders"] >= orders)
    assert sales(up, "saved")["totalOrders"] == orders
    done = shopstream(up, "verify")
    assert done.returncode == 0, done.stdout + done.stderr


def test_backup_wipe_restore_verify(up: Up) -> None:
    online, offline = "ClickHouse alone, while `up` runs", "The whole of `shopstream up`"
    place = produce(up, "saved", [f"before-{number}" for number in range(300)])
    whole(up, place, 300)
    assert "BACKUP_CREATED" in run(block(up, online, 0))
    place = produce(up, "saved", [f"after-{number}" for number in range(200)])
    whole(up, place, 500)

    # the commands wait until `up` is gone, which for our child is once we have asked for its end
    ending = threading.Thread(target=up.process.wait)
    ending.start()
    assert "RESTORED" in run(block(up, online, 1))
    ending.join()
    run(block(up, online, 2))
    up.start()
    whole(up, place, 500)

    up.stop()
    run(block(up, offline, 0))
    run(block(up, offline, 1))
    up.start()
    whole(up, place, 500)
