"""How often `up` started each of its processes again, in a file of the data directory, for the metrics of the API."""

import json
from collections.abc import Mapping
from pathlib import Path

FILE = "restarts.json"


def read_restarts(directory: Path) -> Mapping[str, int]:
    """By process, since the `up` of this data directory started; empty where none runs."""
    try:
        found = json.loads((directory / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
