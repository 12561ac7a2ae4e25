"""The metrics of an API process (Prometheus text format)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.freshness.tracker import FreshnessTracker
from api.push.hub import Hub
from shopstream.contracts.reject import Reason
from shopstream.disk import Disk

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)

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
        registry = self.registry = CollectorRegistry()
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
        build = Gauge(
            "shopstream_build_info",
            "1, with the version of this process",
            ["process", "version"],
            registry=registry,
        )
        build.labels("api", version("shopstream")).set(1)
        # memory, processor time, open files and the start of the process
        ProcessCollector(registry=registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts an answer that began; `route` is the path of the route, not of the request."""
        self._counters["shopstream_http_requests"].labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def written_over_http(self, events: Mapping[str, int]) -> None:
        """Counts events by topic."""
        for topic, count in events.items():
            self._counters["shopstream_http_events"].labels(topic).inc(count)

    def refused_over_http(self, reasons: Iterable[Reason]) -> None:
        """Counts events that break a rule, one for each reason."""
        for reason in reasons:
            self._counters["shopstream_http_events_refused"].labels(reason.value).inc()

    def hooked(self, platform: str, outcome: str) -> None:
        """Counts a webhook that was answered."""
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


class _Outside(Collector):
    def __init__(
        self,
        hub: Hub,
        tracker: FreshnessTracker,
        now: Callable[[], datetime],
        disk: Disk | None,
        restarts: Callable[[], Mapping[str, int]],
    ) -> None:
        self._restarts = restarts
        self._disk = disk
        self._hub = hub
        self._tracker = tracker
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
            "shopstream_push_skipped",
            "Records that could not be read, or not be unpacked",
            hub.counts.skipped,
        )
        yield CounterMetricFamily(
            "shopstream_push_pauses", "Times that a client did not read", hub.counts.paused
        )
        as_of = self._tracker.as_of()
        if as_of is not None:
            age = (self._now() - as_of).total_seconds()
            yield GaugeMetricFamily(
                "shopstream_as_of_age_seconds", "Age of what the reports include", age
            )
        yield GaugeMetricFamily(
            "shopstream_clock_ahead_seconds",
            "How far the clock of a worker is ahead of that of this process; 0 below a second",
            self._tracker.ahead,
        )
        yield GaugeMetricFamily(
            "shopstream_clock_set_back",
            "Times that the clock of this machine was set back since the process started",
            self._tracker.times_set_back,
        )
        free = self._disk.free() if self._disk else None
        if free is not None:
            yield GaugeMetricFamily(
                "shopstream_disk_free_bytes", "Free space on the disk of the data directory", free
            )
        if counts := self._restarts():
            restarted = CounterMetricFamily(
                "shopstream_restarts",
                "Times that `up` started a process again",
                labels=["process"],
            )
            for name, count in counts.items():
                restarted.add_metric([name], count)
            yield restarted
        yield from self._pipeline()

    def _pipeline(self) -> Iterator[Metric]:
        """What the workers report of themselves, added up."""
        totals = self._tracker.counters()
        yield CounterMetricFamily(
            "shopstream_pipeline_records", "Records read and made durable", totals.get("records", 0)
        )
        refused = CounterMetricFamily(
            "shopstream_pipeline_records_refused",
            "Records sent to the dead letters",
            labels=["reason"],
        )
        for name, value in sorted(totals.items()):
            reason = name.removeprefix("refused.")
            if reason != name and _NAME.fullmatch(reason):
                refused.add_metric([reason], value)
        yield refused
        yield CounterMetricFamily(
            "shopstream_pipeline_batches", "Batches written", totals.get("batches", 0)
        )
        yield CounterMetricFamily(
            "shopstream_pipeline_flush_seconds",
            "Time from the first statement of a batch to its acknowledgement, of all batches",
            totals.get("flushSeconds", 0),
        )
        yield CounterMetricFamily(
            "shopstream_pipeline_created_at_differences",
            "Versions of orders whose createdAt is not the first accepted one",
            totals.get("createdAtDifferences", 0),
        )
        yield CounterMetricFamily(
            "shopstream_pipeline_repaired_rows",
            "Rows of aggregates that the audit repaired",
            totals.get("repairs", 0),
        )


async def serve(registry: CollectorRegistry, host: str, port: int) -> Any:
    """Serves `/metrics` alone, on the event loop of the caller; `await cleanup()` of what it returns ends it.

    Raises:
        OSError: the port is in use.
    """
    # only where metrics have a port of their own
    from aiohttp import web

    async def scrape(_: web.Request) -> web.Response:
        content = generate_latest(registry)
        return web.Response(body=content, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", scrape)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner
