"""The event that tells of a refused record."""

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from shopstream.contracts.envelope import Headers
from shopstream.contracts.json_text import MAX_BYTES
from shopstream.contracts.reject import Reason, Refusal, Unread

SOURCE = "/shopstream/pipeline"
TYPE = "record:refused"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Record(NamedTuple):
    """A Kafka record as it lay in its topic; `timestamp` is Kafka's, in ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def dead_letter(record: Record, refusal: Refusal) -> bytes:
    """A `record:refused` CloudEvent; the same record gives the same bytes."""
    value = b"" if record.value is None else record.value
    if isinstance(value, Unread):
        if value.first is not None:
            return _letter(
                record, refusal, value.size, Range(value.first, record.offset, value.records)
            )
        key = _text(record.key)
        return _letter(record, refusal, value.size, key=key, sha256=value.sha256)
    kept = value and refusal.reason is not Reason.TOO_LARGE
    return _letter(
        record,
        refusal,
        len(value),
        key=_text(record.key),
        value=base64.b64encode(value).decode() if kept else None,
        sha256=hashlib.sha256(value).hexdigest(),
        headers=() if refusal.reason is Reason.TOO_LARGE else record.headers,
    )


def dead_letter_of_many(records: Sequence[Record], reason: Reason) -> bytes:
    """One letter for records of one partition that were refused for the same reason, at least one, in their order:
    where the first and the last lay, how many there are, and the bytes of all together."""
    first, last = records[0], records[-1]
    values = [record.value for record in records]
    begin = values[0].first if isinstance(values[0], Unread) else None
    many = Range(
        first.offset if begin is None else begin,
        last.offset,
        sum(value.records if isinstance(value, Unread) else 1 for value in values),
    )
    told = (
        f"{many.records} records of these offsets, of very many that were refused for this reason"
    )
    size = sum(value.size if isinstance(value, Unread) else len(value or b"") for value in values)
    return _letter(first, Refusal(reason, None, told), size, many)


class Range(NamedTuple):
    """Offsets, both included, and how many of the records between them a letter is about."""

    first: int
    last: int
    records: int


def _letter(
    record: Record,
    refusal: Refusal,
    size: int,
    many: Range | None = None,
    *,
    key: str | None = None,
    value: str | None = None,
    sha256: str | None = None,
    headers: Headers = (),
) -> bytes:
    place = f"{record.topic}:{record.partition}"
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{place}:{many.first}-{many.last}" if many else f"{place}:{record.offset}",
        "source": SOURCE,
        "type": TYPE,
        **_time(record.timestamp),
        "datacontenttype": "application/json",
        "data": {
            "topic": record.topic,
            "partition": record.partition,
            "offset": many.first if many else record.offset,
            **({"lastOffset": many.last, "count": many.records} if many else {}),
            "timestamp": record.timestamp,
            "key": key,
            "value": value,
            **({"headers": [_header(*header) for header in headers]} if headers else {}),
            "size": size,
            "sha256": sha256,
            "reason": refusal.reason.value,
            "field": refusal.field,
            "message": refusal.message,
        },
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _header(name: str, value: bytes | None) -> dict[str, str | None]:
    return {"name": name, "value": None if value is None else base64.b64encode(value).decode()}


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
