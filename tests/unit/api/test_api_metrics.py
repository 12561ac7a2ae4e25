"""The metrics of an API process: what the workers report as series of their own, and a port of their own."""

import socket
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from api.app import utc_now
from api.freshness.tracker import FreshnessTracker
from api.metrics import Metrics
from api.push.hub import Hub
from local.directory import Directory
from shopstream.contracts.notices import PipelineState
from shopstream.metrics import serve
from shopstream.restarts import FILE, read_restarts
from shopstream.settings import Settings, SettingsError


def metrics(*counters: dict[str, float]) -> CollectorRegistry:
    tracker = FreshnessTracker()
    for number, counted in enumerate(counters):
        tracker.observe(PipelineState(f"w{number}", {}, counted))
    found = Metrics()
    found.watch(Hub(lambda: 0.0), tracker, utc_now)
    return found.registry


def test_what_the_workers_report_is_added_up_in_series_of_its_own() -> None:
    said = {"records": 6.0, "refused": 2, "refused.not_json": 2, "batches": 2, "flushSeconds": 0.5}
    value = metrics(said, {"records": 1.0, "repairs": 3}).get_sample_value
    assert value("shopstream_pipeline_records_total") == 7
    assert value("shopstream_pipeline_records_refused_total", {"reason": "not_json"}) == 2
    assert value("shopstream_pipeline_batches_total") == 2
    assert value("shopstream_pipeline_flush_seconds_total") == 0.5
    assert value("shopstream_pipeline_repaired_rows_total") == 3
    assert value("shopstream_pipeline_created_at_differences_total") == 0


def test_what_a_stranger_counts_adds_no_series() -> None:
    registry = metrics({"evil": 1.0, 'refused."} 1': 1.0})
    families = {family.name: family for family in registry.collect() if "pipeline" in family.name}
    assert set(families) == {
        "shopstream_pipeline_records",
        "shopstream_pipeline_records_refused",
        "shopstream_pipeline_batches",
        "shopstream_pipeline_flush_seconds",
        "shopstream_pipeline_created_at_differences",
        "shopstream_pipeline_repaired_rows",
    }
    assert families["shopstream_pipeline_records_refused"].samples == []


def test_version_and_process_are_shown() -> None:
    value = metrics().get_sample_value
    assert value("shopstream_build_info", {"process": "api", "version": version("shopstream")}) == 1
    assert (value("process_start_time_seconds") or 0) > 0


def test_restarts_are_those_that_up_wrote_down(tmp_path: Path) -> None:
    found = Metrics()
    found.watch(
        Hub(lambda: 0.0), FreshnessTracker(), utc_now, restarts=lambda: read_restarts(tmp_path)
    )
    value = found.registry.get_sample_value
    name, directory = "shopstream_restarts_total", Directory(tmp_path)
    assert value(name, {"process": "kafka"}) is None
    directory.note_restarts({"kafka": 2, "api": 0})
    assert [value(name, {"process": process}) for process in ("kafka", "api")] == [2, 0]
    (tmp_path / FILE).write_text("half of a fi")
    assert value(name, {"process": "kafka"}) is None
    directory.note_restarts({"kafka": 3})
    directory.release()
    assert not (tmp_path / FILE).exists()


async def test_metrics_may_have_a_port_of_their_own() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    settings = Settings(host="127.0.0.1", metrics_port=port)
    runner = await serve(metrics({"records": 7.0}), settings)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            text = (await http.get("/metrics")).text
            assert "shopstream_pipeline_records_total 7.0" in text
            assert (await http.get("/reports/daily-sales")).status_code == 404
        with pytest.raises(
            SettingsError, match=f"^SHOPSTREAM_METRICS_PORT: 127.0.0.1:{port} .*in use"
        ):
            await serve(metrics(), settings)
    finally:
        await runner.cleanup()
