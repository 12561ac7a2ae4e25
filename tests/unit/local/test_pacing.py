from shopstream.cli.produce import Summary, paced


class Time:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_lines_are_spread_by_the_clock() -> None:
    time = Time()
    seen = [time.now for _ in paced([b""] * 4, 2, time, time.sleep)]
    assert seen == [100.0, 100.5, 101.0, 101.5]


def test_a_late_line_is_followed_by_the_next_at_its_own_time() -> None:
    time = Time()
    lines = paced([b""] * 4, 2, time, time.sleep)
    next(lines)
    time.now = 101.1
    assert [time.now for _ in lines] == [101.1, 101.1, 101.5]


def test_without_a_rate_nothing_waits() -> None:
    time = Time()
    assert len(list(paced([b""] * 1000, None, time, time.sleep))) == 1000
    assert time.slept == []


def test_the_summary_counts_what_did_not_go() -> None:
    assert Summary(sent=1500, seconds=0.5).sentence() == "1,500 events sent in 0.5 s (3,000/s)"
    assert Summary(sent=1, seconds=0.5).sentence() == "1 event sent in 0.5 s (2/s)"
    assert Summary(sent=2, refused=1, failed=1, failure="late", seconds=1.0).sentence() == (
        "2 events sent in 1.0 s (2/s), 1 line not sent, 1 not acknowledged (late)"
    )
