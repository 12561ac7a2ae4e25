"""Which output formats are a header and rows, so that a result can be sent as it is produced.

chDB repeats the header of such a format in every chunk; `header_length` tells how much to drop.
"""

import re

_STREAMS = re.compile(
    r"Native|(?:TabSeparated|TSV|CSV)(?:Raw)?(?:WithNames(?:AndTypes)?)?|TSKV"
    r"|RowBinary(?:WithNames(?:AndTypes)?)?"
    r"|JSON(?:Compact)?(?:Strings)?EachRow(?:WithNames(?:AndTypes)?)?"
    r"|NDJSON|JSONLines|LineAsString",
    re.IGNORECASE,
)


def is_streamed(name: str) -> bool:
    """Whether blocks of this format can be joined, once repeated headers are dropped."""
    return _STREAMS.fullmatch(name) is not None


def header_length(name: str, chunk: bytes) -> int:
    """Bytes of the names (and types) at the start of a chunk; 0 for formats without.

    Raises:
        ValueError, IndexError: the chunk is not in that format.
    """
    lower = name.lower()
    if "withnames" not in lower:
        return 0
    lines = 2 if lower.endswith("types") else 1
    if lower.startswith("rowbinary"):
        return _binary_header(chunk, lines)
    position = 0
    for _ in range(lines):
        position = chunk.index(b"\n", position) + 1
        while lower.startswith("csv") and chunk.count(b'"', 0, position) % 2:
            position = chunk.index(b"\n", position) + 1
    return position


def _binary_header(chunk: bytes, lines: int) -> int:
    columns, position = read_varint(chunk, 0)
    for _ in range(columns * lines):
        length, position = read_varint(chunk, position)
        position += length
    return position


def read_varint(data: bytes | memoryview, position: int) -> tuple[int, int]:
    """An unsigned LEB128 number (ClickHouse `VarInt.h`) and the position after it."""
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, position
