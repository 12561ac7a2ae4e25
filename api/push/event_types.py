"""Event types that can be pushed, and the parameter `types`."""

from shopstream.contracts.topics import ALERTS, BY_NAME, INPUTS, NOTICES

TOPICS = (*INPUTS, ALERTS, NOTICES)
"""What every API process reads."""
PRESENCE = "presence:changed"
ON_REQUEST = frozenset({"storefront:visited"})
"""Delivered only where a client names them."""
PUSHED = frozenset(kind for name in TOPICS for kind in BY_NAME[name].types) | {PRESENCE}
DEFAULT = PUSHED - ON_REQUEST


def read_types(text: str) -> frozenset[str]:
    """Types with commas.

    Raises:
        ValueError: with the rule, naming the first that is none.
    """
    named = [part.strip() for part in text.split(",")]
    for kind in named:
        if kind not in PUSHED:
            raise ValueError(f"must be event types with commas; '{kind[:64]}' is none")
    return frozenset(named)


def types_of(named: object) -> frozenset[str]:
    """Types as a list, or as text with commas.

    Raises:
        ValueError: as `read_types`, or where it is neither.
    """
    if isinstance(named, str):
        return read_types(named)
    if not isinstance(named, list) or not named or not all(isinstance(one, str) for one in named):
        raise ValueError("must be a list of event types")
    return read_types(",".join(named))
