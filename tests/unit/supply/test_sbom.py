"""The bill of materials keeps CycloneDX and has all that the locks name."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from supply.locks import ROOT, jars, packages
from supply.sbom import document, main

MADE = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
BILL = document(MADE)
BY_PURL: dict[str, dict[str, Any]] = {one["purl"]: one for one in BILL["components"]}


def fault(bill: dict[str, Any]) -> object:
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill))


def test_it_keeps_the_schema_of_cyclonedx() -> None:
    assert fault(BILL) is None


def test_the_schema_catches_what_it_does_not_know() -> None:
    assert fault({**BILL, "serialNumber": "7"}) is not None
    assert fault({**BILL, "components": [{**BILL["components"][0], "scope": "some"}]}) is not None


def test_every_package_and_every_jar_is_in_it_once() -> None:
    assert len(BILL["components"]) == len(BY_PURL) == len(packages()) + len(jars())
    assert set(BY_PURL) == {
        *(f"pkg:pypi/{one.name}@{one.version}" for one in packages()),
        *(f"pkg:maven/{one.group}/{one.name}@{one.version}?type=jar" for one in jars()),
    }


def test_a_package_has_the_hashes_of_its_files_and_a_jar_its_own() -> None:
    for one in packages():
        (files,) = BY_PURL[f"pkg:pypi/{one.name}@{one.version}"]["externalReferences"]
        assert [each["content"] for each in files["hashes"]] == list(one.hashes)
    for jar in jars():
        found = BY_PURL[f"pkg:maven/{jar.group}/{jar.name}@{jar.version}?type=jar"]
        assert found["hashes"] == [{"alg": "SHA-256", "content": jar.sha256}]


@pytest.mark.parametrize(
    ("begin", "scope"),
    [
        ("pkg:pypi/aiokafka@", "required"),
        ("pkg:pypi/chdb-core@", "optional"),
        ("pkg:maven/org.apache.kafka/kafka_2.13@", "optional"),
        ("pkg:pypi/pytest@", "excluded"),
    ],
)
def test_the_scope_says_where_it_runs(begin: str, scope: str) -> None:
    (found,) = [one for purl, one in BY_PURL.items() if purl.startswith(begin)]
    assert found["scope"] == scope


def test_the_same_locks_have_the_same_serial_number() -> None:
    again = document(datetime(2027, 1, 1, tzinfo=UTC))
    assert again["serialNumber"] == BILL["serialNumber"]
    assert again["metadata"]["timestamp"] == "2027-01-01T00:00:00+00:00"


def test_a_build_that_says_when_it_is_gets_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(MADE.timestamp())))
    main(str(tmp_path / "bill.json"))
    assert json.loads((tmp_path / "bill.json").read_text()) == BILL


def test_the_script_makes_the_folder_and_needs_no_package(tmp_path: Path) -> None:
    file = tmp_path / "dist" / "sbom.json"
    subprocess.run((ROOT / "scripts/sbom", file), cwd=tmp_path, check=True)
    assert json.loads(file.read_text())["components"] == BILL["components"]
