"""When each session was seen."""

from collections import defaultdict
from datetime import datetime

from oracle.reading import Event, instant


class Visits:
    """`seen` by (shop, session): the instants, each once."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], set[datetime]] = defaultdict(set)

    def take(self, event: Event) -> None:
        data = event["data"]
        self.seen[event["shopid"], data["sessionId"]].add(instant(data["at"]))
