"""The files in docs/ that are made from the contracts: their text by name. Pure; scripts/docs writes them."""

import json
from collections.abc import Mapping
from typing import Any

from shopstream.contracts import asyncapi
from shopstream.contracts.examples import example
from shopstream.contracts.json_schema import of_event
from shopstream.contracts.topics import TOPIC_OF_TYPE


def files(version: str) -> Mapping[str, str]:
    """Every file by its path under docs/; `version` is that of the project."""
    schemas = {
        f"schemas/{asyncapi.dotted(kind)}.json": {**of_event(kind), "examples": [example(kind)]}
        for kind in TOPIC_OF_TYPE
    }
    documents = {**schemas, "asyncapi.json": asyncapi.document(version)}
    return {name: _text(document) for name, document in documents.items()}


def _text(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
