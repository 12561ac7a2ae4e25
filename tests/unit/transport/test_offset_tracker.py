"""The commit is the end of the acknowledged prefix."""

import random

from pipeline.transport.partitions import OffsetTracker


def test_nothing_is_committed_before_the_first_acknowledgement():
    tracker = OffsetTracker()
    tracker.deliver(10)
    assert tracker.uncommitted() is None
    assert not tracker.idle


def test_an_acknowledgement_out_of_order_waits_for_those_before_it():
    tracker = OffsetTracker()
    first, second, third = tracker.deliver(10), tracker.deliver(20), tracker.deliver(35)
    third.acked = True
    assert tracker.uncommitted() is None
    first.acked = True
    assert tracker.uncommitted() == 10
    second.acked = True
    assert tracker.uncommitted() == 35
    assert tracker.idle


def test_a_commit_is_offered_until_the_broker_confirms_it():
    tracker = OffsetTracker()
    tracker.deliver(10).acked = True
    assert [tracker.uncommitted(), tracker.uncommitted()] == [10, 10]
    tracker.committed(10)
    assert tracker.uncommitted() is None
    tracker.deliver(11).acked = True
    assert tracker.uncommitted() == 11


def test_what_is_written_is_passed_in_order_and_not_committed_before_it_is_acknowledged():
    tracker = OffsetTracker()
    first, second = tracker.deliver(10), tracker.deliver(20)
    second.written = True
    assert (tracker.written, tracker.end) == (None, None)
    first.written = True
    assert (tracker.written, tracker.end, tracker.idle) == (20, None, True)
    first.acked = True
    assert (tracker.written, tracker.uncommitted()) == (20, 10)
    tracker.deliver(30).acked = True
    assert (tracker.written, tracker.uncommitted()) == (30, 10)


def test_an_empty_tracker_is_idle_and_has_nothing_to_commit():
    assert OffsetTracker().idle
    assert OffsetTracker().uncommitted() is None


def test_any_order_of_acknowledgements_ends_at_the_acknowledged_prefix():
    dice = random.Random(7)
    for _ in range(200):
        tracker = OffsetTracker()
        chunks = [tracker.deliver(n) for n in sorted(dice.sample(range(1, 1000), 20))]
        order = chunks[:]
        dice.shuffle(order)
        for chunk in order:
            chunk.acked = True
            prefix = [t.next for t in chunks[: _first_open(chunks)]]
            assert tracker.end == (prefix[-1] if prefix else None)


def _first_open(chunks):
    return next((i for i, chunk in enumerate(chunks) if not chunk.acked), len(chunks))
