"""The event that tells of a refused record."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shopstream.contracts.json_text import MAX_BYTES
from shopstream.contracts.reject import Reason, Refusal

SOURCE = "/shopstream/pipeline"
TYPE = "record:refused"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record as it lay in its topic; `timestamp` is Kafka's, in ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def dead_letter(record: Record, refusal: Refusal) -> bytes:
    """A `record:refused` CloudEvent; the same record gives the same bytes."""
    value = record.value or b""
    kept = value and refusal.reason is not Reason.TOO_LARGE
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{record.topic}:{record.partition}:{record.offset}",
        "source": SOURCE,
        "type": TYPE,
        **_time(record.timestamp),
        "datacontenttype": "application/json",
        "data": {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "key": _text(record.key),
            "value": base64.b64encode(value).decode() if kept else None,
            "size": len(value),
            "sha256": hashlib.sha256(value).hexdigest(),
            "reason": refusal.reason.value,
            "field": refusal.field,
            "message": refusal.message,
        },
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _text(key: bytes | None) -> str | None:
    """None for a key too large to travel beside the value, too."""
    return None if key is None or len(key) > MAX_BYTES else base64.b64encode(key).decode()


def _time(milliseconds: int) -> dict[str, str]:
    """The `time` attribute; none where a producer gave a timestamp of no year from 1 to 9999."""
    try:
        instant = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return {}
    return {"time": instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
