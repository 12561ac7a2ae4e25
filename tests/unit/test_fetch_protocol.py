"""Fetches that name what changed, and their responses, against aiokafka's own encoding of them."""

import struct
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v10, FetchRequest_v11
from aiokafka.protocol.fetch import FetchResponse_v11 as Theirs

from shopstream.fetch_protocol import (
    LAST_EPOCH,
    MAX_BYTES,
    PARTITION_BYTES,
    FetchResponse,
    FetchSession,
    watermarks,
)

VERSIONS = {1: (0, 17)}

A, B, C = (TopicPartition("shop.orders", n) for n in (0, 11, 2))
D = TopicPartition("sh\u00f6p", 1)


def sent(session: FetchSession, offsets: Mapping[TopicPartition, int]) -> FetchRequest_v11:
    """The next fetch; checks that it is encoded as by aiokafka."""
    built = session.fetch(offsets, 20, 65536).prepare(VERSIONS)
    plain = FetchRequest_v11(*(getattr(built, name) for name in FetchRequest_v11.SCHEMA.names))
    assert built.encode() == plain.encode()
    assert built.RESPONSE_TYPE is FetchResponse
    return built


def named(built: FetchRequest_v11) -> dict[TopicPartition, int]:
    return {TopicPartition(t, part[0]): part[2] for t, parts in built.topics for part in parts}


def head(session: int, error: int = 0) -> Theirs:
    return Theirs(0, error, session, [])


def response(*topics: Any) -> Theirs:
    return Theirs(7, 0, 0, list(topics))


def decoded(theirs: Theirs) -> Any:
    """Behind a header of four bytes, as a connection reads it."""
    data = BytesIO(b"head" + theirs.encode())
    data.seek(4)
    return FetchResponse.decode(data)


def test_the_first_fetch_names_everything_and_is_that_of_aiokafka() -> None:
    built = sent(FetchSession(), {A: 5, D: 2**40})
    theirs = FetchRequest(20, 65536, MAX_BYTES, 1, [("t", [(0, 5, PARTITION_BYTES)])])
    known = theirs.prepare(VERSIONS)
    assert named(built) == {A: 5, D: 2**40}
    names = [
        name for name in FetchRequest_v11.SCHEMA.names if name not in ("topics", "session_epoch")
    ]
    assert [getattr(built, name) for name in names] == [getattr(known, name) for name in names]
    assert (built.session_id, built.session_epoch) == (0, 0)
    parts = {part for _, parts in built.topics for part in parts}
    assert parts == {(0, -1, 5, -1, PARTITION_BYTES), (1, -1, 2**40, -1, PARTITION_BYTES)}
    assert known.topics == [("t", [(0, -1, 5, -1, PARTITION_BYTES)])]


def test_later_fetches_name_what_changed_and_what_is_gone() -> None:
    session = FetchSession()
    sent(session, {A: 5, B: 6, C: 7, D: 8})
    assert session.answered(head(99))
    second = sent(session, {A: 5, B: 9, D: 8})
    assert named(second) == {B: 9}
    assert second.forgotten_topics_data == [("shop.orders", [2])]
    assert (second.session_id, second.session_epoch) == (99, 1)
    assert session.answered(head(99))
    third = sent(session, {A: 5, B: 9, C: 7, D: 8})
    assert named(third) == {C: 7}
    assert third.forgotten_topics_data == []
    assert (third.session_id, third.session_epoch) == (99, 2)


@pytest.mark.parametrize("how", ["error", "none", "lost"])
def test_a_session_that_the_broker_does_not_have_begins_anew(how: str) -> None:
    session = FetchSession()
    sent(session, {A: 5, B: 6})
    session.answered(head(99))
    sent(session, {A: 5, B: 6})
    if how == "lost":
        session.begin()
    else:
        assert session.answered(head(0, 70 if how == "error" else 0)) == (how == "none")
    again = sent(session, {A: 5, B: 6})
    assert named(again) == {A: 5, B: 6}
    assert (again.session_id, again.session_epoch) == (0, 0)


def test_the_number_of_a_fetch_in_its_session_begins_again_at_one() -> None:
    session = FetchSession()
    sent(session, {A: 5})
    session.answered(head(99))
    session._epoch = LAST_EPOCH
    session.answered(head(99))
    assert sent(session, {A: 5}).session_epoch == 1


def test_a_fetch_for_an_older_broker_is_whole_and_aiokafkas_own() -> None:
    session = FetchSession()
    session.fetch({A: 5, B: 6}, 20, 1).prepare({1: (0, 10)})
    assert session.answered(response())  # it says that there is no session
    built = session.fetch({A: 5, B: 6}, 20, 1).prepare({1: (0, 10)})
    theirs = FetchRequest(
        20, 1, MAX_BYTES, 1, [("shop.orders", [(0, 5, PARTITION_BYTES), (11, 6, PARTITION_BYTES)])]
    )
    assert built.RESPONSE_TYPE is FetchRequest_v10.RESPONSE_TYPE
    assert built.encode() == theirs.prepare({1: (0, 10)}).encode()
    assert FetchRequest_v11.RESPONSE_TYPE is Theirs


def test_partitions_with_records_errors_or_another_replica_are_decoded_as_by_aiokafka() -> None:
    theirs = response(
        ("shop.orders", [(0, 0, 9, 8, 1, [], -1, b"records"), (3, 1, -1, -1, -1, [], -1, b"")]),
        ("shöp", [(2, 0, 9, 8, 1, [(4, 5), (6, 7)], -1, b"x"), (4, 0, 9, 9, 0, [], 2, b"")]),
    )
    ours = decoded(theirs)
    assert ours == theirs
    assert ours.API_VERSION == 11


def test_partitions_without_news_are_left_out() -> None:
    idle = [(1, 0, 9, 9, 0, [], -1, b""), (2, 0, 9, 9, 0, None, -1, None)]
    busy = (0, 0, 9, 8, 1, [], -1, b"records")
    found = decoded(response(("t", idle), ("u", [idle[0], busy, idle[1]])))
    assert found.topics == [("u", [busy])]
    assert decoded(response()).topics == []


def test_every_partition_without_an_error_has_its_high_watermark() -> None:
    idle, failed = (1, 0, 9, 9, 0, [], -1, b""), (2, 1, -1, -1, -1, [], -1, b"")
    theirs = response(("t", [idle, failed]), ("u", [(0, 0, 12, 8, 1, [], -1, b"records")]))
    assert list(watermarks(theirs)) == [("t", 1, 9), ("u", 0, 12)]
    assert list(watermarks(decoded(theirs))) == [("t", 1, 9), ("u", 0, 12)]


def test_an_error_without_records_keeps_its_null() -> None:
    assert decoded(response(("t", [(0, 1, -1, -1, -1, None, -1, None)]))).topics == [
        ("t", [(0, 1, -1, -1, -1, [], -1, None)])
    ]


def test_a_response_that_is_cut_off_is_an_error() -> None:
    whole = response(("t", [(0, 0, 9, 8, 1, [], -1, b"records")])).encode()
    with pytest.raises(struct.error):
        FetchResponse.decode(BytesIO(whole[:30]))
