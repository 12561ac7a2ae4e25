"""Small JSON Schemas, to write one by hand."""

from typing import Any

Schema = dict[str, Any]


def described(about: str, schema: Schema) -> Schema:
    """With a sentence for people, where there is one."""
    return {"description": about, **schema} if about else schema


def record(about: str, properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """An object that has all of these members, but for the optional ones; others are allowed."""
    required = [name for name in properties if name not in optional]
    return described(about, {"type": "object", "properties": properties, "required": required})


def text(about: str, *, null: bool = False, **more: Any) -> Schema:
    """A text, or null."""
    return described(about, {"type": ["string", "null"] if null else "string", **more})


def count(about: str, *, low: int | None = 0) -> Schema:
    """A whole number from `low`, without it of any size."""
    return described(about, {"type": "integer", **({} if low is None else {"minimum": low})})


def decimal(about: str, *, null: bool = False, low: int | None = 0) -> Schema:
    """A number from `low`, without it of any size."""
    kind = ["number", "null"] if null else "number"
    return described(about, {"type": kind, **({} if low is None else {"minimum": low})})


def instant(about: str) -> Schema:
    """An RFC 3339 time."""
    return text(about, format="date-time")


def date(about: str) -> Schema:
    """A date as YYYY-MM-DD."""
    return text(about, format="date", pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
