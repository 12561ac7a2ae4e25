"""Two values that should be the same: each difference is a line of text."""

from collections.abc import Mapping
from typing import Any

LISTED = 40


def differences(name: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> list[str]:
    """A line for each key whose value is not the expected one, missing and surplus ones too."""
    lines = []
    for key in sorted(set(expected) | set(found)):
        if (wanted := expected.get(key)) != (got := found.get(key)):
            lines.append(f"{name} {key}: is {_show(got)}, should be {_show(wanted)}")
    return lines


def tree_differences(where: str, expected: Any, found: Any) -> list[str]:
    """The same of two JSON documents, by path; decimals count by value, so 1.50 is 1.5."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return [
            line
            for key in sorted(set(expected) | set(found))
            for line in tree_differences(
                f"{where} {key}", expected.get(key, "(none)"), found.get(key, "(none)")
            )
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            line
            for number, pair in enumerate(zip(expected, found, strict=True))
            for line in tree_differences(f"{where}[{number}]", *pair)
        ]
    same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
    return [] if same else [f"{where}: is {_show(found)}, should be {_show(expected)}"]


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(str(part) for part in value) + ")"
    return "nothing" if value is None else str(value)


def listed(lines: list[str]) -> list[str]:
    for line in lines[:LISTED]:
        print(line)
    if len(lines) > LISTED:
        print(f"… and {len(lines) - LISTED} more differences")
    return lines
