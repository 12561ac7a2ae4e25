"""The worker's own counters: Faust's monitor counts chunks."""

import collections
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from clickhouse.differences import COLUMNS
from pipeline.batch import Batch
from shopstream.contracts.cursor import Partition


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
        self._tombstones = Counter(
            "shopstream_tombstones",
            "Records without a value, which say nothing and are skipped",
            ["topic"],
            registry=self.registry,
        )
        self._differences = Counter(
            "shopstream_created_at_differences",
            "Versions of orders whose createdAt is not the first accepted one",
            registry=self.registry,
        )
        self._batches = Counter("shopstream_batches", "Batches written", registry=self.registry)
        self._seconds = Histogram(
            "shopstream_flush_seconds",
            "Time from a batch's first statement to its acknowledgement",
            buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
            registry=self.registry,
        )
        self._batch_records = Histogram(
            "shopstream_batch_records",
            "Records of a batch",
            buckets=(1, 10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000),
            registry=self.registry,
        )
        self._lag = Gauge(
            "shopstream_consumer_lag_records",
            "Records of an assigned partition that Kafka has and the reports do not include",
            ["topic", "partition"],
            registry=self.registry,
        )
        build = Gauge(
            "shopstream_build_info",
            "1, with the version of this process",
            ["process", "version"],
            registry=self.registry,
        )
        build.labels("pipeline", version("shopstream")).set(1)
        # memory, processor time, open files and the start of the process
        ProcessCollector(registry=self.registry)
        self._behind = Gauge(
            "shopstream_as_of_age_seconds",
            "Age of the instant up to which everything is in the reports",
            registry=self.registry,
        )
        self._behind.set(float("nan"))  # not known yet
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
            "createdAtDifferences": 0.0,
        }

    def written(self, batch: Batch, seconds: float) -> None:
        """A batch became durable."""
        self._records.labels(batch.topic).inc(batch.records)
        self._tombstones.labels(batch.topic).inc(batch.tombstones)
        self._batches.inc()
        self._seconds.observe(seconds)
        self._batch_records.observe(batch.records)
        reasons = collections.Counter(refusal.reason.value for _, refusal in batch.refused)
        for reason, count in reasons.items():
            self._refused.labels(reason).inc(count)
            name = f"refused.{reason}"
            self._totals[name] = self._totals.get(name, 0) + count
        self._differences.inc(batch.created_at_differences)
        self._totals["createdAtDifferences"] += batch.created_at_differences
        self._totals["records"] += batch.records
        self._totals["refused"] += len(batch.refused)
        self._totals["batches"] += 1
        self._totals["flushSeconds"] += seconds

    def audited(self, window: str, rows: int, repaired: int) -> None:
        """The audit compared a window."""
        self._audited.labels(window).inc(rows)
        self._repaired.labels(window).inc(repaired)
        self._totals["repairs"] += repaired

    def lag(self, records: Mapping[Partition, int]) -> None:
        """Of each partition that is assigned now; those of the others end."""
        self._lag.clear()
        for partition, number in records.items():
            self._lag.labels(partition.topic, str(partition.partition)).set(number)

    def watch_retries(self, retries: Mapping[str, Callable[[], int]]) -> None:
        """How often a call was made again, by what did not serve: read when the metrics are asked for."""
        self.registry.register(_Retries(retries))

    def behind(self, seconds: float) -> None:
        """Age of the worker's as-of instant, in seconds."""
        self._behind.set(seconds)

    def clock_set_back(self, times: int) -> None:
        """How often the wall clock was set back."""
        self._set_back.set(times)

    def totals(self) -> Mapping[str, float]:
        """Counters since the start, for the progress notices."""
        return self._totals


class _Retries(Collector):
    def __init__(self, retries: Mapping[str, Callable[[], int]]) -> None:
        self._retries = retries

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "shopstream_retries",
            "Calls that were made again because a dependency did not serve",
            labels=["dependency"],
        )
        for name, count in self._retries.items():
            family.add_metric([name], count())
        yield family
