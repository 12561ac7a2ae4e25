"""The state of each assigned partition: chunks in flight, committed offset, position, as-of instant. No clock, no I/O.

A sample is a fetch request that was sent at `sent_at` and answered with the partition's high watermark (the offset
after its last replicated record). What reached Kafka before `sent_at` is therefore below `high_watermark`, and it is
included once everything below `high_watermark` is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from faust.types import TP

MAX_SAMPLES = 64  # of a partition; one that lags keeps coarser samples, never more


class Sample(NamedTuple):
    """A fetch from `fetch_offset`, sent at `sent_at` (seconds of the steady clock), and the high watermark in its
    response."""

    tp: TP
    sent_at: float
    fetch_offset: int
    high_watermark: int


class Progress(NamedTuple):
    """How far one partition is done.

    `next`: every record below this offset is written.
    `as_of`: everything that reached Kafka before this instant is written (seconds of the steady clock in a
    `PartitionState`, Unix time from `ChunkTransport.progress`; 0 while unknown).
    """

    next: int
    as_of: float


@dataclass(slots=True, eq=False)
class InFlight:
    """One delivered chunk: the offset after its last record, and whether the sink has written, acknowledged or dropped
    it.

    Written: it changes no number any more. Acknowledged: nothing of it is left to do.
    """

    next: int
    written: bool = False
    acked: bool = False
    dropped: bool = False


class OffsetTracker:
    """Chunks of one partition in the order of delivery: the end of the acknowledged prefix is what to commit, that of
    the written prefix how far reports are. What is acknowledged is written.

    Acknowledgements may come in any order. Offsets need not be consecutive, so gaps in the log (transaction markers,
    compaction) hold nothing back. With `end` the prefix begins there and is to be committed, whatever the broker has.
    """

    def __init__(self, end: int | None = None) -> None:
        self._open: deque[InFlight] = deque()
        self._unwritten: deque[InFlight] = deque()
        self._end = self._written = end
        self._committed: int | None = None

    def deliver(self, next_offset: int) -> InFlight:
        """Adds a chunk that ends before `next_offset`."""
        chunk = InFlight(next_offset)
        self._open.append(chunk)
        self._unwritten.append(chunk)
        return chunk

    @property
    def end(self) -> int | None:
        """End of the acknowledged prefix (an offset), None before the first."""
        self._advance()
        return self._end

    @property
    def written(self) -> int | None:
        """End of the written prefix (an offset), None before the first."""
        self._advance()
        return self._written

    @property
    def idle(self) -> bool:
        """Whether everything delivered is written."""
        self._advance()
        return not self._unwritten

    def uncommitted(self) -> int | None:
        """The offset to commit, None if the broker already has it."""
        end = self.end
        return None if end == self._committed else end

    def committed(self, offset: int) -> None:
        """The broker confirmed a commit of `offset`; until then `uncommitted` returns it again."""
        self._committed = offset

    def _advance(self) -> None:
        while self._open and self._open[0].acked:
            self._end = self._open.popleft().next
        while self._unwritten and (self._unwritten[0].written or self._unwritten[0].acked):
            self._written = self._unwritten.popleft().next


class AsOfTracker:
    """Samples of one partition whose high watermark is not reached yet, and the last instant that is reached."""

    def __init__(self, as_of: float = 0.0) -> None:
        self._ahead: deque[tuple[float, int]] = deque()
        self._as_of = as_of

    def __len__(self) -> int:
        return len(self._ahead)

    def sample(self, sent_at: float, high_watermark: int) -> None:
        """Adds one sample (seconds of the steady clock, offset)."""
        if self._ahead:
            # A high watermark that falls (a new leader that lags) promises nothing less than before.
            high_watermark = max(high_watermark, self._ahead[-1][1])
            if self._ahead[-1][1] == high_watermark:
                sent_at = max(sent_at, self._ahead.pop()[0])
        self._ahead.append((sent_at, high_watermark))
        if len(self._ahead) > MAX_SAMPLES:
            # The first is reached next, the last is the freshest. Dropping one between only makes the
            # instant step further at once.
            samples = list(self._ahead)
            self._ahead = deque([*samples[:-1:2], samples[-1]])

    def reached(self, done: int) -> float:
        """The instant up to which all is included when everything below offset `done` is.

        Seconds of the steady clock, 0 before the first sample is reached; never goes back.
        """
        while self._ahead and self._ahead[0][1] <= done:
            self._as_of = max(self._as_of, self._ahead.popleft()[0])
        return self._as_of


class PartitionState:
    """One partition from one assignment, or seek, to the next.

    The caller reports in the order in which things happened in the consumer: `fetched` when a fetch response arrives,
    `taken` when records leave the fetcher, `deliver` when they are handed to the stream. What was taken and is not yet
    delivered counts as outstanding. With `commit_start` the start itself is to be committed: the broker's offset is of
    a log that is gone.
    """

    def __init__(
        self, start: int | None = None, as_of: float = 0.0, commit_start: bool = False
    ) -> None:
        self.offsets = OffsetTracker(start if commit_start else None)
        self._as_of_tracker = AsOfTracker(as_of)
        self._done = start
        self._position = start
        self.end: int | None = None
        """The high watermark of the latest fetch."""
        self._taken = 0
        self._delivered = 0

    def behind(self, fetch_offset: int) -> bool:
        """Whether a fetch from `fetch_offset` shows that the position was thrown back."""
        return self._position is not None and fetch_offset < self._position

    def fetched(self, sent_at: float, fetch_offset: int, high_watermark: int) -> None:
        """A fetch was sent at `sent_at`, and answered with `high_watermark`."""
        self._position, self.end = fetch_offset, high_watermark
        if self._done is None:
            self._done = fetch_offset
        # A position beyond the end is of another log (the topic was recreated): nothing follows for this one.
        if fetch_offset <= high_watermark:
            self._as_of_tracker.sample(sent_at, high_watermark)

    def taken(self, next_offset: int) -> None:
        """Records up to `next_offset` left the fetcher and are on their way to the stream."""
        self._taken = next_offset

    def deliver(self, next_offset: int) -> InFlight:
        """Records up to `next_offset` are handed to the stream."""
        self._delivered = next_offset
        return self.offsets.deliver(next_offset)

    def progress(self) -> Progress | None:
        """How far this partition is done now, None while the position is unknown."""
        reached = [self._done, self.offsets.written]
        if self._taken <= self._delivered and self.offsets.idle:
            # Nothing is outstanding, so all below the position is done, gaps included.
            reached.append(self._position)
        self._done = max((offset for offset in reached if offset is not None), default=None)
        if self._done is None:
            return None
        return Progress(self._done, self._as_of_tracker.reached(self._done))


class PartitionStates:
    """One `PartitionState` for each assigned partition; reports of any other partition are dropped.

    Belongs to the app's event loop.
    """

    def __init__(self) -> None:
        self._states: dict[TP, PartitionState] = {}

    def __iter__(self) -> Iterator[TP]:
        return iter(list(self._states))

    def get(self, tp: TP) -> PartitionState | None:
        """The present state of a partition; another object after each seek and assignment."""
        return self._states.get(tp)

    def open(self, starts: Mapping[TP, int | None], commit_start: bool = False) -> None:
        """Begins new states at the given offsets (None: not known yet)."""
        for tp, start in starts.items():
            self._states[tp] = PartitionState(start, commit_start=commit_start)

    def close(self, tps: Iterable[TP]) -> None:
        """Forgets partitions that were revoked: late acknowledgements have no effect."""
        for tp in list(tps):
            self._states.pop(tp, None)

    def fetched(self, samples: Iterable[Sample]) -> None:
        """Fetch responses arrived."""
        for tp, sent_at, fetch_offset, high_watermark in samples:
            state = self._states.get(tp)
            if state is None:
                continue
            if state.behind(fetch_offset):
                # Thrown back (offset out of range): what was delivered before belongs to a log that is
                # gone, so its acknowledgements must not be committed on this one.
                known = state.progress()
                state = PartitionState(
                    fetch_offset, known.as_of if known else 0.0, commit_start=True
                )
                self._states[tp] = state
            state.fetched(sent_at, fetch_offset, high_watermark)

    def taken(self, ends: Mapping[TP, int]) -> None:
        """Records up to these offsets are on their way to the streams."""
        for tp, end in ends.items():
            if state := self._states.get(tp):
                state.taken(end)

    def uncommitted(self, tp: TP) -> int | None:
        """The offset to commit for a partition, None if there is nothing to commit."""
        state = self._states.get(tp)
        return state.offsets.uncommitted() if state else None

    def committed(self, offsets: Mapping[TP, int]) -> None:
        """The broker confirmed these commits."""
        for tp, offset in offsets.items():
            if state := self._states.get(tp):
                state.offsets.committed(offset)

    def progress(self) -> dict[TP, Progress]:
        """How far each assigned partition with a known position is done."""
        found = ((tp, state.progress()) for tp, state in self._states.items())
        return {tp: progress for tp, progress in found if progress}
