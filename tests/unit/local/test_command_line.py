import json
import os
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import jwt
import pytest
import typer
from typer.testing import CliRunner

from shopstream.cli.main import app

SECRET = "0123456789abcdef0123456789abcdef"

FLAGS = {
    "up": {
        *("--demo", "--port", "--kafka-port", "--clickhouse-port", "--clickhouse-native-port"),
        *("--data-dir", "--bi-shop"),
    },
    "pipeline": set(),
    "api": set(),
    "migrate": {"--bi-user", "--bi-shop"},
    "produce": {"--rate", "--topic", "--no-check"},
    "status": {"--json", "--address"},
    "token": {"--shop", "--role", "--user", "--ttl"},
    "verify": {"--shop", "--json"},
    "rebuild": set(),
    "deadletters list": {
        *("--reason", "--topic", "--shop", "--since", "--limit", "--json", "--follow"),
    },
    "deadletters retry": {"--reason", "--topic", "--shop", "--since", "--limit", "--dry-run"},
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("SHOPSTREAM_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SHOPSTREAM_JWT_SECRET", SECRET)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("command", [("token", "--shop", "s"), ("--version",), ("--help",)])
@pytest.mark.parametrize(
    ("redirection", "why"),
    [("> /dev/full", "No space left on device"), ("| true", "Broken pipe"), (">&-", "")],
)
def test_an_output_that_takes_nothing_is_one_sentence(
    command: tuple[str, ...], redirection: str, why: str
) -> None:
    line = f"sleep 0.5 | {sys.executable} -m shopstream {' '.join(command)} {redirection}"
    ran = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, text=True, timeout=60
    )
    sentence = f"Standard output cannot be written to ({why}).\n" if why else ""
    assert (ran.returncode, ran.stdout, ran.stderr) == (1 if why else 0, "", sentence)


@pytest.mark.parametrize("name", list(FLAGS))
def test_every_command_has_the_flags_of_the_contract(name: str) -> None:
    command: Any = typer.main.get_command(app)
    for word in name.split():
        command = command.commands[word]
    flags = {flag for each in command.params for flag in each.opts if flag.startswith("--")}
    assert flags == FLAGS[name]


def test_a_token_is_alone_on_standard_output() -> None:
    done = run("token", "--shop", "a", "--shop", "b", "--role", "staff", "--user", "u")
    assert done.exit_code == 0
    assert done.stderr == ""
    claims = jwt.decode(done.stdout.strip(), SECRET, ["HS256"])
    assert (claims["shops"], claims["role"], claims["sub"]) == (["a", "b"], "staff", "u")
    assert claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (("token",), "--shop"),
        (("token", "--shop", "a", "--ttl", "soon"), "--ttl"),
        (("token", "--shop", "a", "--role", "owner"), "--role"),
        (("up", "--port", "0"), "--port"),
        (("produce", "-", "--rate", "0"), "--rate"),
    ],
)
def test_a_flag_that_is_not_usable_ends_with_2(arguments: tuple[str, ...], flag: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert flag in done.stderr


def test_the_secret_of_up_is_used_where_none_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    # set first, so that what the command puts into the environment is taken back
    monkeypatch.setenv("SHOPSTREAM_JWT_SECRET", "")
    monkeypatch.delenv("SHOPSTREAM_JWT_SECRET")
    (tmp_path / "secrets.json").write_text(json.dumps({"jwt": SECRET[::-1]}))
    done = run("token", "--shop", "a")
    assert jwt.decode(done.stdout.strip(), SECRET[::-1], ["HS256"])["shops"] == ["a"]


def test_a_package_that_is_not_installed_is_one_sentence() -> None:
    """As in an installation for producers, which has no client of ClickHouse."""
    done = without("clickhouse_connect", "verify")
    assert done.returncode == 1
    assert done.stderr == (
        "The package clickhouse_connect is missing: install shopstream[local] for `up`,"
        " shopstream[server] for the others.\n"
    )


def test_a_token_needs_no_package_of_the_servers() -> None:
    done = without("jwt", "token", "--shop", "a")
    assert jwt.decode(done.stdout.strip(), SECRET, ["HS256"])["shops"] == ["a"]


def without(package: str, *command: str) -> subprocess.CompletedProcess[str]:
    code = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv[1:] = {list(command)!r};"
        "from shopstream.cli.main import main; main()"
    )
    env = {**os.environ, "SHOPSTREAM_JWT_SECRET": SECRET}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


def test_the_version_is_one_line() -> None:
    done = run("--version")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"shopstream {version('shopstream')}\n"


def test_a_secret_that_is_too_short_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPSTREAM_JWT_SECRET", "short")
    done = run("token", "--shop", "a")
    assert done.exit_code == 2
    assert done.stderr == (
        "SHOPSTREAM_JWT_SECRET: must have at least 32 bytes (RFC 7518, section 3.2)\n"
    )


def test_an_unknown_variable_is_reported_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHOPSTREAM_JWT_ISUER", "us")
    monkeypatch.setenv("SHOPSTREAM_ZZZ", "1")
    done = run("token", "--shop", "a")
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        "warning: SHOPSTREAM_JWT_ISUER is not a variable of shopstream and has no effect;"
        " did you mean SHOPSTREAM_JWT_ISSUER?",
        "warning: SHOPSTREAM_ZZZ is not a variable of shopstream and has no effect",
    ]
