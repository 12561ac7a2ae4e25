"""What `decode` must give: each record read by itself, on the exact path."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from pipeline.decode import DecodedChunk, Run, chunk, columns, decode, shape
from pipeline.decode.rows import rows
from pipeline.decode.text import whole
from shopstream.contracts.deadletter import Record
from shopstream.contracts.events import read_event
from shopstream.contracts.reject import Refused
from shopstream.contracts.topics import ORDERS

FIRST = 1000
ARRIVED = 1_795_342_530_123


def kafka_records(values: list[bytes | None]) -> list[Any]:
    """With a hole before each second offset."""
    return [
        SimpleNamespace(
            offset=FIRST + i + i // 2,
            timestamp=ARRIVED + i,
            key=b"k%d" % i,
            value=value,
            headers=(),
        )
        for i, value in enumerate(values)
    ]


def decoded(values: list[bytes | None], topic: str = ORDERS) -> DecodedChunk:
    """The piece, after a comparison with the exact path; a single record is read as columns too."""
    records = kafka_records(values)
    with patch.object(chunk, "FEW", 0):
        piece = decode(topic, [Run(3, 7, records)])
        with patch.dict(columns._latest, {topic: (frozenset(),)}):
            assert decode(topic, [Run(3, 7, records)]) == piece  # where no member was expected
    events, kept, refused = [], [], []
    full = [record for record in records if record.value is not None]
    for record in full:
        try:
            events.append(read_event(record.value, topic, record.timestamp // 1000))
            kept.append(record)
        except Refused as error:
            place = (topic, 3, record.offset, record.timestamp, record.key, record.value)
            refused.append((Record(*place), error.refusal))
    assert piece.refused == tuple(refused)
    assert piece.rows.schema == shape.staged(topic)
    piece.rows.validate(full=True)
    expected = rows(topic, events)
    assert piece.rows.equals(expected) or piece.rows.to_pylist() == expected.to_pylist()
    assert piece.rows.equals(expected)
    assert piece.history.schema == shape.HISTORY
    history = piece.history.to_pydict()
    assert history["offset"] == [record.offset for record in kept]
    assert history["raw"] == [record.value for record in kept]
    assert [round(at.timestamp() * 1000) for at in history["arrived"]] == [
        record.timestamp for record in kept
    ]
    assert history["type"] == [event.type for event in events]
    assert history["user_id"] == [event.user_id for event in events]
    assert history["backfill"] == [event.backfill for event in events]
    assert history["shop_id"] == [event.shop_id for event in events]
    assert set(zip(history["topic"], history["partition"], history["epoch"], strict=True)) <= {
        (topic, 3, 7)
    }
    assert piece.parts == ((topic, 3, 7, records[0].offset, records[-1].offset + 1),)
    assert (piece.records, piece.tombstones) == (len(values), len(values) - len(full))
    return piece


def told(values: list[bytes | None], topic: str = ORDERS) -> list[str]:
    """For each record the first field of its row, such as the order id, or why it is refused.

    After the same comparison.
    """
    piece = decoded(values, topic)
    names = piece.rows[shape.columns(topic)[0].name].to_pylist()
    found = dict(zip(piece.history["offset"].to_pylist(), names, strict=True))
    found |= {record.offset: refusal.reason.value for record, refusal in piece.refused}
    return [found.get(record.offset, "tombstone") for record in kafka_records(values)]


def sure(values: list[bytes], topic: str = ORDERS) -> bool:
    """Whether the fast path alone accepts all of these records."""
    raw = pa.array(values, pa.binary())
    if not whole(raw).all():
        return False
    read = columns.parse(topic, raw, columns.future_limits([-1] * len(raw)))
    return read is not None and not read.needs_recheck.any()
