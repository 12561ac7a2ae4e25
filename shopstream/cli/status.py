"""`shopstream status`: what runs, where, which versions, how fresh the reports are and how much waits in Kafka.

Everything is asked over HTTP with the standard library, of the addresses in `up.json`: the command answers while any of
them is down.
"""

import base64
import json
import re
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from shopstream.cli.counted import counted

ANSWER_WITHIN = 3.0
"""Seconds."""
OK = "ok"
ADDRESSES = ("api", "kafka", "clickhouse", "bi")
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? ([^ ]+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')

Fetch = Callable[[str], tuple[int, str]]
"""From an address, with a login where it needs one, to the status and the body; raises OSError."""


@dataclass(frozen=True, slots=True)
class Status:
    """`states`: by process `ok` or a sentence. `age`: seconds by which the reports are behind; None where no worker
    reports it. `lag`: records by topic that Kafka has and the reports do not include."""

    addresses: Mapping[str, Any]
    directory: Path
    ready: bool
    states: Mapping[str, str]
    versions: Mapping[str, str]
    age: float | None = None
    lag: Mapping[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Without a password: addresses with logins are in `up.json`."""
        return {
            "ready": self.ready,
            "dataDir": str(self.directory),
            "pid": self.addresses.get("pid"),
            "addresses": {
                name: bare(self.addresses[name]) for name in ADDRESSES if self.addresses.get(name)
            },
            "clickhouseNativePort": self.addresses.get("clickhouse_native_port"),
            "states": dict(self.states),
            "versions": dict(self.versions),
            "asOfAgeSeconds": self.age,
            "lag": dict(self.lag),
        }

    def text(self) -> str:
        rows = [("", "address", "version", "state")]
        rows += [
            (title, where, self.versions.get(name, ""), self.states.get(name, "unknown"))
            for name, title, where in self._parts()
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [
            "  ".join(
                (*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3])
            )
            for row in rows
        ]
        head = "ready" if self.ready else "not ready"
        first = (
            f"shopstream is {head}: process {self.addresses.get('pid')}, data in {self.directory}"
        )
        return "\n".join((first, "", *lines, "", f"freshness  {self._freshness()}", self._lag()))

    def _parts(self) -> list[tuple[str, str, str]]:
        native = self.addresses.get("clickhouse_native_port")
        database = bare(self.addresses.get("clickhouse") or "")
        return [
            ("api", "API, page", f"{self.addresses.get('api')}/"),
            ("kafka", "Kafka", str(self.addresses.get("kafka"))),
            ("clickhouse", "ClickHouse", database + (f", native {native}" if native else "")),
            ("pipeline", "pipeline", self.addresses.get("pipeline") or ""),
        ]

    def _freshness(self) -> str:
        if self.age is None:
            return "not known: no worker has reported it"
        return f"the reports include everything up to {self.age:.1f} s ago"

    def _lag(self) -> str:
        waiting = {topic: number for topic, number in self.lag.items() if number}
        parts = ", ".join(f"{topic} {number:,}" for topic, number in sorted(waiting.items()))
        total = f"lag        {counted(sum(waiting.values()), 'record')}"
        return total + (f" ({parts})" if parts else "")


def look(addresses: Mapping[str, Any], directory: Path, version: str, fetch: Fetch) -> Status:
    """Asks everything that `up.json` (`addresses`) names."""
    states, versions = {}, {"api": version, "pipeline": version}
    code, body = _asked(fetch, f"{addresses.get('api')}/ready")
    checks = _object(body)
    states["api"] = OK if code else body
    for name in ("kafka", "clickhouse"):
        states[name] = str(checks.get(name, "not known: the API does not answer"))
    worker = addresses.get("pipeline")
    worker_code, worker_body = _asked(fetch, f"{worker}/ready") if worker else (0, "not known")
    states["pipeline"] = _pipeline(worker_code, worker_body)
    states |= {name: checks[name] for name in ("keys", "disk", "clock") if name in checks}
    if addresses.get("kafka_version"):
        versions["kafka"] = str(addresses["kafka_version"])
    database = _asked(fetch, f"{addresses.get('clickhouse')}/?query=SELECT%20version()")
    if database[0] == 200:
        versions["clickhouse"] = database[1].strip()
    age, lag = measured(_asked(fetch, f"{worker}/metrics")[1] if worker_code else "")
    ready = code == 200 and worker_code == 200 and bool(addresses.get("ready", True))
    return Status(addresses, directory, ready, states, versions, age, lag)


def measured(metrics: str) -> tuple[float | None, dict[str, int]]:
    """Age of the reports and lag by topic, from the Prometheus text of a worker."""
    age, lag = None, Counter[str]()
    for name, labels, value in _SAMPLE.findall(metrics):
        if name == "shopstream_as_of_age_seconds" and value != "NaN":
            age = float(value)
        elif name == "shopstream_consumer_lag_records":
            lag[dict(_LABEL.findall(labels))["topic"]] += int(float(value))
    return age, dict(lag)


def bare(address: str) -> str:
    """An address without its login."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def http_get(address: str) -> tuple[int, str]:
    """The `Fetch` of the command. Raises OSError."""
    parts = urlsplit(address)
    request = urllib.request.Request(bare(address))  # noqa: S310
    if parts.username:
        login = f"{parts.username}:{parts.password or ''}".encode()
        request.add_header("Authorization", f"Basic {base64.b64encode(login).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_WITHIN) as answer:  # noqa: S310
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def _asked(fetch: Fetch, address: str) -> tuple[int, str]:
    """0 and a sentence where there is no answer."""
    try:
        return fetch(address)
    except (OSError, ValueError, HTTPException) as error:
        return 0, f"does not answer ({_reason(error)})"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or str(reason).strip()


def _pipeline(code: int, body: str) -> str:
    if code in (0, 200):
        return OK if code else body
    failures = {name: why for name, why in _object(body).items() if name != "status"}
    return "; ".join(f"{name}: {why}" for name, why in failures.items()) or f"status {code}"


def _object(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
