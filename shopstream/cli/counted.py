"""Numbers with their nouns."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 event`, `2 events`, `1,500 events`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
