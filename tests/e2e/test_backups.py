"""The commands of docs/operations.md, Backups, as they stand there, on a system of the test's own."""

import os
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path

from support.orders import asked, produce, sales
from support.up import PATIENCE, Up, eventually, shopstream

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def block(own: Up, title: str, number: int) -> str:
    """A block of commands under a heading, for this data directory, this Python, this port of Kafka."""
    part = PAGE.read_text().partition(f"\n### {title}\n")[2].partition("\n### ")[0]
    text = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)[number]
    names = {
        # in this order: what stands for the second has the first in it
        ".venv/bin/python": shlex.quote(sys.executable),
        ".venv/bin/shopstream": f"{shlex.quote(sys.executable)} -m shopstream",
        "scripts/run\n": "",
        ".shopstream": shlex.quote(str(own.directory)),
        "9092": str(own.ports["--kafka-port"]),
        "shopstream-backup.tar.gz": shlex.quote(f"{own.directory}.tar.gz"),
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


def whole(own: Up, place: str, orders: int) -> None:
    """Everything up to this place is in the reports, and every number is right."""
    eventually(lambda: asked(own, "saved", f"&includes={place}")[0] == 200)
    # which says nothing of the other partitions
    eventually(lambda: sales(own, "saved")["totalOrders"] >= orders)
    assert sales(own, "saved")["totalOrders"] == orders
    done = shopstream(own, "verify")
    assert done.returncode == 0, done.stdout + done.stderr


def test_backup_wipe_restore_verify(own: Up) -> None:
    online, offline = "ClickHouse alone, while `up` runs", "The whole of `shopstream up`"
    own.start()
    place = produce(own, "saved", [f"before-{number}" for number in range(300)])
    whole(own, place, 300)
    assert "BACKUP_CREATED" in run(block(own, online, 0))
    place = produce(own, "saved", [f"after-{number}" for number in range(200)])
    whole(own, place, 500)

    # the commands wait until `up` is gone, which for our child is once we have asked for its end
    ending = threading.Thread(target=own.process.wait)
    ending.start()
    assert "RESTORED" in run(block(own, online, 1))
    ending.join()
    run(block(own, online, 2))
    own.start()
    whole(own, place, 500)

    own.stop()
    run(block(own, offline, 0))
    run(block(own, offline, 1))
    own.start()
    whole(own, place, 500)
