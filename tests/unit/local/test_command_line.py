import json
import os
import subprocess
import sys
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
    "produce": {"--rate", "--topic"},
    "token": {"--shop", "--role", "--user", "--ttl"},
    "verify": {"--shop", "--json"},
    "rebuild": set(),
    "deadletters list": {"--reason", "--topic", "--shop", "--since", "--limit", "--json"},
    "deadletters retry": {"--reason", "--topic", "--shop", "--since", "--limit", "--dry-run"},
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("SHOPSTREAM_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SHOPSTREAM_JWT_SECRET", SECRET)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


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


@pytest.mark.parametrize("missing", ["clickhouse_connect", "jwt"])
def test_a_package_that_is_not_installed_is_one_sentence(missing: str) -> None:
    """As in an installation for producers, which has neither."""
    command = ("verify",) if missing == "clickhouse_connect" else ("token", "--shop", "a")
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {list(command)!r};"
        "from shopstream.cli.main import main; main()"
    )
    env = {**os.environ, "SHOPSTREAM_JWT_SECRET": SECRET}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        f"The package {missing} is missing: install shopstream[local] for `up`,"
        " shopstream[server] for the others.\n"
    )
