"""The worker's own counters: Faust's monitor counts chunks."""

import collections
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from clickhouse.differences import COLUMNS
from pipeline.batch import Batch


class Metrics:
    """Prometheus metrics of one worker."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._records = Counter(
            "shopstream_records",
            "Records read and made durable",
            ["topic"],
            registry=self.registry,
        )
        self._refused = Counter(
            "shopstream_records_refused",
            "Records sent to the dead letters",
            ["reason"],
            registry=self.registry,
        )
        self._batches = Counter("shopstream_batches", "Batches written", registry=self.registry)
        self._seconds = Histogram(
            "shopstream_flush_seconds",
            "Time from a batch's first statement to its acknowledgement",
            buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
            registry=self.registry,
        )
        self._behind = Gauge(
            "shopstream_as_of_age_seconds",
            "Age of the instant up to which everything is in the reports",
            registry=self.registry,
        )
        self._set_back = Gauge(
            "shopstream_clock_set_back",
            "Times that the clock of this machine was set back since the process started",
            registry=self.registry,
        )
        self._audited = Counter(
            "shopstream_audited_rows",
            "Rows of aggregates compared with what the events say",
            ["window"],
            registry=self.registry,
        )
        self._repaired = Counter(
            "shopstream_repaired_rows",
            "Rows of aggregates that the audit repaired",
            ["window"],
            registry=self.registry,
        )
        for name in COLUMNS:  # a counter that was never raised is a promise too
            self._repaired.labels(name)
        self._totals = {
            "records": 0.0,
            "refused": 0.0,
            "batches": 0.0,
            "flushSeconds": 0.0,
            "repairs": 0.0,
        }

    def written(self, batch: Batch, seconds: float) -> None:
        """A batch became durable."""
        self._records.labels(batch.topic).inc(batch.records)
        self._batches.inc()
        self._seconds.observe(seconds)
        reasons = collections.Counter(refusal.reason.value for _, refusal in batch.refused)
        for reason, count in reasons.items():
            self._refused.labels(reason).inc(count)
            name = f"refused.{reason}"
            self._totals[name] = self._totals.get(name, 0) + count
        self._totals["records"] += batch.records
        self._totals["refused"] += len(batch.refused)
        self._totals["batches"] += 1
        self._totals["flushSeconds"] += seconds

    def audited(self, window: str, rows: int, repaired: int) -> None:
        """The audit compared a window."""
        self._audited.labels(window).inc(rows)
        self._repaired.labels(window).inc(repaired)
        self._totals["repairs"] += repaired

    def behind(self, seconds: float) -> None:
        """Age of the worker's watermark."""
        self._behind.set(seconds)

    def clock_set_back(self, times: int) -> None:
        """How often the wall clock was set back."""
        self._set_back.set(times)

    def totals(self) -> Mapping[str, float]:
        """Counters since the start, for the progress notices."""
        return self._totals
