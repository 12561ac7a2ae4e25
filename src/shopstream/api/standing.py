"""What this process knows, at an instant, of how far a shop's reports are."""

from datetime import datetime
from typing import NamedTuple


class Standing(NamedTuple):
    """Attributes:
    version: of the pipeline's progress: another number once anything more is in the reports. None:
        nothing is known of the pipeline, or its notices cannot be read.
    changes: another number after each notice that the shop's reports changed, and after every gap in
        reading notices.
    as_of: everything that reached Kafka before this (UTC) is in the reports.
    heard: whether notices came lately.
    """

    version: int | None
    changes: int
    as_of: datetime | None
    heard: bool
