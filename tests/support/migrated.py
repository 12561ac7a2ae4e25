"""The data directory of an engine that has our schema: made once in a run of the tests, copied for each system.

Forty systems that each migrate an empty engine are half a minute of processor time.
"""

import fcntl
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clickhouse.migrations import migrate
from shopstream.settings import Settings
from support.engine import ClickHouseServer


def copy_migrated(path: Path) -> None:
    """To `path`, which does not exist; nothing where `path` is not in a temporary folder of pytest."""
    run = next((each for each in path.parents if each.parent.name.startswith("pytest-of-")), None)
    if run is None:
        return
    made = run / "migrated"
    with (run / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _make(run / "migrating")
            (run / "migrating" / "engine").rename(made)
    shutil.copytree(made, path, symlinks=True)


def _make(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    engine = ClickHouseServer(folder)
    engine.start()
    try:
        settings = Settings(clickhouse_url=engine.url())
        with ThreadPoolExecutor(1) as thread:  # an event loop may run in this one
            thread.submit(migrate, settings).result()
        assert engine.child.stop() == 0, engine.child.tail()
    finally:
        engine.child.kill()
