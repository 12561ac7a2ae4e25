"""What an API process says of the pipeline after somebody set the clock."""

import asyncio
from datetime import UTC, datetime, timedelta

from api.freshness.health import Health
from api.freshness.topology import TopicState
from api.freshness.tracker import FreshnessTracker, RequiredPosition
from shopstream.contracts.cursor import Partition
from shopstream.contracts.notices import PipelineState, Progress
from shopstream.contracts.topics import ORDERS
from shopstream.instants import Instants

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
P0 = Partition(ORDERS, 0)


class Api:
    """A process, and a worker on the same machine."""

    def __init__(self, epoch: int = 7) -> None:
        self.seconds, self.lead = 100.0, NOON.timestamp() - 100
        self.tracker = FreshnessTracker(
            lambda: self.seconds,
            Instants(lambda: self.seconds, lambda: self.seconds + self.lead),
        )
        self.tracker.see({ORDERS: TopicState(epoch, 1)})

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds + self.lead, UTC)

    def says(self, ago: float = 0.5, n: int = 5, epoch: int = 7) -> None:
        as_of = self.now - timedelta(seconds=ago)
        self.tracker.observe(PipelineState("w", {P0: Progress(epoch, n, as_of)}, {}, {}, self.now))

    def set_back(self) -> None:
        self.lead -= HOUR.total_seconds()

    def includes(self, n: int) -> bool:
        async def asked() -> bool:
            try:
                async with asyncio.timeout(0):
                    await self.tracker.wait([RequiredPosition(P0, None, n)])
            except TimeoutError:
                return False
            return True

        return asyncio.run(asked())

    def age(self) -> float:
        as_of = self.tracker.as_of()
        assert as_of is not None
        return (self.now - as_of).total_seconds()


def test_as_of_goes_back_with_the_clock_and_grows_old_while_the_worker_is_silent() -> None:
    api = Api()
    api.says()
    api.set_back()
    assert api.tracker.as_of() == NOON - HOUR - timedelta(seconds=0.5)
    api.seconds += 20
    assert round(api.age(), 3) == 20.5
    health = Health(None, lambda: None, api.tracker, None, lambda: api.now)  # type: ignore[arg-type]
    assert health._pipeline() == "The reports stand still since 20 s."
    api.says()
    assert round(api.age(), 3) == 0.5
    assert health._pipeline() == "ok"
    assert api.tracker.times_set_back == 1


def test_answers_from_before_the_clock_was_set_back_do_not_hold() -> None:
    api = Api()
    api.says()
    before = api.tracker.freshness("s", readable=True)
    assert api.tracker.freshness("s", readable=True) == before
    api.set_back()
    after = api.tracker.freshness("s", readable=True)
    assert after.version != before.version and after.changes != before.changes


def test_a_new_topic_beats_what_was_said_before_the_clock_was_set_back() -> None:
    api = Api()
    api.says(n=900)
    api.set_back()
    api.tracker.see({ORDERS: TopicState(8, 1)})
    assert api.tracker.times_set_back == 1
    api.seconds += 1
    api.says(n=3, epoch=8)
    assert api.includes(3)
    assert not api.includes(4)
    assert round(api.age(), 3) == 0.5


def test_a_stored_instant_in_the_future_says_nothing_but_how_far() -> None:
    api = Api()
    stored = PipelineState("stored", {P0: Progress(7, 5, NOON + HOUR)})
    api.tracker.observe(stored, replayed=True)
    assert api.tracker.as_of() is None
    assert api.includes(5)
    api.says(n=6)
    assert round(api.age(), 3) == 0.5


def test_a_word_that_is_read_again_never_counts_as_fresh() -> None:
    api = Api()
    later = NOON + HOUR
    word = PipelineState("w", {P0: Progress(7, 5, later)}, {}, {}, later)
    api.tracker.observe(word, replayed=True)
    assert api.tracker.as_of() is None
    assert not api.tracker.ahead


def test_a_stored_word_never_beats_another_topic_that_a_worker_tells_of() -> None:
    api = Api()
    api.tracker = FreshnessTracker(lambda: api.seconds)
    api.says(n=3, epoch=8)
    api.tracker.observe(PipelineState("stored", {P0: Progress(7, 900, NOON)}), replayed=True)
    assert api.includes(3)
    assert not api.includes(900)


def test_a_worker_whose_clock_is_ahead_is_named_and_counts_as_old_as_it_was() -> None:
    api = Api()
    at = NOON + HOUR
    as_of = at - timedelta(seconds=30)
    api.tracker.observe(PipelineState("w", {P0: Progress(7, 5, as_of)}, {}, {}, at))
    assert api.age() == 30
    assert api.tracker.ahead == 3600
    health = Health(None, lambda: None, api.tracker, None, lambda: api.now)  # type: ignore[arg-type]
    assert health._clocks() == {"clock": "The clock of a worker is 3600 s ahead."}
    api.says()
    assert not api.tracker.ahead
    assert health._clocks() == {}


def test_a_worker_that_is_gone_is_ahead_no_more() -> None:
    api = Api()
    at = NOON + HOUR
    api.tracker.observe(PipelineState("gone", {P0: Progress(7, 5, at)}, {}, {}, at))
    api.seconds += 30
    api.says()
    assert api.tracker.ahead == 3600
    api.seconds += 30
    api.says()
    assert not api.tracker.ahead
