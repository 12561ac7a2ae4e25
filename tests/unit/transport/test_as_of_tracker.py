"""Everything that reached Kafka before the as-of instant is included."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.transport.partitions import MAX_SAMPLES, AsOfTracker


def test_no_sample_no_instant():
    assert AsOfTracker().reached(1_000) == 0.0


def test_a_sample_counts_once_its_high_watermark_is_reached():
    tracker = AsOfTracker()
    tracker.sample(5.0, 100)
    assert tracker.reached(99) == 0.0
    assert tracker.reached(100) == 5.0


def test_the_latest_reached_sample_decides():
    tracker = AsOfTracker()
    for sent_at, high_watermark in ((1.0, 10), (2.0, 20), (3.0, 30)):
        tracker.sample(sent_at, high_watermark)
    assert tracker.reached(29) == 2.0


def test_a_quiet_log_stays_fresh_with_a_single_sample_kept():
    tracker = AsOfTracker()
    for instant in range(1, 1000):
        tracker.sample(float(instant), 10)
    assert len(tracker) == 1
    assert tracker.reached(10) == 999.0


def test_a_high_watermark_that_falls_promises_nothing_less():
    tracker = AsOfTracker()
    tracker.sample(1.0, 10)
    tracker.sample(2.0, 5)
    assert tracker.reached(9) == 0.0
    assert tracker.reached(10) == 2.0


def test_a_clock_that_goes_back_does_not_take_the_instant_with_it():
    tracker = AsOfTracker()
    tracker.sample(10.0, 1)
    assert tracker.reached(1) == 10.0
    tracker.sample(8.0, 2)
    assert tracker.reached(2) == 10.0


def test_a_worker_that_lags_keeps_few_samples_with_both_ends():
    tracker = AsOfTracker()
    for number in range(1, 10_000):
        tracker.sample(float(number), number)
        assert len(tracker) <= MAX_SAMPLES
    assert tracker.reached(1) == 1.0
    assert tracker.reached(9_999) == 9_999.0


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 5)), min_size=1, max_size=300),
    st.lists(st.integers(0, 1500), min_size=1, max_size=50),
)
def test_the_instant_never_says_more_than_the_samples_and_never_goes_back(steps, reads):
    tracker, samples, instant, end = AsOfTracker(), [], 0.0, 0
    for passed, grown in steps:
        instant, end = instant + passed, end + grown
        samples.append((instant, end))
        tracker.sample(instant, end)
    last = 0.0
    for done in sorted(reads):
        told = tracker.reached(done)
        assert last <= told <= max((t for t, e in samples if e <= done), default=0.0)
        last = told
