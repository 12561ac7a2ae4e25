"""What is looked for in the bytes of records, because Arrow's JSON reader is more lenient than JSON."""

import ctypes
import re
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.decode import shape
from shopstream.contracts import values
from shopstream.contracts.json_text import MAX_BYTES, MAX_DEPTH, MAX_SIGNS, too_complex, too_deep

Mask = npt.NDArray[np.bool_]

_memmem: Any = getattr(ctypes.CDLL(None), "memmem", None)
if _memmem is not None:
    _memmem.restype = ctypes.c_void_p
    _memmem.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]


def contains(text: pa.Buffer, part: bytes) -> bool:
    """`part in text`, by the C library where it has it: four times as fast on some megabytes, and without a copy."""
    if _memmem is None:
        return part in text.to_pybytes()
    return _memmem(text.address, text.size, part, len(part)) is not None


def count(text: pa.Buffer, sign: bytes) -> int:
    """How often a byte is in it."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == sign[0]))


def written(column: pa.Array) -> pa.Buffer:
    """The bytes of all texts of a column, one behind the other."""
    _, offsets, content = column.buffers()
    at = np.frombuffer(offsets, np.int32)[[column.offset, column.offset + len(column)]].tolist()
    return (content or pa.py_buffer(b""))[at[0] : at[1]]


# Arrow reads them as numbers, also in fields that it then leaves out.
_NOT_NUMBERS = r"[:,\[]\s*-?(NaN|Inf)"
# Money and quantities as text must be digits, at most with a point; Arrow reads signs and exponents too. A key may
# hide behind escapes.
_SUSPICIOUS_DECIMAL = (
    r'"(%s)"\s*:\s*"(\.|"|[^"]*[^0-9."]|[^"]*\.")'
    r'|\\u00[0-7][0-9a-fA-F][^"]*"\s*:'
)


def whole(raw: pa.Array) -> Mask:
    """Which records of a binary array may be read as columns: UTF-8 from `{` to `}`, not too large, complex or deep."""
    offsets = np.frombuffer(raw.buffers()[1], np.int32)[raw.offset : raw.offset + len(raw) + 1]
    data = np.frombuffer(raw.buffers()[2] or b"", np.uint8)
    lengths = np.diff(offsets)
    at = np.flatnonzero((lengths >= 2) & (lengths <= MAX_BYTES))
    at = at[(data[offsets[at]] == 0x7B) & (data[offsets[at + 1] - 1] == 0x7D)]
    at = at[~_wrong_utf8(raw, at)]
    at = at[~_too_complex(raw, at, lengths)]
    at = at[~_too_deep(raw, at, data, offsets)]
    found = np.zeros(len(raw), np.bool_)
    found[at] = True
    return found


def _wrong_utf8(raw: pa.Array, at: npt.NDArray[np.intp]) -> Mask:
    try:
        raw.cast(pa.string())
    except pa.ArrowInvalid:
        return np.array([not _is_utf8(raw[i].as_py()) for i in at.tolist()], np.bool_)
    return np.zeros(len(at), np.bool_)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _too_complex(raw: pa.Array, at: npt.NDArray[np.intp], lengths: npt.NDArray[np.int32]) -> Mask:
    """Only a record with more bytes than that can have more signs."""
    found = np.zeros(len(at), np.bool_)
    for i in np.flatnonzero(lengths[at] > MAX_SIGNS).tolist():
        found[i] = too_complex(raw[int(at[i])].as_py())
    return found


def _too_deep(
    raw: pa.Array,
    at: npt.NDArray[np.intp],
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int32],
) -> Mask:
    """The depth is looked at where there are enough brackets; those of records between `at` only add."""
    deep = np.zeros(len(at), np.bool_)
    if len(at):
        brackets = (data | 0x20) == 0x7B
        counts = np.add.reduceat(brackets, offsets[at], dtype=np.int32)
        for i in np.flatnonzero(counts > MAX_DEPTH).tolist():
            deep[i] = too_deep(raw[int(at[i])].as_py())
    return deep


@cache
def suspicious(topic: str) -> str:
    """A pattern that is found in each record that Arrow would read other than JSON or the contract has it."""
    decimals = [column.leaf for column in shape.columns(topic) if _is_decimal(column.leaf.rule)]
    names = dict.fromkeys(leaf.name for leaf in decimals)
    if not names:
        return _NOT_NUMBERS
    return f"{_SUSPICIOUS_DECIMAL % '|'.join(map(re.escape, names))}|{_NOT_NUMBERS}"


def _is_decimal(rule: object) -> bool:
    return rule in (values.money, values.amount) or isinstance(rule, values.Quantity)
