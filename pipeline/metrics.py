"""The worker's own counters: Faust's monitor counts chunks."""

import collections
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from clickhouse.differences import COLUMNS
from pipeline.batch import Batch
from shopstream.contracts.cursor import Partition
from shopstream.metrics import counted_by, new_registry

_COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "shopstream_records": ("Records read and made durable", ("topic",)),
    "shopstream_records_refused": ("Records sent to the dead letters", ("reason",)),
    "shopstream_tombstones": (
        "Records without a value, which say nothing and are skipped",
        ("topic",),
    ),
    "shopstream_created_at_differences": (
        "Versions of orders whose createdAt is not the first accepted one",
        (),
    ),
    "shopstream_batches": ("Batches written", ()),
    "shopstream_audited_rows": (
        "Rows of aggregates compared with what the events say",
        ("window",),
    ),
    "shopstream_repaired_rows": ("Rows of aggregates that the audit repaired", ("window",)),
}
_HISTOGRAMS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "shopstream_flush_seconds": (
        "Time from a batch's first statement to its acknowledgement",
        (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
    ),
    "shopstream_batch_records": (
        "Records of a batch",
        (1, 10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000),
    ),
}
_GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "shopstream_consumer_lag_records": (
        "Records of an assigned partition that Kafka has and the reports do not include",
        ("topic", "partition"),
    ),
    "shopstream_held_partitions": (
        "Partitions that are not read on, since too much of them waits to be written",
        (),
    ),
    "shopstream_as_of_age_seconds": (
        "Age of the instant up to which everything is in the reports",
        (),
    ),
    "shopstream_clock_set_back": (
        "Times that the clock of this machine was set back since the process started",
        (),
    ),
}
_TOTALS = ("records", "refused", "batches", "flushSeconds", "repairs", "createdAtDifferences")


class Metrics:
    """Prometheus metrics of one worker."""

    def __init__(self) -> None:
        registry = self.registry = new_registry("pipeline")
        self._counters = {
            name: Counter(name, *of, registry=registry) for name, of in _COUNTERS.items()
        }
        self._gauges = {name: Gauge(name, *of, registry=registry) for name, of in _GAUGES.items()}
        self._histograms = {
            name: Histogram(name, about, buckets=buckets, registry=registry)
            for name, (about, buckets) in _HISTOGRAMS.items()
        }
        self._gauges["shopstream_as_of_age_seconds"].set(float("nan"))  # not known yet
        self._lags: dict[Partition, Gauge] = {}
        for name in COLUMNS:  # a counter that was never raised is a promise too
            self._counters["shopstream_repaired_rows"].labels(name)
        self._totals = dict.fromkeys(_TOTALS, 0.0)

    def written(self, batch: Batch, seconds: float) -> None:
        """Counts a batch that became durable, which took so many seconds."""
        self._counters["shopstream_records"].labels(batch.topic).inc(batch.records)
        self._counters["shopstream_tombstones"].labels(batch.topic).inc(batch.tombstones)
        self._counters["shopstream_batches"].inc()
        self._histograms["shopstream_flush_seconds"].observe(seconds)
        self._histograms["shopstream_batch_records"].observe(batch.records)
        reasons = collections.Counter(refusal.reason.value for _, refusal in batch.refused)
        for reason, count in reasons.items():
            self._counters["shopstream_records_refused"].labels(reason).inc(count)
            name = f"refused.{reason}"
            self._totals[name] = self._totals.get(name, 0) + count
        self._counters["shopstream_created_at_differences"].inc(batch.created_at_differences)
        self._totals["createdAtDifferences"] += batch.created_at_differences
        self._totals["records"] += batch.records
        self._totals["refused"] += len(batch.refused)
        self._totals["batches"] += 1
        self._totals["flushSeconds"] += seconds

    def audited(self, window: str, rows: int, repaired: int) -> None:
        """Counts rows of a window that the audit compared, and those that it repaired."""
        self._counters["shopstream_audited_rows"].labels(window).inc(rows)
        self._counters["shopstream_repaired_rows"].labels(window).inc(repaired)
        self._totals["repairs"] += repaired

    def lag(self, records: Mapping[Partition, int]) -> None:
        """Sets the lag of each partition that is assigned now, and drops those of the others."""
        lag = self._gauges["shopstream_consumer_lag_records"]
        for partition in self._lags.keys() - records.keys():
            lag.remove(*partition)
            del self._lags[partition]
        for partition, number in records.items():
            if partition not in self._lags:
                self._lags[partition] = lag.labels(*partition)
            self._lags[partition].set(number)

    def watch_held(self, held: Callable[[], int]) -> None:
        """Counts partitions that are held; read when the metrics are scraped."""
        self._gauges["shopstream_held_partitions"].set_function(held)

    def watch_retries(self, retries: Mapping[str, Callable[[], int]]) -> None:
        """Counts retries by the dependency that did not serve; read when the metrics are scraped."""
        self.registry.register(_Retries(retries))

    def behind(self, seconds: float) -> None:
        """Age of the worker's as-of instant, in seconds."""
        self._gauges["shopstream_as_of_age_seconds"].set(seconds)

    def clock_set_back(self, times: int) -> None:
        """How often the wall clock was set back."""
        self._gauges["shopstream_clock_set_back"].set(times)

    def totals(self) -> Mapping[str, float]:
        """Counters since the start, for the progress notices."""
        return self._totals


class _Retries(Collector):
    def __init__(self, retries: Mapping[str, Callable[[], int]]) -> None:
        self._retries = retries

    def collect(self) -> Iterator[Metric]:
        about = "Calls that were made again because a dependency did not serve"
        counts = {name: count() for name, count in self._retries.items()}
        yield counted_by("shopstream_retries", about, "dependency", counts)
