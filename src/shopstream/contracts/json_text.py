"""Bytes to a JSON document in which numbers keep their text, so that money never meets binary floating point."""

import json
import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

try:
    import numpy
except ImportError:  # a producer does without
    np: Any = None
else:
    np = numpy

MAX_BYTES = 512 * 1024
MAX_DEPTH = 128

# possessive, and a text may be left open: every byte is looked at once, whatever the bytes
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[]{}", b"\x01\xff\x01\xff")
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


def too_deep(value: bytes) -> bool:
    """Whether arrays and objects are nested more than `MAX_DEPTH` levels, whatever else is wrong."""
    if len(value) <= 2 * MAX_DEPTH or value.count(b"[") + value.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _TEXT.sub(b"", value).translate(_STEPS, _NO_BRACKETS)
    return deepest(brackets) > MAX_DEPTH


def deepest(steps: bytes) -> int:
    """The greatest sum of the first steps (signed bytes); at least 0."""
    if np is None:
        return max(accumulate(memoryview(steps).cast("b"), initial=0))
    return int(np.frombuffer(steps, np.int8).cumsum(dtype=np.int32).max(initial=0))


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
