"""What /metrics tells (Prometheus text format)."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.freshness.progress import ProgressBook
from api.push.hub import Hub
from shopstream.disk import Disk

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)


class Metrics:
    """Counters of one API process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "shopstream_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "shopstream_http_request_seconds",
            "Time to the first byte of the answer",
            ["route"],
            buckets=BUCKETS,
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answer began; `route` is the path of the route, not of the request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def watch(
        self,
        hub: Hub,
        book: ProgressBook,
        now: Callable[[], datetime],
        disk: Disk | None = None,
    ) -> None:
        """What is read from elsewhere when /metrics is asked."""
        self.registry.register(_Outside(hub, book, now, disk))


class _Outside(Collector):
    def __init__(
        self, hub: Hub, book: ProgressBook, now: Callable[[], datetime], disk: Disk | None
    ) -> None:
        self._disk = disk
        self._hub = hub
        self._book = book
        self._now = now

    def collect(self) -> Iterator[Metric]:
        hub = self._hub
        yield GaugeMetricFamily("shopstream_push_subscribers", "Open streams", len(hub))
        yield CounterMetricFamily(
            "shopstream_push_events", "Events of shops that somebody listens to", hub.counts.events
        )
        yield CounterMetricFamily(
            "shopstream_push_deliveries", "Events offered to a subscriber", hub.counts.deliveries
        )
        yield CounterMetricFamily(
            "shopstream_push_resets",
            "Streams that were told that something was missed",
            hub.counts.resets,
        )
        yield CounterMetricFamily(
            "shopstream_push_pauses", "Times that a client did not read", hub.counts.paused
        )
        as_of = self._book.as_of()
        if as_of is not None:
            age = (self._now() - as_of).total_seconds()
            yield GaugeMetricFamily(
                "shopstream_as_of_age_seconds", "Age of what the reports include", age
            )
        yield GaugeMetricFamily(
            "shopstream_clock_ahead_seconds",
            "How far the clock of a worker is ahead of that of this process; 0 below a second",
            self._book.ahead,
        )
        yield GaugeMetricFamily(
            "shopstream_clock_set_back",
            "Times that the clock of this machine was set back since the process started",
            self._book.times_set_back,
        )
        free = self._disk.free() if self._disk else None
        if free is not None:
            yield GaugeMetricFamily(
                "shopstream_disk_free_bytes", "Free space on the disk of the data directory", free
            )
        yield self._pipeline()

    def _pipeline(self) -> Metric:
        family = CounterMetricFamily(
            "shopstream_pipeline",
            "Counters that the pipeline's workers report, added up",
            labels=["counter"],
        )
        for name, value in sorted(self._book.counters().items()):
            if _NAME.fullmatch(name):
                family.add_metric([name], value)
        return family
