"""The metrics of an API process (Prometheus text format)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.freshness.tracker import FreshnessTracker
from api.push.hub import Hub
from shopstream.contracts.reject import Reason
from shopstream.disk import Disk
from shopstream.metrics import counted_by, new_registry

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_REFUSED = re.compile(r"refused\.([A-Za-z0-9_.:-]{1,64})", re.ASCII)
"""The counter of a reason in the progress of a worker."""

_PUSH_COUNTERS = (
    ("shopstream_push_events", "Events of shops that somebody listens to", "events"),
    ("shopstream_push_deliveries", "Events offered to a subscriber", "deliveries"),
    ("shopstream_push_resets", "Messages stream:reset: something was missed", "resets"),
    ("shopstream_push_skipped", "Records that could not be unpacked, read or encoded", "skipped"),
    ("shopstream_push_pauses", "Times that a client did not read", "paused"),
)
"""What each counts, and its name in `hub.Counts`."""
_PIPELINE_COUNTERS = (
    ("shopstream_pipeline_records", "Records read and made durable", "records"),
    ("shopstream_pipeline_batches", "Batches written", "batches"),
    (
        "shopstream_pipeline_flush_seconds",
        "Time from the first statement of a batch to its acknowledgement, of all batches",
        "flushSeconds",
    ),
    (
        "shopstream_pipeline_created_at_differences",
        "Versions of orders whose createdAt is not the first accepted one",
        "createdAtDifferences",
    ),
    (
        "shopstream_pipeline_repaired_rows",
        "Rows of aggregates that the audit repaired",
        "repairs",
    ),
)
"""The same of the workers, and its name in their progress."""
_COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "shopstream_http_requests": ("Requests answered", ("method", "route", "status")),
    "shopstream_http_events": (
        "Events that were written over HTTP and acknowledged by Kafka",
        ("topic",),
    ),
    "shopstream_http_events_refused": (
        "Events over HTTP that break a rule; nothing of their request was written",
        ("reason",),
    ),
    "shopstream_hooks": (
        "Webhooks by platform, and what became of them: written, ignored, refused, unsigned",
        ("platform", "outcome"),
    ),
    "shopstream_http_early_refusals": (
        "Requests and connections refused before a route was looked for",
        ("status",),
    ),
}


class Metrics:
    """Counters of one API process, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = new_registry("api")
        self._counters = {
            name: Counter(name, about, labels, registry=registry)
            for name, (about, labels) in _COUNTERS.items()
        }
        self._seconds = Histogram(
            "shopstream_http_request_seconds",
            "Time to the first byte of the answer",
            ["route"],
            buckets=BUCKETS,
            registry=registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts an answer that began; `route` is the path of the route, not of the request."""
        self._counters["shopstream_http_requests"].labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def written_over_http(self, events: Mapping[str, int]) -> None:
        for topic, count in events.items():
            self._counters["shopstream_http_events"].labels(topic).inc(count)

    def refused_over_http(self, reasons: Iterable[Reason]) -> None:
        """Counts events that break a rule, one for each reason."""
        for reason in reasons:
            self._counters["shopstream_http_events_refused"].labels(reason.value).inc()

    def hooked(self, platform: str, outcome: str) -> None:
        self._counters["shopstream_hooks"].labels(platform, outcome).inc()

    def refused_early(self, status: int) -> None:
        """The server refused a request or a connection; it is not among those that `answered` counts."""
        self._counters["shopstream_http_early_refusals"].labels(str(status)).inc()

    def watch(
        self,
        hub: Hub,
        tracker: FreshnessTracker,
        now: Callable[[], datetime],
        disk: Disk | None = None,
        restarts: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """Adds what is read from the hub, the tracker, the disk and `up` when /metrics is scraped."""
        self.registry.register(_Outside(hub, tracker, now, disk, restarts))


@dataclass(frozen=True, eq=False)
class _Outside(Collector):
    hub: Hub
    tracker: FreshnessTracker
    now: Callable[[], datetime]
    disk: Disk | None
    restarts: Callable[[], Mapping[str, int]]

    def collect(self) -> Iterator[Metric]:
        for name, about, value in self._gauges():
            if value is not None:
                yield GaugeMetricFamily(name, about, value)
        for name, about, count in _PUSH_COUNTERS:
            yield CounterMetricFamily(name, about, getattr(self.hub.counts, count))
        if counts := self.restarts():
            about = "Times that `up` started a process again"
            yield counted_by("shopstream_restarts", about, "process", counts)
        # what the workers report of themselves, added up
        totals = self.tracker.counters()
        for name, about, total in _PIPELINE_COUNTERS:
            yield CounterMetricFamily(name, about, totals.get(total, 0))
        named = ((_REFUSED.fullmatch(name), count) for name, count in sorted(totals.items()))
        refused = {found[1]: count for found, count in named if found}
        about = "Records sent to the dead letters"
        yield counted_by("shopstream_pipeline_records_refused", about, "reason", refused)

    def _gauges(self) -> Iterator[tuple[str, str, float | None]]:
        tracker, as_of = self.tracker, self.tracker.as_of()
        yield "shopstream_push_subscribers", "Open streams", len(self.hub)
        age = None if as_of is None else (self.now() - as_of).total_seconds()
        yield "shopstream_as_of_age_seconds", "Age of what the reports include", age
        about = "How far the clock of a worker is ahead of that of this process; 0 below a second"
        yield "shopstream_clock_ahead_seconds", about, tracker.ahead
        about = "Times that the clock of this machine was set back since the process started"
        yield "shopstream_clock_set_back", about, tracker.times_set_back
        free = self.disk.free() if self.disk else None
        yield "shopstream_disk_free_bytes", "Free space on the disk of the data directory", free
