"""The processes of `up` as data, and the names of the logins for BI."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pytest

from clickhouse.migrations import TIMEOUT_SECONDS
from local.child import inherited
from local.clickhouse.logins import parse
from local.directory import Secrets
from local.service import Service
from local.services import PREPARED_WITHIN, Plan, bi_login, environment, services
from local.services import SECRETS as SECRET_NAMES
from shopstream.cli.environment import load_beside_up
from shopstream.settings import Settings

SECRETS = Secrets("jwt-secret", "app-secret", "bi-secret")
PLAN = Plan(
    demo=True,
    port=3000,
    kafka_port=9092,
    clickhouse_port=8123,
    native_port=9000,
    metrics_port=9100,
    data=Path("/srv/data"),
    bi_shops=("s-17", "tea & co"),
)


def by_name(plan: Plan = PLAN) -> Mapping[str, Service]:
    return {service.name: service for service in services(plan, SECRETS)}


@pytest.mark.parametrize("name", ["broker", "engine"])
def test_a_server_does_not_inherit_the_secrets_of_up(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    secret = [f"SHOPSTREAM_{each}" for each in ("JWT_SECRET", "CLICKHOUSE_URL", "TICKET_SECRET")]
    for variable in secret:
        monkeypatch.setenv(variable, "hush")
    found = inherited(by_name()[name].environment)
    assert "hush" not in found.values()
    assert not set(secret) & set(found)
    assert set(secret) <= set(inherited(by_name()["api"].environment))


def test_each_process_has_the_secrets_that_it_needs_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in SECRET_NAMES:
        monkeypatch.setenv(f"SHOPSTREAM_{name}", "hush")
    found = {
        name: {key for key, value in inherited(one.environment).items() if value == "hush"}
        for name, one in by_name().items()
    }
    stores = {"SHOPSTREAM_CLICKHOUSE_URL", "SHOPSTREAM_KAFKA_SASL_PASSWORD"}
    assert found == {
        "broker": set(),
        "engine": set(),
        "pipeline": stores,
        "api": {
            *stores,
            *("SHOPSTREAM_JWT_SECRET", "SHOPSTREAM_TICKET_SECRET", "SHOPSTREAM_HOOK_SECRETS"),
        },
        "demo": {"SHOPSTREAM_KAFKA_SASL_PASSWORD"},
    }


def test_every_setting_that_is_a_secret_is_known_as_one() -> None:
    names = {
        name.upper()
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert names <= set(SECRET_NAMES)


def test_what_up_has_told_is_read_without_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "up.json").write_text(json.dumps({"kafka": "k:1", "clickhouse": "http://a:b@c:1"}))
    (tmp_path / "secrets.json").write_text(json.dumps({"jwt": "j" * 32}))
    monkeypatch.setenv("SHOPSTREAM_DATA_DIR", str(tmp_path))
    for name in (*SECRET_NAMES, "KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(f"SHOPSTREAM_{name}", raising=False)
    before = dict(os.environ)
    settings = load_beside_up()
    assert settings.jwt_secret is not None
    assert settings.jwt_secret.get_secret_value() == "j" * 32
    assert (settings.kafka_bootstrap, settings.kafka_partitions) == ("k:1", 12)
    assert dict(os.environ) == before


def test_what_an_up_told_that_was_killed_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    told = {"kafka": "127.0.0.1:9092", "kafka_partitions": 4, "clickhouse": "http://a:b@c:1"}
    (tmp_path / "up.json").write_text(json.dumps({**told, "pid": gone.pid}))
    monkeypatch.setenv("SHOPSTREAM_DATA_DIR", str(tmp_path))
    for name in ("KAFKA_BOOTSTRAP", "KAFKA_PARTITIONS", "CLICKHOUSE_URL"):
        monkeypatch.delenv(f"SHOPSTREAM_{name}", raising=False)
    settings = load_beside_up()
    assert settings.kafka_partitions == 12
    assert settings.clickhouse_url.get_secret_value() == "http://127.0.0.1:8123"


def elsewhere(**ports: None) -> Plan:
    return Plan(
        demo=False,
        port=3000,
        native_port=9000,
        metrics_port=9100,
        data=Path("/srv/data"),
        **{"kafka_port": 9092, "clickhouse_port": 8123, **ports},  # type: ignore[arg-type]
    )


def test_they_start_in_this_order_and_all_after_our_own_servers() -> None:
    found = services(PLAN, SECRETS)
    assert [(service.name, service.starts_after) for service in found] == [
        ("broker", ()),
        ("engine", ()),
        ("pipeline", ("broker", "engine")),
        ("api", ("broker", "engine")),
        ("demo", ("broker", "engine", "pipeline", "api")),
    ]


def test_the_broker_may_take_longer_than_others_to_start() -> None:
    found = by_name()
    assert found["broker"].starts_within == 120
    assert {found[name].starts_within for name in ("engine", "pipeline", "api", "demo")} == {60}


def test_a_package_of_the_present_directory_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "shopstream").mkdir()
    for name in ("__init__.py", "__main__.py"):
        (tmp_path / "shopstream" / name).write_text("print('of another program')\n")
    command = [*by_name()["api"].command[:-1], "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout == f"shopstream {version('shopstream')}\n"


def test_a_migration_has_as_long_as_its_statement_may_take() -> None:
    assert PREPARED_WITHIN["schema"] >= TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("plan", "names"),
    [
        (elsewhere(kafka_port=None), ["engine", "pipeline", "api"]),
        (elsewhere(clickhouse_port=None), ["broker", "pipeline", "api"]),
        (elsewhere(kafka_port=None, clickhouse_port=None), ["pipeline", "api"]),
    ],
)
def test_what_runs_elsewhere_is_not_started_nor_waited_for(plan: Plan, names: list[str]) -> None:
    found = by_name(plan)
    assert list(found) == names
    ours = tuple(name for name in names if name in ("broker", "engine"))
    assert found["api"].starts_after == ours


def test_an_address_from_outside_stays() -> None:
    assert environment(elsewhere(kafka_port=None, clickhouse_port=None), SECRETS) == {
        "SHOPSTREAM_HOST": "127.0.0.1",
        "SHOPSTREAM_PORT": "3000",
        "SHOPSTREAM_DATA_DIR": "/srv/data",
    }
    ours = environment(PLAN, SECRETS)
    assert ours["SHOPSTREAM_KAFKA_BOOTSTRAP"] == "127.0.0.1:9092"
    assert ours["SHOPSTREAM_CLICKHOUSE_URL"] == "http://shopstream:app-secret@127.0.0.1:8123"


def test_no_password_is_on_a_command_line_nor_comes_to_the_engine() -> None:
    engine = by_name()["engine"]
    secrets = (SECRETS.shopstream, SECRETS.bi, SECRETS.bi_of("s-17"))
    for service in services(PLAN, SECRETS):
        told = " ".join((*service.command, *service.environment.values()))
        assert not any(secret in told for secret in secrets)
    logins = parse(engine.environment["SHOPSTREAM_ENGINE_LOGINS"])
    assert json.loads(engine.environment["SHOPSTREAM_ENGINE_LOGINS"]).keys() == logins.keys()
    rights = {name: (one.reads, one.shop) for name, one in logins.items()}
    assert rights == {
        "shopstream": (False, None),
        "bi": (True, None),
        "bi_s-17": (True, "s-17"),
        bi_login("tea & co"): (True, "tea & co"),
    }


@pytest.mark.parametrize("shop", ["s", "s-17", "My_Shop", "0", "-", "x" * 64])
def test_the_login_of_a_plain_word_can_be_read(shop: str) -> None:
    assert bi_login(shop) == f"bi_{shop}"


@pytest.mark.parametrize("shop", ["", "tea & co", "ä", "a.b", "a/b", "x" * 65, "s\n", "😀", "<a>"])
def test_the_login_of_another_name_is_a_hash(shop: str) -> None:
    assert re.fullmatch(r"bi-[0-9a-f]{32}", bi_login(shop))


def test_no_two_shops_share_a_login() -> None:
    odd = ["", "tea & co", "tea  & co", "ä", "a\u0308", "x" * 65, "x" * 66]
    hashes = [bi_login(shop)[3:] for shop in odd]
    named_like_them = [*hashes, *(bi_login(shop) for shop in odd), "bi", "shopstream"]
    shops = [*odd, *named_like_them]
    names = {bi_login(shop) for shop in shops}
    assert len(names) == len(set(shops))
    assert not names & {"bi", "shopstream", "default"}
