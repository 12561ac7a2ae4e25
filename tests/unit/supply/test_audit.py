"""What the audit says where its service answers, where it does not, and where it never does."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from supply import audit

LOCK = "".join(
    f"{name}==1.0 \\\n    --hash=sha256:{'0' * 64}\n    # via nothing\n"
    for name in ("good", "flawed")
)
FLAW = {
    "id": "PYSEC-1",
    "aliases": ["CVE-1"],
    "summary": "…",
    "affected": [
        {
            "package": {"name": "flawed", "ecosystem": "PyPI"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]},
            ],
        }
    ],
}
OUT_OF_REACH = "audit: no vulnerability service answers; nothing audited\n"


class Osv(BaseHTTPRequestHandler):
    """Knows one flaw; answers with `status`."""

    status = 200

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = asked["package"]["name"] == "flawed"
        body = json.dumps({"vulns": [FLAW]} if known else {}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(autouse=True)
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "requirements.lock"
    file.write_text(LOCK)
    monkeypatch.setattr(audit, "LOCKS", {"server": str(file)})
    return file


@pytest.fixture
def service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_what_is_known_is_listed_and_fails(
    service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(["--osv-url", service]) == 1
    assert capsys.readouterr().out == (
        "flawed 1.0: PYSEC-1, CVE-1; fixed in 1.1\n"
        "audit: 1 findings in 2 Python packages; Kafka's jars are not audited\n"
    )


def test_what_was_looked_at_can_be_left_out(
    service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(["--osv-url", service, "--ignore-vuln", "PYSEC-1"]) == 0
    assert capsys.readouterr().out == (
        "audit: 0 findings in 2 Python packages; Kafka's jars are not audited\n"
    )


def test_a_service_out_of_reach_is_a_line_and_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        assert audit.main(["--osv-url", address]) == 0
    assert capsys.readouterr().out == OUT_OF_REACH


def test_a_service_that_is_broken_is_a_line_and_no_failure(
    service: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Osv, "status", 503)
    assert audit.main(["--osv-url", service]) == 0
    assert capsys.readouterr().out == OUT_OF_REACH


def test_a_service_that_never_answers_is_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert audit.main(["--osv-url", address], seconds=3) == 0
    assert capsys.readouterr().out == (
        "audit: no vulnerability service answered within 3 s; nothing audited\n"
    )


def test_a_lock_that_cannot_be_read_is_a_failure(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock.write_text("good>=1.0\n")
    assert audit.main([]) == 1
    assert "good" in capsys.readouterr().err


def test_the_locks_are_taken_as_they_are() -> None:
    command = audit.command(Path("answer"), ())
    assert {"--require-hashes", "--disable-pip"} <= set(command)
