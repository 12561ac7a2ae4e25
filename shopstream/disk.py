"""How full the disk of a directory is, and what to say of it."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

MIB = 1024 * 1024
FULL_BYTES = 16 * MIB
"""With less Kafka cannot begin a segment, and ClickHouse cannot merge."""
FULL_FILES = 100
WELL_AGAIN = 1.1
"""How much more than the threshold has to be free again, so that it is not reported over and over."""
LOOK_SECONDS = 2.0

Statvfs = Callable[[Path], os.statvfs_result]


class Disk:
    """That of `path`; `low`: bytes below which `shortage` warns before anything fails, 0 for never."""

    def __init__(self, path: Path, low: int, statvfs: Statvfs = os.statvfs) -> None:
        self._path = path
        self._low = low
        self._statvfs = statvfs
        self._reported = False

    def free(self) -> int | None:
        """Bytes that this process may still write; None where that cannot be found out."""
        found = self._look()
        return None if found is None else _free(found)

    def shortage(self) -> str | None:
        """A sentence once there is little left, or nothing."""
        found = self._look()
        if not self._low or found is None:
            return None
        free, where = _free(found), f"The disk of {self._path}"
        if free < min(FULL_BYTES, self._low):
            self._reported = True
            return f"{where} is full: {_mib(free)} are free."
        if found.f_files and found.f_favail < FULL_FILES:
            self._reported = True
            return f"{where} takes no more files: {found.f_favail:,} can be made."
        self._reported = free < self._low * (WELL_AGAIN if self._reported else 1)
        return f"{where} is nearly full: {_mib(free)} are free." if self._reported else None

    def _look(self) -> os.statvfs_result | None:
        try:
            return self._statvfs(self._path)
        except OSError:
            return None


async def watch(disk: Disk, say: Callable[[str], None]) -> None:
    """Reports for ever what becomes of it: once as it gets low, once as it is full, once as there is room again."""
    before: str | None = None
    while True:
        now = disk.shortage()
        if _kind(now) != _kind(before):
            say(now or "There is room on the disk again.")
        before = now
        await asyncio.sleep(LOOK_SECONDS)


def _kind(shortage: str | None) -> str | None:
    return None if shortage is None else shortage.partition(": ")[0]


def _free(found: os.statvfs_result) -> int:
    blocks = found.f_bavail if os.geteuid() else found.f_bfree
    return blocks * found.f_frsize


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f} MiB"
