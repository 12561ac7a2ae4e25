"""The table `zone_offsets`: time zones of this machine's tzdata, as far as orders may reach, and fixed offsets.

Read from the files that `zoneinfo` reads, so that the views and the reports agree on every date. Format of the
files: RFC 8536.
"""

import hashlib
import struct
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

import pyarrow as pa

from clickhouse.client import ClickHouseClient
from shopstream.contracts.zones import fixed_files

FIRST = int(datetime(1999, 1, 1, tzinfo=UTC).timestamp())
"""An order of the first day of 2000, in the zone that is farthest ahead, is of 1999 in UTC."""
END = int(datetime(2101, 1, 2, tzinfo=UTC).timestamp())
_STEP = 20 * 86400
"""Where a file ends in a rule of two changes a year, they are farther apart than this."""

Offset = tuple[int, int]
"""Since when (Unix seconds), and how many seconds ahead of UTC."""


async def refresh(engine: ClickHouseClient) -> bool:
    """Brings the table to the present tzdata; whether it was not."""
    names = sorted({*available_timezones(), *fixed_files()})
    digest = tzdata_digest(names)
    stored = await engine.rows("SELECT DISTINCT tzdata FROM zone_offsets")
    if [row["tzdata"] for row in stored] == [digest]:
        return False
    # the whole table at once: a view never sees half of it
    await engine.execute("DROP TABLE IF EXISTS zone_offsets_new SYNC")
    await engine.execute("CREATE TABLE zone_offsets_new AS zone_offsets")
    await engine.insert("zone_offsets_new", _table(names, digest))
    await engine.execute("ALTER TABLE zone_offsets REPLACE PARTITION tuple() FROM zone_offsets_new")
    await engine.execute("DROP TABLE zone_offsets_new SYNC")
    return True


def _table(names: list[str], digest: str) -> pa.Table:
    rows = [(name, *offset) for name in names for offset in offsets(zone_file(name))]
    zones, since, seconds = zip(*rows, strict=True)
    columns = {
        "zone": pa.array(zones, pa.string()),
        "since": pa.array(since, pa.timestamp("s", "UTC")),
        "seconds": pa.array(seconds, pa.int32()),
        "tzdata": pa.array([digest] * len(rows), pa.string()),
    }
    return pa.table(columns)


def tzdata_digest(names: list[str]) -> str:
    """Of all names and what their files say."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\0" + hashlib.sha256(zone_file(name)).digest())
    return digest.hexdigest()[:32]


def zone_file(name: str) -> bytes:
    """The file that `zones.zone_of(name)` reads."""
    if content := fixed_files().get(name):
        return content
    for folder in TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    return files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


@cache
def offsets(content: bytes) -> tuple[Offset, ...]:
    """What a zone's file says of the time from `FIRST` to `END`, in order; the first is at `FIRST`."""
    zone = ZoneInfo.from_file(BytesIO(content))
    found = [(FIRST, _ahead(zone, FIRST))]
    for before, after in pairwise(_looks(content)):
        if _ahead(zone, after) != found[-1][1]:
            change = _change(zone, before, after)
            found.append((change, _ahead(zone, change)))
    return tuple(found)


def _looks(content: bytes) -> list[int]:
    """Instants, at most one change between two of them."""
    known = [moment for moment in _listed(content) if FIRST < moment < END]
    ruled = range(known[-1] if known else FIRST, END, _STEP)
    has_rule = b"," in content[content.rstrip(b"\n").rfind(b"\n") :]
    return sorted({FIRST, *known, END, *(ruled if has_rule else ())})


def _listed(content: bytes) -> Iterator[int]:
    """The changes that a file lists one by one, in its second block: that of 64 bits."""
    types, characters, leaps = 6, 1, 8
    first = struct.unpack(">6l", content[20:44])
    size = first[3] * 5 + first[4] * types + first[5] * characters + first[2] * leaps
    begin = 44 + size + first[0] + first[1]
    count = struct.unpack(">6l", content[begin + 20 : begin + 44])[3]
    yield from struct.unpack(f">{count}q", content[begin + 44 : begin + 44 + 8 * count])


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The second from which on the offset is what it is at `after`."""
    old, instants = _ahead(zone, before), range(before, after + 1)
    return instants[bisect_left(instants, True, key=lambda at: _ahead(zone, at) != old)]


def _ahead(zone: ZoneInfo, moment: int) -> int:
    offset = datetime.fromtimestamp(moment, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
