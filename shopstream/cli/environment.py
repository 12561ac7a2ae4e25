"""Settings for a command: the environment, and where a variable is not set, the addresses of a running `up`."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shopstream.cli.tokens import TokenKey
from shopstream.faults import Fault
from shopstream.variables import PREFIX, SettingsError

if TYPE_CHECKING:
    from shopstream.settings import Settings


THIS_MACHINE = ("127.0.0.1", "localhost")


class NoUpRunning(Fault):
    """`str()` names the data directory."""


def no_proxy_to_this_machine() -> None:
    """For this process and those that it starts. A proxy does not reach it, and would see the passwords of `up`."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if known.strip() != "*":
        hosts = dict.fromkeys((*filter(None, known.split(",")), *THIS_MACHINE))
        os.environ["no_proxy"] = ",".join(hosts)


def data_directory() -> Path:
    """Where a running `up` is looked for."""
    return Path(os.environ.get(f"{PREFIX}DATA_DIR") or ".shopstream")


def running_up() -> dict[str, Any]:
    """The content of `up.json`.

    Raises:
        NoUpRunning: there is none, or its process has ended.
    """
    addresses = _read(data_directory() / "up.json")
    if why := no_up_running(addresses, data_directory()):
        raise NoUpRunning(why)
    return addresses


def no_up_running(addresses: Mapping[str, Any], directory: Path) -> str | None:
    """A sentence where the data directory is not that of a running `up`."""
    remedy = f"start one (scripts/run), or set {PREFIX}DATA_DIR to the data directory of the one that runs"
    if not addresses:
        return f"No running `shopstream up` was found in {directory.absolute()}: {remedy}."
    if isinstance(addresses.get("pid"), int) and not _is_alive(addresses["pid"]):
        return f"The `shopstream up` of {directory.absolute()}, process {addresses['pid']}, runs no more: {remedy}."
    return None


def elsewhere() -> str | None:
    """Why a command looked at a default address: no variable says where to look, and no `up` runs here."""
    named = (f"{PREFIX}{name}" for name in ("KAFKA_BOOTSTRAP", "CLICKHOUSE_URL"))
    if any(os.environ.get(name) for name in named):
        return None
    return no_up_running(_read(data_directory() / "up.json"), data_directory())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        return True
    return True


def token_key() -> TokenKey:
    """What signs a token: read without the other settings, so that `token` answers at once.

    Raises:
        SettingsError: there is no secret to sign with, or it is too short.
    """
    directory = data_directory()
    secret = os.environ.get(f"{PREFIX}JWT_SECRET") or _read(directory / "secrets.json").get("jwt")
    if not isinstance(secret, str):
        raise SettingsError(
            f"{PREFIX}JWT_SECRET: is not set, and there is no secret of `shopstream up`"
            f" in {directory.absolute()}"
        )
    return TokenKey(
        secret,
        os.environ.get(f"{PREFIX}JWT_ISSUER") or None,
        os.environ.get(f"{PREFIX}JWT_AUDIENCE") or None,
    )


def load_beside_up() -> "Settings":
    """Reads the environment, completed from `up.json` and the secrets of the data directory.

    Raises:
        SettingsError: with one line for each fault.
    """
    from shopstream.settings import load

    directory = data_directory()
    addresses = _read(directory / "up.json")
    if no_up_running(addresses, directory):
        addresses = {}  # of one that was killed: something else may serve there now
    variables = variables_of_up(addresses, _read(directory / "secrets.json"), os.environ)
    # not put into the environment: a secret there is one more place to read it from
    silent = {name: value for name, value in variables.items() if not os.environ.get(name)}
    return load(**{name.removeprefix(PREFIX).lower(): value for name, value in silent.items()})


def variables_of_up(
    addresses: Mapping[str, Any], secrets: Mapping[str, Any], environment: Mapping[str, str]
) -> dict[str, str]:
    """Variables that follow from the two files. The number of partitions goes only with the broker's address."""
    variables: dict[str, str] = {}
    kafka = addresses.get("kafka")
    if kafka and environment.get(f"{PREFIX}KAFKA_BOOTSTRAP", kafka) == kafka:
        variables["KAFKA_BOOTSTRAP"] = kafka
        variables["KAFKA_PARTITIONS"] = str(addresses.get("kafka_partitions", 12))
    if addresses.get("clickhouse"):
        variables["CLICKHOUSE_URL"] = addresses["clickhouse"]
    if secrets.get("jwt"):
        variables["JWT_SECRET"] = secrets["jwt"]
    return {PREFIX + name: value for name, value in variables.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
