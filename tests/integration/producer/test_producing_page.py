"""The example of docs/producing.md, as it stands there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from shopstream.cli.topic_reader import read_topic
from shopstream.contracts.topics import ORDERS
from support.brokers import OwnBroker

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "producing.md"


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def run(script: str, broker: OwnBroker) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "SHOPSTREAM_KAFKA_BOOTSTRAP": broker.brokers.bootstrap},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_example_of_the_page_is_a_file() -> None:
    assert examples()[0] == (ROOT / "examples" / "send_events.py").read_text()


def test_the_example_sends_another_order_each_time(broker: OwnBroker) -> None:
    before = orders(broker)
    for _ in range(2):
        done = run(examples()[0], broker)
        assert done.returncode == 0, done.stderr
        path = r"/reports/daily-sales\?includes=shop\.orders:[0-3]:\d+\n"
        assert re.fullmatch(path, done.stdout)
    # the same id with another creation would be refused
    assert len(orders(broker) - before) == 2


def orders(broker: OwnBroker) -> set[str]:
    records = read_topic(broker.settings, ORDERS)
    return {json.loads(record.value)["data"]["orderId"] for record in records}


def test_the_measurement_runs(broker: OwnBroker) -> None:
    done = run(examples()[1].replace("50_000", "500"), broker)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[\d,]+ events/s, \d+ µs of CPU an event\n", done.stdout)
