"""What a worker counts, for Prometheus and for the progress notices."""

import math
import re
from importlib.metadata import version

from contract_samples import bytes_of, event
from decode_oracle import kafka_records
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from clickhouse.differences import COLUMNS
from pipeline.batch import assemble
from pipeline.decode import Run, decode
from pipeline.metrics import Metrics
from shopstream.contracts.cursor import Partition
from shopstream.contracts.topics import ORDERS


def batch(*values):
    return assemble(1, [decode(ORDERS, [Run(0, 0, kafka_records(list(values)))])])


def test_a_worker_counts_from_nothing():
    assert Metrics().totals() == {
        "records": 0,
        "refused": 0,
        "batches": 0,
        "flushSeconds": 0,
        "repairs": 0,
        "createdAtDifferences": 0,
    }


def test_batches_are_counted_with_their_records_and_reasons():
    metrics = Metrics()
    metrics.written(batch(bytes_of(event()), b"", b"{}", b"[]"), 0.25)
    metrics.written(batch(b"", bytes_of(event())), 0.5)
    assert metrics.totals() == {
        "records": 6.0,
        "refused": 4,
        "batches": 2,
        "flushSeconds": 0.75,
        "repairs": 0,
        "createdAtDifferences": 0,
        "refused.not_json": 2,
        "refused.not_cloudevent": 2,
    }


def test_an_order_with_another_created_at_is_counted_and_not_refused():
    metrics = Metrics()
    metrics.written(batch(bytes_of(event())).with_first_created_at({0: 1}), 0.1)
    assert (metrics.totals()["createdAtDifferences"], metrics.totals()["refused"]) == (1, 0)
    assert metrics.registry.get_sample_value("shopstream_created_at_differences_total") == 1


def test_prometheus_sees_the_same():
    metrics = Metrics()
    metrics.written(batch(bytes_of(event()), b"{}"), 0.25)
    metrics.behind(1.5)
    value = metrics.registry.get_sample_value
    assert value("shopstream_records_total", {"topic": ORDERS}) == 2
    assert value("shopstream_batches_total") == 1
    assert value("shopstream_records_refused_total", {"reason": "not_cloudevent"}) == 1
    assert value("shopstream_flush_seconds_sum") == 0.25
    assert value("shopstream_flush_seconds_bucket", {"le": "0.25"}) == 1
    assert value("shopstream_as_of_age_seconds") == 1.5


def test_two_workers_of_one_process_count_apart():
    one, two = Metrics(), Metrics()
    one.written(batch(b"{}"), 0.1)
    assert one.registry.get_sample_value("shopstream_batches_total") == 1
    assert two.registry.get_sample_value("shopstream_batches_total") == 0


def test_repairs_of_every_window_are_shown_from_the_start():
    metrics = Metrics()
    value = metrics.registry.get_sample_value
    assert {value("shopstream_repaired_rows_total", {"window": name}) for name in COLUMNS} == {0}
    metrics.audited("sales_15m", 100, 2)
    assert value("shopstream_repaired_rows_total", {"window": "sales_15m"}) == 2
    assert value("shopstream_audited_rows_total", {"window": "sales_15m"}) == 100
    assert metrics.totals()["repairs"] == 2


def test_lag_is_shown_of_the_partitions_that_are_assigned_now():
    metrics = Metrics()
    value = metrics.registry.get_sample_value
    first, second = Partition(ORDERS, 0), Partition(ORDERS, 1)
    metrics.lag({first: 7, second: 0})
    assert value("shopstream_consumer_lag_records", {"topic": ORDERS, "partition": "0"}) == 7
    metrics.lag({second: 2})
    assert value("shopstream_consumer_lag_records", {"topic": ORDERS, "partition": "0"}) is None
    assert value("shopstream_consumer_lag_records", {"topic": ORDERS, "partition": "1"}) == 2


def test_held_partitions_are_counted_when_they_are_asked_for():
    metrics = Metrics()
    held = {"a"}
    metrics.watch_held(lambda: len(held))
    assert metrics.registry.get_sample_value("shopstream_held_partitions") == 1
    held.clear()
    assert metrics.registry.get_sample_value("shopstream_held_partitions") == 0


def test_retries_sizes_version_and_process_are_shown():
    metrics = Metrics()
    metrics.watch_retries({"kafka": lambda: 3})
    metrics.written(batch(b"{}", b"{}"), 0.1)
    value = metrics.registry.get_sample_value
    assert value("shopstream_retries_total", {"dependency": "kafka"}) == 3
    assert value("shopstream_batch_records_sum") == 2
    assert value("shopstream_batch_records_bucket", {"le": "1.0"}) == 0
    about = {"process": "pipeline", "version": version("shopstream")}
    assert value("shopstream_build_info", about) == 1
    assert value("process_start_time_seconds") > 0


def test_the_age_is_not_a_number_before_it_is_known():
    assert math.isnan(Metrics().registry.get_sample_value("shopstream_as_of_age_seconds"))


def test_every_name_follows_the_conventions_of_prometheus():
    text = generate_latest(Metrics().registry).decode()
    for family in text_string_to_metric_families(text):
        assert re.fullmatch(r"(shopstream|process)_[a-z0-9_]+", family.name)
        assert family.documentation
        assert not family.name.endswith(("_count", "_sum", "_milliseconds", "_ms"))
