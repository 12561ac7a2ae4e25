"""Records that are valid, nearly valid and not at all, drawn by a seed.

`SHOPSTREAM_FUZZ_EXAMPLES` sets how many examples a property gets (2,000, always the same, without it).
"""

import os
import random
from typing import Any

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("SHOPSTREAM_FUZZ_EXAMPLES", "2000"))


def fuzz(share: int = 1) -> settings:
    """A profile with the share's part of the examples."""
    return settings(
        max_examples=max(EXAMPLES // share, 1),
        deadline=None,
        database=None,
        derandomize="SHOPSTREAM_FUZZ_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )


class Written(str):
    """JSON text that goes into a document as it is."""


Pairs = list[tuple[str, Any]]
words = str.split

NUMBERS = [
    *words(
        "0 -0 1 2 7 -1 3.0 1.5 0.1 1e2 1E+2 1e-2 12e-1 0.00001 1.00000 0.30 1.2345 1.23456 -0.0"
    ),
    *words("999999999999.9999 1000000000000 1e12 1e11 99999999999.9999 100000000000 1e400 1e-400"),
    *words("2147483647 2147483648 4294967295 4294967296 9223372036854775807 9223372036854775808"),
    *words(
        "-9223372036854775809 99999999999999 99999999999999.9999 123456789012345678901234567890"
    ),
    *words(
        "0e99999999999999999999 1e-99999999999999999999 0.0000000000000000000000000000000000001"
    ),
    *words("-1 -5 -0.0001 -0.5 -1e2 1000000000000.0001 5000000000000 12345678901234.5678"),
    "1." + "0" * 40,
    "0" + "." + "0" * 40,
]
NOT_JSON = [
    *words(
        "NaN Infinity -Infinity Inf -Inf -NaN nan 01 -01 1. .5 +1 - 1e 0x1 True None nul 'a' {,} [1,]"
    ),
    '"\t"',
    '"\n"',
    '"\\x"',
    '"\\u12"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud83dx"',
    '"',
    '"\\"',
    "",
    "1 2",
    "1,",
    "//",
    "/**/1",
    "\x00",
    "\x0b1",
]
TIMES = [
    "2026-11-22T10:15:30Z",
    "2026-11-22t10:15:30z",
    "2026-11-22T10:15:30.123456789Z",
    "2026-11-22T10:15:30.1234567891Z",
    "2026-11-22T10:15:30.1+05:45",
    "2026-11-22T23:59:59.999999999-23:59",
    "2026-11-22T10:15:30-00:00",
    "2026-11-22T10:15:30+24:00",
    "2026-11-22 10:15:30Z",
    "2026-11-22T10:15:30",
    "2026-11-22T10:15:60Z",
    "2026-02-30T10:15:30Z",
    "2024-02-29T10:15:30Z",
    "2025-02-29T10:15:30Z",
    "2026-11-22T24:00:00Z",
    "1999-12-31T23:59:59Z",
    "1999-12-31T23:59:59-00:01",
    "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00+00:01",
    "2100-12-31T23:59:59.999999999Z",
    "2101-01-01T00:00:00Z",
    "2600-01-01T00:00:00Z",
    "1677-09-21T00:12:43Z",
    "2262-04-11T23:47:17Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
]
TEXTS = [
    *words("0 1 1.5 1. .5 . 1e2 1E2 +1 -1 -0 007 1.00000 1.23456 NaN Infinity 1.2.3 1_0 0x1"),
    *words("999999999999.9999 1000000000000 123456789012345678901234567890 EUR eur XXX paid lost"),
    *words("order:created order:updated order:gone payment:received 1.0 p-1 😀 é"),
    "",
    " ",
    " 1",
    "1 ",
    "1\n",
    "0" * 60 + "1",
    "1." + "0" * 60,
    "a" * 128,
    "a" * 129,
    "é" * 64,
    "é" * 128,
    "é" * 129,
    "\0",
    "a\x1f",
    "a\x7f",
    "a\x80",
    "a\x9f",
    "\xa0",
    "\ufeff",
    "\u2028",
    "\uffff",
    '"}\n{"',
    "total",
    '"total":"1e2"',
    ",NaN",
    ":Inf",
]
SPLICES = [b"}", b"{", b"]", b"[", b'"', b",", b":", b"\\", b"\n", b"\r\n", b"\0", b"\xff", b"\xc2"]
SPLICES += [b"\xef\xbb\xbf", b"\xed\xa0\x80", b"{}", b"}{", b"}\n{", b',"x":NaN', b"NaN", b"null"]
SPLICES += [b"\\u0000", b"\\ud800", b" ", b"\t", b"\x0b", b"\x0c", b"\xc2\x85", b"/**/", b"0", b"-"]
KEYS = ["id", "data", "items", "total", "unitPrice", "x", "", "to\0tal", "shopid", "quantity"]


def any_value(dice: random.Random, hard: bool, depth: int = 0) -> Any:
    """Any JSON value, and what only looks like one where `hard`."""
    kind = dice.randrange(10)
    if kind < 3:
        return Written(dice.choice(NUMBERS))
    if kind < 5:
        return dice.choice(TEXTS)
    if kind == 5:
        return dice.choice(TIMES)
    if kind == 6:
        return dice.choice([None, True, False])
    if kind == 7 and hard:
        return Written(dice.choice(NOT_JSON))
    if depth > 2:
        return None
    if kind == 8:
        return [any_value(dice, hard, depth + 1) for _ in range(dice.randrange(3))]
    return [
        (dice.choice(KEYS), any_value(dice, hard, depth + 1)) for _ in range(dice.randrange(1, 3))
    ]


def _maybe(dice: random.Random, name: str, *values: Any) -> Pairs:
    return [(name, dice.choice(values))] if dice.randrange(2) else []


def _item(dice: random.Random) -> Pairs:
    quantity = dice.choice([1, 1, 2, 2, 3, 3, 5, 8, 500, 2**31 - 1])
    price = Written(dice.choice(["0", "9.5", "1e2", "0.0001", "3", "12.50000", "25E-1"]))
    return [
        ("productId", dice.choice(["p-1", "p-2", "π", "p" * 128])),
        ("quantity", quantity),
        ("unitPrice", dice.choice([price, "9.50", "0", "100"])),
        *_maybe(dice, "name", None, "Tea", "Té", "", "a\nb\0", "{}", "NaN"),
        *_maybe(dice, "refundedQuantity", None, 0, Written("-0"), 1, quantity),
    ]


def valid(dice: random.Random) -> Pairs:
    """A valid order event as pairs, so that a key may be repeated."""
    moment = dice.choice(TIMES[:1] + TIMES[2:3] + TIMES[4:7])
    data: Pairs = [
        ("orderId", f"o-{dice.randrange(9)}"),
        ("status", dice.choice(["paid", "shipped", "cancelled"])),
        ("currency", dice.choice(["EUR", "USD"])),
        ("createdAt", moment),
        ("updatedAt", dice.choice(TIMES[:1] + TIMES[2:3])),
        ("items", [_item(dice) for _ in range(dice.choice([1, 1, 2, 3]))]),
        *_maybe(dice, "revision", None, 0, 7, 2**32 - 1),
        *_maybe(dice, "customerId", None, "c-1"),
        *_maybe(dice, "total", None, "12.34", Written("12.34"), Written("1e2"), Written("0")),
        *_maybe(dice, "refundedTotal", None, "0", Written("0.0001"), Written("999999999999.9999")),
        *_maybe(dice, "extra", None, [], "x", Written("1e5"), [("total", "1e2")]),
    ]
    top: Pairs = [
        ("specversion", "1.0"),
        ("id", f"e-{dice.randrange(10**6)}"),
        ("source", "/checkout"),
        ("type", dice.choice(["order:created", "order:updated"])),
        *_maybe(dice, "time", None, TIMES[0], TIMES[2]),
        ("shopid", dice.choice(["s-1", "š"])),
        *_maybe(dice, "userid", None, "u-1"),
        *_maybe(dice, "extension", Written("1.5"), True, [None], "NaN"),
        ("data", data),
    ]
    if not dice.randrange(4):
        dice.shuffle(top)
        dice.shuffle(data)
    return top


def is_object(node: Any) -> bool:
    return isinstance(node, list) and bool(node) and isinstance(node[0], tuple)


def _objects(node: Any) -> list[Pairs]:
    if is_object(node):
        return [node, *(found for _, value in node for found in _objects(value))]
    if isinstance(node, list):
        return [found for value in node for found in _objects(value)]
    return []


def _near(dice: random.Random, name: str, value: Any) -> Any:
    """A value of the kind that the member has, at the limits of its rule."""
    if name in ("total", "refundedTotal", "unitPrice"):
        return dice.choice([Written(dice.choice(NUMBERS)), dice.choice(TEXTS[:28])])
    if name in ("quantity", "refundedQuantity", "revision"):
        return Written(dice.choice(NUMBERS))
    if name in ("time", "createdAt", "updatedAt"):
        return dice.choice(TIMES)
    return dice.choice(TEXTS) if isinstance(value, str) else any_value(dice, False)


def change(dice: random.Random, document: Pairs, hard: bool) -> None:
    """One member replaced, left out, repeated, added, or put elsewhere."""
    members = dice.choice(_objects(document))
    at = dice.randrange(len(members))
    name, value = members[at]
    match dice.randrange(12):
        case 0 if len(members) > 1:
            del members[at]
        case 1:
            members.insert(dice.randrange(len(members) + 1), (name, any_value(dice, hard)))
        case 2:
            members.append((name, value))
        case 3:
            members.insert(at, (dice.choice(KEYS), any_value(dice, hard)))
        case 4 if isinstance(value, list) and not is_object(value):
            members[at] = (name, dice.choice([value * 400, value * 2, [*value, None], [], [[]]]))
        case 5 | 6:
            members[at] = (name, any_value(dice, hard))
        case 7 if hard:
            members.insert(at, ("x", Written(dice.choice(NOT_JSON))))
        case _:
            members[at] = (name, _near(dice, name, value))


def text_of(dice: random.Random, node: Any, spaced: bool, escaped: bool) -> str:
    """JSON text; blanks between all tokens where `spaced`, odd escapes where `escaped`."""

    def blank() -> str:
        return dice.choice(["", " ", "\n", "\r\n", "\t "]) if spaced else ""

    def quoted(value: str) -> str:
        letters = []
        for letter in value:
            code = ord(letter)
            if (
                code < 32
                or letter in '"\\'
                or (escaped and code < 0x10000 and not dice.randrange(5))
            ):
                letters.append(f"\\u{code:04x}")
            else:
                letters.append(letter)
        return '"' + "".join(letters) + '"'

    def written(value: Any) -> str:
        if isinstance(value, Written):
            return str(value)
        if isinstance(value, str):
            return quoted(value)
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        if isinstance(value, int):
            return str(value)
        if is_object(value):
            inner = (
                f"{blank()}{quoted(k)}{blank()}:{blank()}{written(v)}{blank()}" for k, v in value
            )
            return "{" + ",".join(inner) + "}"
        return "[" + ",".join(f"{blank()}{written(v)}{blank()}" for v in value) + "]"

    return written(node)


def record(dice: random.Random, *, hard: bool = True, changes: int | None = None) -> bytes:
    """A record that was valid before some changes; `hard` ones may leave no JSON."""
    document = valid(dice)
    for _ in range(dice.choice([0, 1, 1, 2, 3]) if changes is None else changes):
        change(dice, document, hard)
    text = text_of(dice, document, not dice.randrange(4), not dice.randrange(4))
    return text.encode(errors="surrogatepass")


def mangled(dice: random.Random) -> bytes:
    """A record with its bytes flipped, cut, doubled or spliced."""
    value = bytearray(record(dice))
    for _ in range(dice.choice([0, 1, 1, 2, 4])):
        at = dice.randrange(len(value) + 1)
        match dice.randrange(6):
            case 0 if at < len(value):
                value[at] ^= 1 << dice.randrange(8)
            case 1:
                del value[at : at + dice.choice([1, 1, 2, 30, 10_000])]
            case 2:
                other = record(dice)
                start = dice.randrange(len(other))
                value[at:at] = other[start : start + dice.choice([1, 10, 100, 10_000])]
            case 3:
                value += value[at:]
            case _:
                value[at:at] = dice.choice(SPLICES)
    return bytes(value)
