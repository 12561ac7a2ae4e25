"""Native for clients of `client_protocol_version` >= 54454; chDB writes revision 0 only.

Such a client reads 8 bytes of block info before each block, and after each column's type one byte:
0, no custom serialization. Source: ClickHouse `NativeReader.cpp`, `ProtocolDefines.h`.
"""

from typing import Final

from .formats import read_varint
from .native_types import column_end, prefix_length

REVISED: Final = 54454
"""DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION."""
BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"
"""Field 1 is_overflows = 0, field 2 bucket_num = -1, end."""
_NO_CUSTOM: Final = b"\x00"


def revise(data: bytes) -> bytes:
    """Whole blocks of revision 0 with what revision 54454 adds.

    Raises:
        ServerError: 48 for a column whose end cannot be found.
    """
    out: list[bytes] = []
    position = 0
    while position < len(data):
        position = _block(data, position, out)
    return b"".join(out)


def _block(data: bytes, start: int, out: list[bytes]) -> int:
    columns, position = read_varint(data, start)
    rows, position = read_varint(data, position)
    out += (BLOCK_INFO, data[start:position])
    for _ in range(columns):
        start = position
        _, position = _text(data, position)
        kind, position = _text(data, position)
        out += (data[start:position], _NO_CUSTOM)
        start = position
        if rows:
            position = column_end(data, start + prefix_length(kind), kind, rows)
        out.append(data[start:position])
    return position


def _text(data: bytes, position: int) -> tuple[str, int]:
    length, position = read_varint(data, position)
    return data[position : position + length].decode(errors="replace"), position + length
