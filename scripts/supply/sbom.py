"""A bill of materials (CycloneDX 1.6, JSON) of what the locks name: `python -m supply.sbom FILE`.

A Python package has a hash for each of its files, of which one is installed: they belong to its distribution. A jar is
one file, so the hash is its own. https://cyclonedx.org/docs/1.6/json/
"""

import json
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from supply.locks import ROOT, Jar, Package, jars, packages, version

SCOPES = {"server": "required", "local": "optional", "dev": "excluded"}
"""In a deployment; with `shopstream up` only; in tests only."""


def document(made: datetime, root: Path = ROOT) -> dict[str, Any]:
    """The whole of it; the serial number is that of its components."""
    project = {"type": "application", "name": "shopstream", "version": version(root)}
    licences = [{"license": {"id": "Apache-2.0"}}]
    components = [*map(_package, packages(root)), *map(_jar, jars(root))]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([project, components]))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial.urn,
        "version": 1,
        "metadata": {
            "timestamp": made.isoformat(timespec="seconds"),
            "component": {**project, "bom-ref": "shopstream", "licenses": licences},
        },
        "components": components,
    }


def _package(one: Package) -> dict[str, Any]:
    purl = f"pkg:pypi/{one.name}@{one.version}"
    hashes = [{"alg": "SHA-256", "content": text} for text in one.hashes]
    files = [{"type": "distribution", "url": purl, "hashes": hashes}]
    return {**_component(one.name, one.version, purl, one.lock), "externalReferences": files}


def _jar(one: Jar) -> dict[str, Any]:
    purl = f"pkg:maven/{one.group}/{one.name}@{one.version}?type=jar"
    hashes = [{"alg": "SHA-256", "content": one.sha256}]
    return {
        **_component(one.name, one.version, purl, "local"),
        "group": one.group,
        "hashes": hashes,
    }


def _component(name: str, number: str, purl: str, lock: str) -> dict[str, Any]:
    about = {"type": "library", "bom-ref": purl, "name": name, "version": number}
    return {**about, "scope": SCOPES[lock], "purl": purl}


def main(file: str) -> None:
    """Writes it, as made now, or at `SOURCE_DATE_EPOCH`, which makes it the same each time."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    made = datetime.fromtimestamp(int(given), UTC) if given else datetime.now(UTC)
    Path(file).write_text(json.dumps(document(made), indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
