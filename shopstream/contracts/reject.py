"""Why a record is refused: a closed set of reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LISTED = 20
"""Faults of a record that its refusal lists."""


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
    IN_THE_FUTURE = "in_the_future"


FORMER_REASONS = ("order_moved",)
"""Of earlier versions: dead letters may still have them."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Of one fault, or of all in a record: then reason and field are those of the first.

    `field` is a path such as `data.items[2].quantity`, or None where the record as a whole is at fault.
    """

    reason: Reason
    field: str | None
    message: str


class Refused(Exception):
    """Raised while reading a record. `faults`: the first 20 of them, in the order in which they are told."""

    faults: Sequence[Refusal]

    def __init__(self, reason: Reason, field: str | None, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(reason, field, message)
        self.faults = (self.refusal,)

    @classmethod
    def of(cls, faults: Sequence[Refusal]) -> "Refused":
        """Of at least one fault; the message has those of the first 20, and the number of the others."""
        texts = [fault.message for fault in faults[:LISTED]]
        if len(faults) > LISTED:
            texts.append(f"and {len(faults) - LISTED} more")
        refused = cls(faults[0].reason, faults[0].field, "; ".join(texts))
        refused.faults = faults[:LISTED]
        return refused


class Unread(bytes):
    """The value of a record, or of all records of a batch, that was not taken into memory: it has no bytes.

    `size` is in bytes, `sha256` in hexadecimal digits where it is known; where it stands for a
    batch, `first` is the offset of its first record, and `records` their number. `reason`: why it is refused.
    """

    why: str
    size: int
    sha256: str | None
    first: int | None
    records: int
    reason: Reason

    def __new__(
        cls,
        why: str,
        size: int,
        sha256: str | None = None,
        first: int | None = None,
        records: int = 1,
        reason: Reason = Reason.TOO_LARGE,
    ) -> "Unread":
        made = super().__new__(cls)
        made.why, made.size, made.sha256 = why, size, sha256
        made.first, made.records, made.reason = first, records, reason
        return made
