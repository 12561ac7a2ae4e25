"""Numbers with their nouns."""


def counted(number: int, noun: str) -> str:
    """`1 event`, `2 events`, `1,500 events`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"
