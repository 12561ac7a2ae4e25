"""What is said of a disk, by numbers that a test gives."""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from shopstream.disk import MIB, Disk, watch

PATH = Path("/srv/data")


@dataclass
class Filled:
    mib: float
    f_files: int = 1_000_000
    f_favail: int = 900_000
    f_frsize: int = 4096

    @property
    def f_bavail(self) -> int:
        return int(self.mib * MIB) // self.f_frsize

    f_bfree = f_bavail


def disk(filled: Filled, low: int = 1024 * MIB) -> Disk:
    return Disk(PATH, low, lambda _: filled)


def test_with_room_nothing_is_said() -> None:
    assert disk(Filled(1024)).shortage() is None
    assert disk(Filled(1024)).free() == 1024 * MIB


def test_it_is_said_before_anything_fails_and_once_it_does() -> None:
    low = "The disk of /srv/data is nearly full: 1,023 MiB are free."
    assert disk(Filled(1023)).shortage() == low
    assert disk(Filled(15)).shortage() == "The disk of /srv/data is full: 15 MiB are free."
    assert disk(Filled(0)).shortage() == "The disk of /srv/data is full: 0 MiB are free."


def test_a_disk_that_takes_no_more_files_is_full_too() -> None:
    said = "The disk of /srv/data takes no more files: 7 can be made."
    assert disk(Filled(5000, f_favail=7)).shortage() == said
    assert disk(Filled(5000, f_files=0, f_favail=0)).shortage() is None


def test_nobody_is_told_over_and_over_at_the_threshold() -> None:
    filled = Filled(1023)
    there = disk(filled)
    assert there.shortage() is not None
    filled.mib = 1025
    assert there.shortage() is not None
    filled.mib = 1127
    assert there.shortage() is None
    filled.mib = 1025
    assert there.shortage() is None


def test_the_threshold_0_switches_it_off() -> None:
    assert disk(Filled(0), low=0).shortage() is None


def test_a_disk_that_cannot_be_asked_says_nothing() -> None:
    there = Disk(PATH / "nowhere", MIB)
    assert there.shortage() is None
    assert there.free() is None


async def test_each_change_is_said_once(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    filled = Filled(5000)
    seen: list[str] = []
    turns = iter([5000, 900, 800, 3, 2, 900, 5000, 5000])

    async def sleep(_: float) -> None:
        try:
            filled.mib = next(turns)
        except StopIteration:
            raise asyncio.CancelledError from None

    monkeypatch.setattr("shopstream.disk.asyncio.sleep", sleep)
    with contextlib.suppress(asyncio.CancelledError):
        await watch(disk(filled), seen.append)
    assert seen == [
        "The disk of /srv/data is nearly full: 900 MiB are free.",
        "The disk of /srv/data is full: 3 MiB are free.",
        "The disk of /srv/data is nearly full: 900 MiB are free.",
        "There is room on the disk again.",
    ]
