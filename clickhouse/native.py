"""Answers in ClickHouse's Native format as columns, https://clickhouse.com/docs/interfaces/formats/Native. Pure."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any] | list[str]
INT128 = np.dtype([("low", "<u8"), ("high", "<i8")])
"""An Int128, or a Decimal(38, …) as whole units of its last digit: unsigned 64 bits below, signed above."""


def read_columns(content: bytes, dtypes: Sequence[npt.DTypeLike | None]) -> list[Column]:
    """The columns of an answer, each with its numpy type, or texts where that is None. The types of the statement have
    to be plain ones of as many bytes: no LowCardinality, no Nullable.

    Raises:
        ValueError: the answer is torn.
    """
    blocks: list[list[Column]] = []
    at = 0
    try:
        while at < len(content):
            block, at = _block(content, at, dtypes)
            blocks.append(block)
    except IndexError:
        raise ValueError("the answer ends within a block") from None
    return [
        [text for block in blocks for text in block[number]]
        if dtype is None
        else np.concatenate([np.zeros(0, dtype), *(block[number] for block in blocks)])
        for number, dtype in enumerate(dtypes)
    ]


def _block(
    content: bytes, at: int, dtypes: Sequence[npt.DTypeLike | None]
) -> tuple[list[Column], int]:
    """A block, and where the next one begins."""
    width, at = _number(content, at)
    if width != len(dtypes):
        raise ValueError(f"the answer has {width} columns, not {len(dtypes)}")
    rows, at = _number(content, at)
    found: list[Column] = []
    for dtype in dtypes:
        for _ in ("name", "type"):
            size, at = _number(content, at)
            at += size
        if dtype is None:
            texts, at = _texts(content, at, rows)
            found.append(texts)
        else:
            found.append(np.frombuffer(content, dtype, rows, at) if rows else np.zeros(0, dtype))
            at += found[-1].nbytes  # type: ignore[union-attr]
    return found, at


def _texts(content: bytes, at: int, rows: int) -> tuple[list[str], int]:
    if content[at : at + rows] == bytes(rows):  # all are empty, such as products of a year of sales
        return [""] * rows, at + rows
    found = []
    for _ in range(rows):
        size = content[at]
        if size < 128:
            at += 1
        else:
            size, at = _number(content, at)
        end = at + size
        found.append(content[at:end].decode())
        at = end
    if at > len(content):
        raise IndexError
    return found, at


def _number(content: bytes, at: int) -> tuple[int, int]:
    """A number of variable length (LEB128), and where it ends."""
    number = shift = 0
    while True:
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
