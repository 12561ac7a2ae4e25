"""Why a record is refused: a closed set of reasons."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """In the order in which they are tried: the first that applies is the one that is told."""

    TOO_LARGE = "too_large"
    TOO_COMPLEX = "too_complex"
    NOT_JSON = "not_json"
    NOT_CLOUDEVENT = "not_cloudevent"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_TOPIC = "wrong_topic"
    MISSING_FIELD = "missing_field"
    BAD_VALUE = "bad_value"
    ORDER_MOVED = "order_moved"


@dataclass(frozen=True, slots=True)
class Refusal:
    """`field` is a path such as `data.items[2].quantity`, or None where the record as a whole is at fault."""

    reason: Reason
    field: str | None
    message: str


class Refused(Exception):
    """Raised while reading a record."""

    def __init__(self, reason: Reason, field: str | None, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(reason, field, message)
