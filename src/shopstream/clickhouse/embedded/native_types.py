"""How many bytes a column of a type takes in the Native format of revision 0.

Source: ClickHouse `src/DataTypes/Serializations/`.
"""

import re
import struct
from functools import lru_cache
from typing import Final

from .errors import ServerError
from .formats import read_varint

FIXED: Final[dict[str, int]] = {
    "Bool": 1, "Enum8": 1, "Enum16": 2, "Date": 2, "Date32": 4, "DateTime": 4, "DateTime64": 8,
    "Time": 4, "Time64": 8, "UUID": 16, "IPv4": 4, "IPv6": 16, "Nothing": 1, "BFloat16": 2,
    "Float32": 4, "Float64": 8,
    **{f"{sign}Int{bits}": bits // 8 for sign in ("", "U") for bits in (8, 16, 32, 64, 128, 256)},
}  # fmt: skip
GEO: Final = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "Polygon": "Array(Ring)",
    "MultiLineString": "Array(LineString)",
    "MultiPolygon": "Array(Polygon)",
}
_WRAPPERS = ("Nullable", "Array", "Map", "Tuple", "Nested")
_PIECE = re.compile(r"'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|[(),]|[^'`(),]+", re.S)
_NAMED = re.compile(r"(?:`(?:\\.|[^`\\])*`|\w+) ((?!=).+)", re.S)
_U64 = struct.Struct("<Q")


@lru_cache(maxsize=4096)
def parse_type(text: str) -> tuple[str, tuple[str, ...]]:
    """`Array(Tuple(a UInt8, b String))` -> ("Array", ("Tuple(a UInt8, b String)",))."""
    if text in GEO:
        return parse_type(GEO[text])
    name, bracket, rest = text.partition("(")
    if not bracket:
        return text, ()
    arguments = _split(rest[:-1]) if rest != ")" else []
    if name in ("Tuple", "Nested"):
        arguments = [found[1] if (found := _NAMED.fullmatch(a)) else a for a in arguments]
    return name, tuple(arguments)


def prefix_length(text: str) -> int:
    """Bytes before the column's values: 8 for each LowCardinality inside."""
    name, arguments = parse_type(text)
    if name == "LowCardinality":
        return 8
    if name in _WRAPPERS:
        return sum(prefix_length(argument) for argument in arguments)
    return prefix_length(arguments[-1]) if name == "SimpleAggregateFunction" else 0


def column_end(data: bytes, start: int, text: str, rows: int) -> int:
    """The position after `rows` values of the type that begin at `start`, after the prefix.

    Raises:
        ServerError: 48 for a type whose length is not known here.
    """
    name, arguments = parse_type(text)
    if name == "String":
        return _strings_end(data, start, rows)
    if (width := _width(name, arguments)) is not None:
        return start + width * rows
    if name == "Nullable":
        return column_end(data, start + rows, arguments[0], rows)
    if name == "SimpleAggregateFunction":
        return column_end(data, start, arguments[-1], rows)
    if name in ("Array", "Map", "Nested"):
        return _arrays_end(data, start, arguments, rows)
    if name == "Tuple":
        return _all_end(data, start, arguments, rows) if arguments else start + rows
    if name == "LowCardinality":
        return _dictionary_end(data, start, arguments[0], rows)
    raise ServerError(
        48,
        "NOT_IMPLEMENTED",
        f"Type {text} over Native with client_protocol_version >= 54454 is not implemented",
    )


def _split(text: str) -> list[str]:
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]


def _width(name: str, arguments: tuple[str, ...]) -> int | None:
    if name in FIXED:
        return FIXED[name]
    if name == "FixedString":
        return int(arguments[0])
    if name == "Decimal":
        digits = int(arguments[0])
        return next(size for most, size in ((9, 4), (18, 8), (38, 16), (76, 32)) if digits <= most)
    return 8 if name.startswith("Interval") else None


def _strings_end(data: bytes, position: int, rows: int) -> int:
    for _ in range(rows):
        length = data[position]
        position += 1
        if length > 127:
            length, position = read_varint(data, position - 1)
        position += length
    return position


def _arrays_end(data: bytes, start: int, arguments: tuple[str, ...], rows: int) -> int:
    after = start + 8 * rows
    count = _U64.unpack_from(data, after - 8)[0] if rows else 0
    return _all_end(data, after, arguments, count)


def _all_end(data: bytes, position: int, arguments: tuple[str, ...], rows: int) -> int:
    for argument in arguments:
        position = column_end(data, position, argument, rows)
    return position


def _dictionary_end(data: bytes, start: int, inner: str, rows: int) -> int:
    if not rows:
        return start
    flags, keys = struct.unpack_from("<QQ", data, start)
    name, arguments = parse_type(inner)
    key_type = arguments[0] if name == "Nullable" else inner
    position = column_end(data, start + 16, key_type, keys)
    count: int = _U64.unpack_from(data, position)[0]
    index_width: int = 1 << (flags & 255)
    return position + 8 + count * index_width
