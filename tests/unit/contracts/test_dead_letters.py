"""The event that tells of a refused record, to the last byte."""

import json

import pytest

from shopstream.contracts.deadletter import Record, dead_letter, dead_letter_of_many
from shopstream.contracts.reject import Reason, Refusal, Unread

REFUSAL = Refusal(Reason.BAD_VALUE, "data.items[2].quantity", "data.items[2].quantity must be …")


def told(refusal=REFUSAL, **changes):
    record = {
        "topic": "shop.orders",
        "partition": 3,
        "offset": 41,
        "timestamp": 1_795_342_530_123,
        "key": b"s-17/o-1",
        "value": b"{}",
    }
    return json.loads(dead_letter(Record(**{**record, **changes}), refusal))


def test_a_dead_letter_is_this_text():
    record = Record("shop.orders", 3, 41, 1_795_342_530_123, b"s-17/o-1", b'{"\xff\n')
    assert dead_letter(record, REFUSAL).decode() == (
        '{"specversion":"1.0","id":"shop.orders:3:41","source":"/shopstream/pipeline",'
        '"type":"record:refused","time":"2026-11-22T10:15:30.123Z",'
        '"datacontenttype":"application/json","data":{"topic":"shop.orders","partition":3,'
        '"offset":41,"timestamp":1795342530123,"key":"cy0xNy9vLTE=","value":"eyL/Cg==","size":4,'
        '"sha256":"71a9ce0505dbfd62f019c067829aa24c4d3f71d6466da39aaf6bc426172e97d2",'
        '"reason":"bad_value","field":"data.items[2].quantity",'
        '"message":"data.items[2].quantity must be …"}}'
    )


def test_the_same_record_gives_the_same_bytes():
    record = Record("shop.orders", 0, 0, 0, None, b"x")
    assert dead_letter(record, REFUSAL) == dead_letter(record, REFUSAL)


@pytest.mark.parametrize("value", [None, b""])
def test_a_record_without_bytes_has_a_null_value(value):
    data = told(Refusal(Reason.NOT_JSON, None, "no bytes"), value=value)["data"]
    assert (data["value"], data["size"], data["field"]) == (None, 0, None)
    assert data["sha256"] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_record_that_is_too_large_is_told_by_size_and_hash_alone():
    data = told(Refusal(Reason.TOO_LARGE, None, "large"), value=b"a" * 1_000_000)["data"]
    assert (data["value"], data["size"]) == (None, 1_000_000)
    assert data["sha256"] == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"


def test_no_key_is_null_and_an_empty_one_is_empty():
    assert told(key=None)["data"]["key"] is None
    assert told(key=b"")["data"]["key"] == ""


@pytest.mark.parametrize(
    ("timestamp", "time"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, None),
        (2**63 - 1, None),
        (-(2**63), None),
    ],
)
def test_any_timestamp_of_kafka_can_be_told(timestamp, time):
    letter = told(timestamp=timestamp)
    assert (letter.get("time"), letter["data"]["timestamp"]) == (time, timestamp)


def test_the_largest_record_that_is_kept_fits_into_its_topic():
    letter = dead_letter(Record("shop.orders", 0, 0, 0, b"k" * 300, b"\xff" * 512 * 1024), REFUSAL)
    assert len(letter) < 2 * 1024 * 1024


def test_a_key_too_large_to_travel_beside_its_value_is_null():
    largest = 512 * 1024
    assert told(key=b"k" * largest)["data"]["key"] is not None
    assert told(key=b"k" * (largest + 1))["data"]["key"] is None
    letter = dead_letter(Record("shop.orders", 0, 0, 0, b"k" * largest, b"v" * largest), REFUSAL)
    assert len(letter) < 2 * 1024 * 1024


def test_a_value_that_was_let_go_is_told_by_its_size_and_hash_under_its_key():
    stand = Unread("large", 1_000_000, "ab" * 32)
    data = told(Refusal(Reason.TOO_LARGE, None, "large"), value=stand)["data"]
    assert (data["value"], data["size"], data["sha256"]) == (None, 1_000_000, "ab" * 32)
    assert data["key"] == "cy0xNy9vLTE="


def test_a_batch_that_was_not_read_is_told_by_its_offsets():
    stand = Unread("a bomb", 1234, first=40, records=2)
    letter = told(Refusal(Reason.TOO_LARGE, None, "a bomb"), value=stand, key=None)
    data = letter["data"]
    assert letter["id"] == "shop.orders:3:40-41"
    assert (data["offset"], data["lastOffset"], data["count"], data["size"]) == (40, 41, 2, 1234)
    assert (data["key"], data["value"], data["sha256"]) == (None, None, None)


def test_batches_that_were_not_read_share_a_letter_with_all_of_their_records():
    stands = [Unread("a bomb", 1000, first=at, records=10) for at in (40, 50)]
    records = [Record("shop.orders", 3, 49, 1, None, stands[0])]
    records.append(Record("shop.orders", 3, 59, 1, None, stands[1]))
    records.append(Record("shop.orders", 3, 60, 1, None, Unread("large", 700, "ab" * 32)))
    letter = json.loads(dead_letter_of_many(records, Reason.TOO_LARGE))
    data = letter["data"]
    assert letter["id"] == "shop.orders:3:40-60"
    assert (data["offset"], data["lastOffset"], data["count"], data["size"]) == (40, 60, 21, 2700)
