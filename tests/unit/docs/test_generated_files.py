"""The files that scripts/docs writes are what the contracts give, and valid."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from doc_pages import ROOT, read

from api.push.event_types import PUSHED
from shopstream.contracts.asyncapi import ENDPOINTS, document, pushed
from shopstream.contracts.documents import files
from shopstream.contracts.json_schema import of_event
from shopstream.contracts.routing import record_key
from shopstream.contracts.topics import BY_NAME, DAY_MS, INPUTS, TOPIC_OF_TYPE

VERSION: str = tomllib.loads(read("pyproject.toml"))["project"]["version"]
FILES = files(VERSION)
ASYNCAPI: dict[str, Any] = document(VERSION)
MESSAGES: dict[str, dict[str, Any]] = ASYNCAPI["components"]["messages"]


def specification() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text())
    return found


def target(reference: str) -> Any:
    found: Any = ASYNCAPI
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for each in node for found in references(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for each in node.values() for found in references(each)]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_the_contracts_give(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == FILES[name], "run scripts/docs"


def test_there_is_a_schema_for_every_type_and_no_other() -> None:
    names = {f"{kind.replace(':', '.')}.json" for kind in TOPIC_OF_TYPE}
    assert {path.name for path in (ROOT / "docs/schemas").iterdir()} == names
    assert set(FILES) == {f"schemas/{name}" for name in names} | {"asyncapi.json"}


@pytest.mark.parametrize("kind", TOPIC_OF_TYPE)
def test_a_schema_file_is_the_schema_with_an_example(kind: str) -> None:
    text = json.loads(FILES[f"schemas/{kind.replace(':', '.')}.json"])
    (shown,) = text.pop("examples")
    assert text == of_event(kind)
    assert shown["type"] == text["title"] == kind
    jsonschema.Draft202012Validator(text).validate(shown)


def test_the_document_keeps_the_specification_of_asyncapi_3() -> None:
    jsonschema.Draft7Validator(specification()).validate(ASYNCAPI)


@pytest.mark.parametrize(
    "path",
    [
        ("asyncapi",),
        ("info", "title"),
        ("servers", "kafka", "protocol"),
        ("operations", "receive.shop.orders", "action"),
        ("components", "schemas", "order.created", "type"),
        ("components", "messages", "order.created", "bindings", "kafka", "bindingVersion"),
        ("channels", "shop.orders", "bindings", "kafka", "topicConfiguration", "retention.ms"),
    ],
)
def test_the_specification_catches_a_wrong_value(path: tuple[str, ...]) -> None:
    wrong = json.loads(FILES["asyncapi.json"])
    node = wrong
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = {"no": "value"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(specification()).validate(wrong)


TOLD = {name for name, topic in BY_NAME.items() if topic.types}
"""Topics with events of the contract."""


def test_every_reference_leads_somewhere() -> None:
    kafka = 2 * len(TOLD) + 3 * len(TOPIC_OF_TYPE)
    push = sum(2 + 2 * len(pushed(name)) for name in ENDPOINTS)
    assert len(references(ASYNCAPI)) == kafka + push
    for reference in references(ASYNCAPI):
        assert target(reference)


def test_every_topic_is_a_channel_with_its_types() -> None:
    assert set(ASYNCAPI["channels"]) == TOLD | set(ENDPOINTS)
    for name in TOLD:
        channel = ASYNCAPI["channels"][name]
        assert channel["address"] == name
        kinds = [target(message["$ref"])["name"] for message in channel["messages"].values()]
        assert kinds == list(BY_NAME[name].types)


def test_every_endpoint_of_push_sends_what_a_subscriber_may_ask_for() -> None:
    for name, (address, _, _) in ENDPOINTS.items():
        channel = ASYNCAPI["channels"][name]
        kinds = [target(message["$ref"])["name"] for message in channel["messages"].values()]
        assert channel["address"] == address
        assert {kind for kind in kinds if not kind.startswith("stream:")} == PUSHED
        assert {"stream:ready", "stream:reset", "stream:bye"} <= set(kinds)
        assert ("stream:types" in kinds) == (name == "push.ws")


def test_the_system_receives_what_shops_send_and_sends_the_rest() -> None:
    told = {
        operation["channel"]["$ref"].removeprefix("#/channels/"): operation["action"]
        for operation in ASYNCAPI["operations"].values()
    }
    assert told == {name: "receive" if name in INPUTS else "send" for name in (*TOLD, *ENDPOINTS)}
    for operation in ASYNCAPI["operations"].values():
        channel = target(operation["channel"]["$ref"])
        own = [target(message["$ref"]) for message in operation["messages"]]
        assert own == list(channel["messages"].values())
        assert operation["description"].startswith(
            ("Shops send.",) if operation["action"] == "receive" else ("The pipeline", "API")
        )


def test_bindings_tell_partitions_retention_and_cleanup() -> None:
    bindings = {name: ASYNCAPI["channels"][name]["bindings"]["kafka"] for name in TOLD}
    assert {name: kafka.get("partitions") for name, kafka in bindings.items()} == {
        **dict.fromkeys((*INPUTS, "shop.alerts")),
        "shop.notices": 1,
        "shop.deadletters": 1,
    }
    days = {
        name: kafka["topicConfiguration"]["retention.ms"] / DAY_MS
        for name, kafka in bindings.items()
    }
    assert days == {
        **dict.fromkeys((*INPUTS, "shop.alerts"), 7),
        "shop.notices": 1,
        "shop.deadletters": 30,
    }
    for name, kafka in bindings.items():
        assert kafka["topic"] == name
        assert kafka["topicConfiguration"]["cleanup.policy"] == ["delete"]
    letters = bindings["shop.deadletters"]["topicConfiguration"]
    assert letters["max.message.bytes"] == 2 * 1024 * 1024


@pytest.mark.parametrize("kind", TOPIC_OF_TYPE)
def test_a_message_has_the_schema_the_example_and_the_key_of_its_type(kind: str) -> None:
    message = MESSAGES[kind.replace(":", ".")]
    schema = of_event(kind)
    assert target(message["payload"]["$ref"]) == {
        name: part for name, part in schema.items() if not name.startswith("$")
    }
    assert message["name"] == kind
    (shown,) = (example["payload"] for example in message["examples"])
    jsonschema.Draft202012Validator(schema).validate(shown)
    kafka = message["bindings"]["kafka"]
    if TOPIC_OF_TYPE[kind] in INPUTS:
        key = record_key(TOPIC_OF_TYPE[kind], shown) or b""
        assert kafka["key"]["examples"] == [key.decode()]
    else:
        assert "key" not in kafka


def test_the_page_links_the_files() -> None:
    page = read("docs/contract.md")
    assert "](asyncapi.json)" in page
    for kind in TOPIC_OF_TYPE:
        assert f"[`{kind}`](schemas/{kind.replace(':', '.')}.json)" in page
