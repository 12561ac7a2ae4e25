"""Everything that reached Kafka before the watermark is included."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.transport.partitions import MAX_SAMPLES, Watermark


def test_no_sample_no_instant():
    assert Watermark().reached(1_000) == 0.0


def test_a_sample_counts_once_its_log_end_is_reached():
    mark = Watermark()
    mark.sample(5.0, 100)
    assert mark.reached(99) == 0.0
    assert mark.reached(100) == 5.0


def test_the_latest_reached_sample_decides():
    mark = Watermark()
    for asked_at, log_end in ((1.0, 10), (2.0, 20), (3.0, 30)):
        mark.sample(asked_at, log_end)
    assert mark.reached(29) == 2.0


def test_a_quiet_log_stays_fresh_with_a_single_sample_kept():
    mark = Watermark()
    for instant in range(1, 1000):
        mark.sample(float(instant), 10)
    assert len(mark) == 1
    assert mark.reached(10) == 999.0


def test_a_log_end_that_falls_promises_nothing_less():
    mark = Watermark()
    mark.sample(1.0, 10)
    mark.sample(2.0, 5)
    assert mark.reached(9) == 0.0
    assert mark.reached(10) == 2.0


def test_a_clock_that_goes_back_does_not_take_the_watermark_with_it():
    mark = Watermark()
    mark.sample(10.0, 1)
    assert mark.reached(1) == 10.0
    mark.sample(8.0, 2)
    assert mark.reached(2) == 10.0


def test_a_worker_that_lags_keeps_few_samples_with_both_ends():
    mark = Watermark()
    for number in range(1, 10_000):
        mark.sample(float(number), number)
        assert len(mark) <= MAX_SAMPLES
    assert mark.reached(1) == 1.0
    assert mark.reached(9_999) == 9_999.0


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 5)), min_size=1, max_size=300),
    st.lists(st.integers(0, 1500), min_size=1, max_size=50),
)
def test_the_watermark_never_says_more_than_the_samples_and_never_goes_back(steps, reads):
    mark, samples, instant, end = Watermark(), [], 0.0, 0
    for passed, grown in steps:
        instant, end = instant + passed, end + grown
        samples.append((instant, end))
        mark.sample(instant, end)
    last = 0.0
    for done in sorted(reads):
        told = mark.reached(done)
        assert last <= told <= max((t for t, e in samples if e <= done), default=0.0)
        last = told
