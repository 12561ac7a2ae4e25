"""Values that are right, nearly right and not at all, for every rule; and records of them that are valid."""

import random
from typing import Any

from shopstream.contracts import order, values
from shopstream.contracts.events import DATA
from shopstream.contracts.schema import Field, Many, Shape
from shopstream.contracts.topics import BY_NAME
from shopstream.contracts.values import Check, Invalid


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
    *words(
        "999999999999.9999 1000000000000 123456789012345678901234567890 EUR eur XXX EUX HRK paid lost"
    ),
    *words("order:created order:updated order:gone payment:received payment:failed 1.0 p-1 😀 é"),
    *words("Europe/Berlin Europe/Atlantis europe/berlin UTC Z ../UTC +05:30 UTC+5:30 -3 +14:15"),
    "",
    " ",
    " 1",
    "1 ",
    "1\n",
    "EUR\n",
    "UTC\n",
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
ATTRIBUTES = words("specversion id source type time shopid userid shopstreambackfill data")


def _shapes(shape: Shape) -> list[Shape]:
    inner = [field.rule.shape for field in shape.fields if isinstance(field.rule, Many)]
    return [shape, *(found for each in inner for found in _shapes(each))]


RULES = {
    field.name: field.rule
    for kind in DATA.values()
    for shape in _shapes(kind)
    for field in shape.fields
}
"""The rule of a name, in one of the objects that have it."""
KEYS = [*ATTRIBUTES, *RULES, "x", "", "to\0tal"]


def _keeps(rule: Check, value: object) -> bool:
    try:
        rule(value)
    except Invalid:
        return False
    return True


_GOOD: dict[object, list[Any]] = {
    values.identifier: [*words("p-1 p-2 p-3 π 😀") * 4, "p" * 128, "é" * 65],
    values.text: ["Tea", "Té", "", "a\nb\0", "{}", "NaN", "x" * 300],
    values.money: [
        *map(Written, words("0 9.5 1e2 0.0001 3 12.50000 25E-1 -0 12.34")),
        *words("9.50 0 100 007 1.50000000"),
    ],
    values.amount: [
        *map(Written, words("0 9.5 1e2 0.0001 12.50000 25E-1 -0 12.34")),
        *words("9.50 0 100 007 1.50000000"),
    ],
    values.time: [*TIMES[:1] * 9, *TIMES[2:3] * 9, *(t for t in TIMES if _keeps(values.time, t))],
    values.currency: ["EUR", "USD", "KWD", "LTL"],
    values.flag: [True, False],
    order.counted_statuses: [*map(Written, ('["paid"]', '["refunded","paid","paid"]'))],
    order.status_map: [*map(Written, ('{"on-hold":"pending"}', '{"a":"paid","é":"failed"}', "{}"))],
    values.timezone: ["Europe/Berlin", "UTC", "America/St_Johns", "+05:30", "GMT-3"],
}
_UNITS = [
    *map(Written, words("1 2 7 3.0 1e2 25E-1 0.5 1.50000 2147483647.9999")),
    "1",
    "0.5",
    "2.50",
]
_DECIMAL = (values.money, values.amount)


def near(dice: random.Random, rule: object, value: Any) -> Any:
    """A value of the kind that the rule is about, at its limits."""
    if rule in _DECIMAL or isinstance(rule, values.Quantity):
        return dice.choice([Written(dice.choice(NUMBERS)), dice.choice(TEXTS[:28])])
    if isinstance(rule, values.Whole):
        limits = [rule.low - 1, rule.low, rule.high, rule.high + 1]
        return dice.choice([Written(dice.choice(NUMBERS)), *limits])
    if rule is values.time:
        return dice.choice(TIMES)
    return dice.choice(TEXTS) if isinstance(value, str) else value


def good(dice: random.Random, rule: object) -> Any:
    """A value that keeps the rule."""
    if isinstance(rule, Many):
        found = [members(dice, rule.shape) for _ in range(dice.choice([1, 1, 2, 3]))]
        return [_numbered(number, some) for number, some in enumerate(found)]
    if isinstance(rule, values.OneOf):
        return dice.choice(rule.options)
    if isinstance(rule, values.Whole):
        small = [number for number in (-3, 0, 1, 2, 7) if rule.low <= number <= rule.high]
        return dice.choice([*small * 6, rule.low, rule.high])
    if isinstance(rule, values.Quantity):
        signed = [*map(Written, words("-3 -0.5 -0 0")), "-1.5"] if rule.signed else []
        return dice.choice([*_UNITS, *signed])
    return dice.choice(_GOOD[rule])


def _numbered(number: int, some: Pairs) -> Pairs:
    """Refunds have different ids."""
    return [(name, f"r-{number}" if name == "id" else value) for name, value in some]


def members(dice: random.Random, shape: Shape) -> Pairs:
    """Those of a valid object, as pairs, so that a key may be repeated."""
    chosen = [field for field in shape.fields if field.required or dice.randrange(2)]
    return [(field.name, _value(dice, field)) for field in chosen]


def _value(dice: random.Random, field: Field) -> Any:
    if not field.required and not dice.randrange(4):
        return None
    if field.relation is order.at_most_quantity:
        return dice.choice([0, 1, Written("-0"), "0.5", Written("1.0")])
    if field.relation is order.negative_where_returned:
        return dice.choice(_UNITS[:6])
    return good(dice, field.rule)


def maybe(dice: random.Random, name: str, *choices: Any) -> Pairs:
    """A member, every second time."""
    return [(name, dice.choice(choices))] if dice.randrange(2) else []


def valid(dice: random.Random, topic: str) -> Pairs:
    """A valid event of a topic; it may have members of the topic's other types, which are ignored in it."""
    kind = dice.choice(BY_NAME[topic].types)
    own = {field.name for field in DATA[kind].fields}
    others = {field.name for other in BY_NAME[topic].types for field in DATA[other].fields} - own
    data = [
        *members(dice, DATA[kind]),
        *(
            pair
            for name in sorted(others)
            for pair in maybe(dice, name, None, "x", Written("1e5"), [])
        ),
        *maybe(dice, "extra", None, [], "x", Written("1e5"), [("total", "1e2"), ("at", None)]),
    ]
    top: Pairs = [
        ("specversion", "1.0"),
        ("id", f"e-{dice.randrange(10**6)}"),
        ("source", "/checkout"),
        ("type", kind),
        *maybe(dice, "time", None, TIMES[0], TIMES[2]),
        ("shopid", dice.choice(["s-1", "š"])),
        *maybe(dice, "userid", None, "u-1"),
        *maybe(dice, "shopstreambackfill", None, True, False),
        *maybe(dice, "extension", Written("1.5"), True, [None], "NaN"),
        ("data", data),
    ]
    if not dice.randrange(4):
        dice.shuffle(top)
        dice.shuffle(data)
    return top
