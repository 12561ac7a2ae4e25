"""What `POST /events` accepts is what the pipeline accepts and push delivers, whatever the bytes and the headers."""

import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "contracts"))

from record_mutations import fuzz, mangled, record
from record_values import valid

from api.faults import InvalidEvents
from api.ingest.content import check_events
from api.push.records import by_known_words, event_of, read_record
from pipeline.decode import Run, decode
from shopstream.contracts.envelope import BATCH, STRUCTURED, Headers
from shopstream.contracts.json_text import JSON_BLANKS
from shopstream.contracts.routing import Record
from shopstream.contracts.topics import INPUTS

SEEDS = st.integers(0, 2**64 - 1)
NOW = int(time.time())


@dataclass(frozen=True)
class Consumed:
    value: bytes
    offset: int
    headers: Headers = ()
    key: bytes | None = None
    timestamp: int = NOW * 1000


def in_pipeline(topic: str, records: list[Consumed]) -> list[str | None]:
    """Of each record the shop, None where it is refused."""
    found = decode(topic, [Run(0, 1, records)])
    shops = iter(found.rows["shop_id"].to_pylist())
    refused = {record.offset for record, _ in found.refused}
    return [None if record.offset in refused else next(shops) for record in records]


def over_http(headers: list[tuple[str, str]], body: bytes) -> tuple[Record, str] | None:
    try:
        found = check_events(headers, body)
    except InvalidEvents:
        return None
    (written,), (shop,) = found.records, found.shops
    return written, shop


@fuzz(20)
@given(SEEDS)
def test_events_in_structured_mode(seed: int) -> None:
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    make = dice.choice([mangled, record])
    values = [make(dice, topic) for _ in range(dice.choice([1, 30]))]
    shops = in_pipeline(topic, [Consumed(value, n) for n, value in enumerate(values)])
    good = []
    for value, shop in zip(values, shops, strict=True):
        found = over_http([("content-type", STRUCTURED)], value)
        if found is None or found[0].topic != topic:
            assert shop is None
            continue
        assert found[1] == shop
        assert found[0].value == value
        good.append(value)
    if good:
        batch = check_events([("content-type", BATCH)], b"[" + b" ,\n".join(good) + b"]")
        assert [each.value for each in batch.records] == [
            value.strip(JSON_BLANKS) for value in good
        ]
        assert batch.shops == set(filter(None, shops))


@fuzz(4)
@given(SEEDS)
def test_events_in_binary_mode(seed: int) -> None:
    dice = random.Random(seed)
    topic = dice.choice(INPUTS)
    members: dict[str, Any] = dict(valid(dice, topic))
    data = record(dice, topic, changes=dice.choice([0, 1, 1, 2])) if dice.random() < 0.1 else None
    if data is None:
        text = record(dice, topic, changes=0)
        at = text.find(b'"data"')
        data = text[text.find(b"{", at) : text.rfind(b"}")] if at >= 0 else text
    attributes = [
        (name, value.encode(errors="surrogatepass"))
        for name, value in members.items()
        if isinstance(value, str)
    ]
    for _ in range(dice.choice([0, 0, 1, 2])):
        name = dice.choice(
            ["id", "source", "shopid", "userid", "time", "type", "shopstreambackfill", "data", "x"]
        )
        value = dice.choice([b"true", b"TRUE", b"", b"other", b"\xff", "\u00e4".encode(), b"a%41b"])
        attributes.insert(dice.randrange(len(attributes) + 1), (name, value))
    content_type = dice.choice(["application/json", "text/json", "a/b+json", "text/xml"])
    headers: Headers = [
        ("content-type", content_type.encode()),
        *((f"ce_{name}", value) for name, value in attributes),
    ]
    (shop,) = in_pipeline(topic, [Consumed(data, 0, headers)])
    event = event_of(data, headers)
    pushed = by_known_words(read_record(event, topic, NOW))
    found = over_http(
        [
            ("content-type", content_type),
            *((f"ce-{name}", quote_from_bytes(value)) for name, value in attributes),
        ],
        data,
    )
    if found is None or found[0].topic != topic:
        assert shop is None
        assert pushed is None
        return
    assert (found[0].value, found[1]) == (event, shop)
    history = b'"shopstreambackfill":true' in found[0].value
    assert (pushed and pushed.shop) == (None if history else shop)
