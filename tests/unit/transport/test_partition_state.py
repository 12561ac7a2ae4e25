"""Progress of one partition: what was fetched, taken, delivered and acknowledged."""

from pipeline.transport.partitions import PartitionState, Progress


def test_the_position_is_unknown_before_the_first_fetch():
    assert PartitionState().progress() is None


def test_an_empty_partition_is_fresh_at_its_position():
    state = PartitionState()
    state.fetched(5.0, fetch_offset=0, high_watermark=0)
    assert state.progress() == Progress(0, 5.0)


def test_the_end_is_the_high_watermark_of_the_latest_fetch():
    state = PartitionState(start=0)
    assert state.end is None
    state.fetched(1.0, fetch_offset=0, high_watermark=10)
    state.fetched(2.0, fetch_offset=0, high_watermark=12)
    assert state.end == 12


def test_a_partition_begins_at_its_committed_offset():
    assert PartitionState(start=70).progress() == Progress(70, 0.0)


def test_records_hold_the_as_of_instant_until_they_are_acknowledged():
    state = PartitionState(start=0)
    state.fetched(1.0, fetch_offset=0, high_watermark=10)
    state.taken(10)
    chunk = state.deliver(10)
    state.fetched(2.0, fetch_offset=10, high_watermark=10)
    assert state.progress() == Progress(0, 0.0)
    chunk.acked = True
    assert state.progress() == Progress(10, 2.0)


def test_records_that_are_written_and_not_acknowledged_hold_the_commit_only():
    state = PartitionState(start=0)
    state.fetched(1.0, fetch_offset=0, high_watermark=10)
    state.taken(10)
    state.deliver(10).written = True
    state.fetched(2.0, fetch_offset=10, high_watermark=10)
    assert state.progress() == Progress(10, 2.0)
    assert state.offsets.uncommitted() is None


def test_records_on_their_way_to_the_stream_hold_the_as_of_instant_too():
    state = PartitionState(start=0)
    state.fetched(1.0, fetch_offset=0, high_watermark=10)
    state.taken(10)
    state.fetched(2.0, fetch_offset=10, high_watermark=10)
    assert state.progress() == Progress(0, 0.0)
    state.deliver(10).acked = True
    assert state.progress() == Progress(10, 2.0)


def test_a_transaction_marker_at_the_end_is_passed_when_nothing_is_outstanding():
    state = PartitionState(start=0)
    state.taken(10)
    chunk = state.deliver(10)
    state.fetched(2.0, fetch_offset=11, high_watermark=11)
    assert state.progress() == Progress(0, 0.0)
    chunk.acked = True
    assert state.progress() == Progress(11, 2.0)
    assert state.offsets.uncommitted() == 10


def test_new_records_do_not_take_back_what_was_reached():
    state = PartitionState(start=0)
    state.fetched(1.0, fetch_offset=0, high_watermark=0)
    assert state.progress() == Progress(0, 1.0)
    state.fetched(2.0, fetch_offset=0, high_watermark=5)
    state.taken(5)
    state.deliver(5)
    assert state.progress() == Progress(0, 1.0)


def test_a_lagging_partition_keeps_its_old_instant_and_catches_up_at_once():
    state = PartitionState(start=0)
    chunks = []
    for number in range(1, 200):
        state.fetched(float(number), fetch_offset=number - 1, high_watermark=number)
        state.taken(number)
        chunks.append(state.deliver(number))
    assert state.progress() == Progress(0, 0.0)
    for chunk in chunks:
        chunk.acked = True
    assert state.progress() == Progress(199, 199.0)


def test_a_position_beyond_the_log_says_nothing():
    state = PartitionState(start=500)
    state.fetched(1.0, fetch_offset=500, high_watermark=10)
    assert state.progress() == Progress(500, 0.0)


def test_a_position_that_was_thrown_back_is_noticed():
    state = PartitionState(start=500)
    assert not state.behind(500)
    assert state.behind(0)
