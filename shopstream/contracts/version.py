"""The total order over versions of one thing, whatever the order of arrival."""

import hashlib
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tie(source: str, event_id: str) -> int:
    """First 4 bytes, big-endian, of SHA-256 of `source` + newline + `id`."""
    digest = hashlib.sha256(f"{source}\n{event_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def version(updated_at: datetime, revision: int, source: str, event_id: str) -> int:
    """Microseconds since 1970, revision and tie in 64, 32 and 32 bits: greater is later."""
    micros = (updated_at - _EPOCH) // timedelta(microseconds=1)
    return micros << 64 | revision << 32 | tie(source, event_id)
