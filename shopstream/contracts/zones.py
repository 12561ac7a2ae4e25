"""Time zones: those of the IANA database, and fixed offsets from UTC in quarter hours. Pure.

A fixed offset has one name, such as `+05:30`, however a shop writes it, and is a `ZoneInfo` like any other.
"""

import re
import struct
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from zoneinfo import ZoneInfo, available_timezones

UTC = "UTC"
FIRST_OFFSET, LAST_OFFSET, OFFSET_STEP = -12 * 60, 14 * 60, 15
"""Minutes ahead of UTC. 15-minute windows serve no finer step; the views for BI look no farther."""
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(?:(\d\d?)(?::(\d\d))?|(\d\d)(\d\d))", re.ASCII)


def offset_name(text: str) -> str | None:
    """The one name of an offset as shops write it (`+05:30`, `+0530`, `UTC+5:30`, `GMT-3`, `Z`); `UTC` for none.

    `UTC+5` is ahead of UTC; `Etc/GMT+5` is a name of the IANA database, and behind UTC. None where it is no offset
    in quarter hours within the bounds.
    """
    if text == "Z":
        return UTC
    match = _OFFSET.fullmatch(text)
    if not match:
        return None
    sign, hours, minutes, plain_hours, plain_minutes = match.groups("0")
    hour, minute = int(hours) + int(plain_hours), int(minutes) + int(plain_minutes)
    name = f"{sign}{hour:02}:{minute:02}"
    return UTC if not hour + minute else name if name in fixed_files() else None


@cache
def timezones() -> frozenset[str]:
    """Every name of the IANA time zone database that is installed, and of every fixed offset but that of UTC.

    But for `localtime` and the like, which mean another zone on each host.
    """
    known = available_timezones() - {"localtime", "posixrules", "Factory"}
    return frozenset({*known, *fixed_files()})


@cache
def zone_of(name: str) -> ZoneInfo:
    """The zone of a name in `timezones`; its `key` is the name.

    Raises:
        ZoneInfoNotFoundError: there is none.
    """
    content = fixed_files().get(name)
    return ZoneInfo.from_file(BytesIO(content), key=name) if content else ZoneInfo(name)


@cache
def fixed_files() -> Mapping[str, bytes]:
    """By the name of a fixed offset: its zone as a file (TZif, RFC 8536)."""
    offsets = range(FIRST_OFFSET, LAST_OFFSET + 1, OFFSET_STEP)
    return {_name(minutes): _file(minutes) for minutes in offsets if minutes}


def _name(minutes: int) -> str:
    hour, minute = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hour:02}:{minute:02}"


def _file(minutes: int) -> bytes:
    name = _name(minutes)
    abbreviation = name.replace(":", "").encode()
    counts = struct.pack(">6l", 0, 0, 0, 0, 1, len(abbreviation) + 1)
    block = b"TZif2" + bytes(15) + counts + struct.pack(">lbb", minutes * 60, 0, 0) + abbreviation
    # POSIX counts what is added to local time
    ahead = name.translate(str.maketrans("+-", "-+")).encode()
    return (block + b"\0") * 2 + b"\n<" + abbreviation + b">" + ahead + b"\n"
