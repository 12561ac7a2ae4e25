"""What the quick commands load: a bound on modules, since a bound on time would depend on the machine."""

import json
import subprocess
import sys

import pytest

SECRET = "0123456789abcdef0123456789abcdef"
HEAVY = {
    *("aiohttp", "aiokafka", "asyncio", "clickhouse_connect", "cryptography", "faust", "httpx"),
    *("jwt", "kafka", "numpy", "orjson", "prometheus_client", "pyarrow", "pydantic_settings"),
    *("uvicorn", "uvloop"),
}
"""Pydantic itself is loaded by typer, for the values of flags."""
OURS = {"api", "clickhouse", "local", "pipeline"}


def loaded(*arguments: str) -> set[str]:
    code = (
        f"import json, sys; sys.argv[1:] = {list(arguments)!r}\n"
        "from shopstream.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "finally: sys.stderr.write(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"SHOPSTREAM_JWT_SECRET": SECRET},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr))


@pytest.mark.parametrize(
    "arguments", [("--version",), ("--help",), ("token", "--shop", "a"), ("verify", "--help")]
)
def test_a_quick_command_loads_no_server_and_no_client(arguments: tuple[str, ...]) -> None:
    packages = {name.partition(".")[0] for name in loaded(*arguments)}
    assert packages & HEAVY == set()
    assert packages & OURS == set()


def test_a_token_takes_a_bounded_number_of_modules() -> None:
    assert len(loaded("token", "--shop", "a")) < 450
