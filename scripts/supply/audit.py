"""Known vulnerabilities of the packages of all locks: `python -m supply.audit [arguments of pip-audit]`.

pip-audit asks OSV. Where that does not answer nothing is known, which is said in a line and is no failure: whoever has
no network can still run everything else. The jars of Kafka are not asked about: pip-audit knows Python packages only.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from supply.locks import LOCKS, ROOT

SECONDS = 60
"""Of the whole audit."""
SILENT_SECONDS = 5
"""Of one answer."""
_NO_ANSWER = re.compile(
    r"^requests\.exceptions\.|^pip_audit\._service\.interface\.|Could not connect", re.MULTILINE
)
"""In what pip-audit writes where its service is out of reach, too slow, or answers something else."""


def command(answer: Path, arguments: Sequence[str]) -> list[str]:
    """Takes the locks as they are: nothing is resolved, downloaded or installed."""
    asked = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv"]
    asked += ["--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    asked += ["--timeout", str(SILENT_SECONDS), "--format", "json", "--output", str(answer)]
    for file in LOCKS.values():
        asked += ["--requirement", str(ROOT / file)]
    return [*asked, *arguments]


def lines(answer: Any) -> Iterator[str]:
    """A line for each vulnerability, and for each package that was passed over."""
    for one in answer["dependencies"]:
        for flaw in one.get("vulns", ()):
            names = ", ".join((flaw["id"], *flaw.get("aliases", ())))
            fixed = ", ".join(flaw["fix_versions"]) or "no version"
            yield f"{one['name']} {one['version']}: {names}; fixed in {fixed}"
        if "skip_reason" in one:
            yield f"{one['name']}: not audited ({one['skip_reason']})"


def main(arguments: Sequence[str], seconds: float = SECONDS) -> int:
    """1 with a list where something is known; 0 with a line where nothing is, or nobody answers."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        try:
            done = subprocess.run(
                command(answer, arguments), capture_output=True, text=True, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            print(
                f"audit: no vulnerability service answered within {seconds:.0f} s; nothing audited"
            )
            return 0
        if answer.exists() and answer.stat().st_size:
            return _told(json.loads(answer.read_bytes()))
        if _NO_ANSWER.search(done.stderr):
            print("audit: no vulnerability service answers; nothing audited")
            return 0
    sys.stderr.write(done.stderr)
    return done.returncode or 1


def _told(answer: Any) -> int:
    found = list(lines(answer))
    print(*found, sep="\n", end="\n" if found else "")
    count = len(answer["dependencies"])
    print(f"audit: {len(found)} findings in {count} Python packages; Kafka's jars are not audited")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
