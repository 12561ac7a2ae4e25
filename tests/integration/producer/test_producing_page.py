"""The example of docs/producing.md, as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from support.brokers import OwnBroker

PAGE = Path(__file__).parents[3] / "docs" / "producing.md"


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def run(script: str, broker: OwnBroker) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script.replace("127.0.0.1:9092", broker.brokers.bootstrap)],
        env={**os.environ, "SHOPSTREAM_KAFKA_BOOTSTRAP": broker.brokers.bootstrap},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_example_sends_and_prints_the_address_of_the_report(broker: OwnBroker) -> None:
    done = run(examples()[0], broker)
    assert done.returncode == 0, done.stderr
    address = r"http://127\.0\.0\.1:3000/reports/daily-sales\?includes=shop\.orders:[0-3]:\d+\n"
    assert re.fullmatch(address, done.stdout)


def test_the_measurement_runs(broker: OwnBroker) -> None:
    done = run(examples()[1].replace("50_000", "500"), broker)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[\d,]+ events/s, \d+ µs of CPU an event\n", done.stdout)
