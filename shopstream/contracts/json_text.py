"""Bytes to a JSON document in which numbers keep their text, so that money never meets binary floating point."""

import json
import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

MAX_BYTES = 512 * 1024
MAX_DEPTH = 128
MAX_SIGNS = 20_000
"""20 for each of the 1,000 lines that an order may have; those of the contract need 15."""

# possessive, and a text may be left open: every byte is looked at once, whatever the bytes
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
STEPS = bytes({91: 1, 123: 1, 93: 255, 125: 255}.get(byte, 0) for byte in range(256))
"""From a byte to what it adds to the depth, as a signed byte."""
JSON_BLANKS = b" \t\r\n"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class NotJson(ValueError):
    """Not a JSON document (RFC 8259) in UTF-8; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as it was written."""

    text: str


def parse(value: bytes) -> Any:
    """A JSON document: dict, list, str, bool, None and `Number`; of repeated keys the last one stands.

    Raises:
        NotJson: also for NaN, Infinity, lone surrogates and more than `MAX_DEPTH` levels.
    """
    if not value.strip():
        raise NotJson("the record has no bytes")
    if too_deep(value):
        raise NotJson(f"the document is nested more than {MAX_DEPTH} levels deep")
    try:
        document = _DECODER.decode(value.decode())
        if _SURROGATE.search(value):
            _encode_all(document)
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 at byte {error.start}") from None
    except UnicodeEncodeError:
        raise NotJson("a text has half of a surrogate pair") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at character {error.pos}") from None
    return document


def too_complex(value: bytes) -> bool:
    """Whether there are more than `MAX_SIGNS` commas and brackets, in texts too: only counted, since it bounds what
    everything after it costs."""
    return len(value) > MAX_SIGNS and signs(value) > MAX_SIGNS


def signs(value: bytes) -> int:
    """Commas and brackets."""
    return len(value) - len(value.translate(None, b",[]{}"))


def too_deep(value: bytes) -> bool:
    """Whether arrays and objects are nested more than `MAX_DEPTH` levels before anything else is wrong."""
    if len(value) <= 2 * MAX_DEPTH or value.count(b"[") + value.count(b"{") <= MAX_DEPTH:
        return False
    try:
        return depth_by_column(value) > MAX_DEPTH
    except ImportError:  # a producer does without numpy
        return depth_by_text(value) > MAX_DEPTH


def depth_by_text(value: bytes) -> int:
    """How deep a document is nested."""
    steps = _TEXT.sub(b"", value).translate(STEPS, _NO_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b"), initial=0))


def depth_by_column(value: bytes) -> int:
    """The same in a fraction of the time, whatever the bytes, and while other threads go on."""
    import numpy as np  # a fifth of a second, which few commands need

    plain = value.replace(b"\\\\", b"").replace(b'\\"', b"")
    steps = np.frombuffer(plain.translate(STEPS), np.int8).copy()
    quotes = np.frombuffer(plain, np.uint8) == 0x22
    steps[(quotes.cumsum(dtype=np.uint8) & 1).view(np.bool_)] = 0
    return int(steps.cumsum(dtype=np.int32).max(initial=0))


def _no_constant(name: str) -> None:
    raise NotJson(f"{name} is not JSON")


# made once: `json.loads` would make one for each record
_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_no_constant)


def _encode_all(node: object) -> None:
    if isinstance(node, str):
        node.encode()
    elif isinstance(node, dict):
        for key, value in node.items():
            key.encode()
            _encode_all(value)
    elif isinstance(node, list):
        for value in node:
            _encode_all(value)
