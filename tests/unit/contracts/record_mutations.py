"""Records that are valid, nearly valid and not at all, drawn by a seed.

`SHOPSTREAM_FUZZ_EXAMPLES` sets how many examples a property gets. Without it they are always the same: 700, with
SHOPSTREAM_FULL=1 2,000.
"""

import os
import random
from typing import Any

from hypothesis import HealthCheck, settings
from record_values import (
    KEYS,
    NOT_JSON,
    NUMBERS,
    RULES,
    SPLICES,
    TEXTS,
    TIMES,
    Pairs,
    Written,
    near,
    valid,
)

from shopstream.contracts import values
from shopstream.contracts.json_text import MAX_BYTES, MAX_SIGNS
from shopstream.contracts.topics import TOPIC_OF_TYPE

EXAMPLES = int(
    os.environ.get("SHOPSTREAM_FUZZ_EXAMPLES")
    or (2000 if os.environ.get("SHOPSTREAM_FULL") else 700)
)


def fuzz(share: int = 1) -> settings:
    """A profile with the share's part of the examples."""
    return settings(
        max_examples=max(EXAMPLES // share, 1),
        deadline=None,
        database=None,
        derandomize="SHOPSTREAM_FUZZ_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )


_RULES = {**RULES, "time": values.time}


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


def is_object(node: Any) -> bool:
    return isinstance(node, list) and bool(node) and isinstance(node[0], tuple)


def _objects(node: Any) -> list[Pairs]:
    if is_object(node):
        return [node, *(found for _, value in node for found in _objects(value))]
    if isinstance(node, list):
        return [found for value in node for found in _objects(value)]
    return []


def _near(dice: random.Random, name: str, value: Any) -> Any:
    if name == "type":
        return dice.choice([*TOPIC_OF_TYPE, "order:gone"])
    return near(dice, _RULES.get(name), value)


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


def record(
    dice: random.Random, topic: str, *, hard: bool = True, changes: int | None = None
) -> bytes:
    """A record that was valid before some changes; `hard` ones may leave no JSON."""
    document = valid(dice, topic)
    for _ in range(dice.choice([0, 1, 1, 2, 3]) if changes is None else changes):
        change(dice, document, hard)
    text = text_of(dice, document, not dice.randrange(4), not dice.randrange(4))
    return text.encode(errors="surrogatepass")


def mangled(dice: random.Random, topic: str) -> bytes:
    """A record with its bytes flipped, cut, doubled or spliced; a few are too large or too complex."""
    value = bytearray(record(dice, topic))
    for _ in range(dice.choice([0, 1, 1, 2, 4])):
        at = dice.randrange(len(value) + 1)
        match dice.randrange(6):
            case 0 if at < len(value):
                value[at] ^= 1 << dice.randrange(8)
            case 1:
                del value[at : at + dice.choice([1, 1, 2, 30, 10_000])]
            case 2:
                other = record(dice, topic)
                start = dice.randrange(len(other))
                value[at:at] = other[start : start + dice.choice([1, 10, 100, 10_000])]
            case 3:
                value += value[at:]
            case _:
                value[at:at] = dice.choice(SPLICES)
    if not dice.randrange(1000):
        value[-1:-1] = b" " * MAX_BYTES
    elif not dice.randrange(300):
        value[-1:-1] = dice.choice([b",", b"[", b"{}"]) * (MAX_SIGNS + 1)
    return bytes(value)
