"""The topics and events as an AsyncAPI 3.0 document, from the system's side. Pure."""

from typing import Any

from shopstream.contracts.examples import example
from shopstream.contracts.json_schema import of_event
from shopstream.contracts.topics import (
    ALERTS,
    BY_NAME,
    DEADLETTERS,
    INPUTS,
    NOTICES,
    TOPIC_OF_TYPE,
    TOPICS,
    Topic,
)

Part = dict[str, Any]

BINDING = {"bindingVersion": "0.5.0"}
ABOUT = """\
Every record is a CloudEvents 1.0 event in JSON, at most 512 KiB: in structured mode, as it is described here, or
in binary mode, with its attributes in `ce_` headers and `data` as the value. Members that are not
named here are ignored; a null optional member is an absent one. A record that breaks a rule goes to
`shop.deadletters`, and the stream goes on.

Operations are told from the system's side: it receives what shops send."""
KEY = """\
By Kafka's default partitioner (murmur2), so that the events of one thing stay in order. Another key, or none,
is legal: the numbers are as exact, only the pushes of one thing may then change places."""
_WRITTEN = {
    ALERTS: "The pipeline sends. The API processes receive, and so may any consumer of yours.",
    NOTICES: "The pipeline sends. The API processes receive, and so may any consumer of yours. The topic also "
    "carries `pipeline:progress` for the API processes alone: its form promises nothing, pass it over.",
    DEADLETTERS: "The pipeline sends. Whoever looks after the producers receives.",
}
_READ = "Shops send. The pipeline and the API processes receive."


def document(version: str) -> Part:
    """The whole document; `version` is that of the project."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Shopstream events",
            "version": version,
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {"kafka": _SERVER, "http": _api("http"), "ws": _api("ws")},
        "channels": {
            **{topic.name: _channel(topic) for topic in TOPICS if topic.types},
            **{name: _endpoint(name) for name in ENDPOINTS},
        },
        "operations": {
            **dict(_operation(topic) for topic in TOPICS if topic.types),
            **{f"send.{name}": _push(name) for name in ENDPOINTS},
        },
        "components": {
            "messages": {
                **{dotted(kind): _message(kind) for kind in TOPIC_OF_TYPE},
                **{dotted(name): _control(name) for name in CONTROLS},
            },
            "schemas": {dotted(kind): _schema(kind) for kind in TOPIC_OF_TYPE},
        },
    }


def dotted(kind: str) -> str:
    """A type as a name of files and components, which have no colon."""
    return kind.replace(":", ".")


_SERVER = {
    "host": "{bootstrap}",
    "protocol": "kafka",
    "description": "Encryption and login are the deployment's own.",
    "variables": {
        "bootstrap": {
            "default": "127.0.0.1:9092",
            "description": "As in `SHOPSTREAM_KAFKA_BOOTSTRAP`.",
        }
    },
}


def _channel(topic: Topic) -> Part:
    number = (
        "as many partitions as the deployment sets" if topic.partitions is None else "one partition"
    )
    return {
        "address": topic.name,
        "description": f"{_parties(topic)} It has {number}.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {dotted(kind): _ref("components/messages", kind) for kind in topic.types},
        "bindings": {"kafka": _binding(topic)},
    }


def _parties(topic: Topic) -> str:
    return _WRITTEN.get(topic.name, _READ)


def _binding(topic: Topic) -> Part:
    numbers = ("retention.ms", "max.message.bytes")
    config: Part = {
        name: int(value) if name in numbers else value for name, value in topic.config.items()
    }
    config["cleanup.policy"] = topic.config.get("cleanup.policy", "delete").split(",")
    partitions = {} if topic.partitions is None else {"partitions": topic.partitions}
    return {"topic": topic.name, **partitions, "topicConfiguration": config, **BINDING}


def _operation(topic: Topic) -> tuple[str, Part]:
    action = "receive" if topic.name in INPUTS else "send"
    return f"{action}.{topic.name}", {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "description": _parties(topic),
        "messages": [_ref(f"channels/{topic.name}/messages", kind) for kind in topic.types],
    }


def _message(kind: str) -> Part:
    return {
        "name": kind,
        "title": kind,
        "summary": of_event(kind)["description"],
        "payload": _ref("components/schemas", kind),
        "bindings": {"kafka": {**_key(kind), **BINDING}},
        "examples": [{"name": dotted(kind), "payload": example(kind)}],
    }


def _key(kind: str) -> Part:
    topic = BY_NAME[TOPIC_OF_TYPE[kind]]
    if topic.name not in INPUTS:
        return {}
    shown = example(kind)
    entity = f"/{shown['data'][topic.entity]}" if topic.entity else ""
    rule = f"`shopid/<{topic.entity}>`" if topic.entity else "`shopid`"
    return {
        "key": {
            "type": "string",
            "description": f"{rule} in UTF-8. {KEY}",
            "examples": [shown["shopid"] + entity],
        }
    }


def _schema(kind: str) -> Part:
    """Without what makes it a document of its own."""
    return {name: part for name, part in of_event(kind).items() if not name.startswith("$")}


ENDPOINTS = {
    "push.sse": (
        "/events",
        "http",
        "Server-sent events: `id` is the cursor, `event` the type, `data` the CloudEvent.",
    ),
    "push.ws": (
        "/ws",
        "ws",
        'Messages `{"cursor": "…", "event": {CloudEvent}}`; those of the stream `{"control": "…", …}`.',
    ),
    "push.socketio": (
        "/socket.io",
        "ws",
        "Socket.IO v4: an event of the type with `data`, then `{id, time, cursor}`; also by polling.",
    ),
}
"""Where a shop's events are pushed: address, server, and the form of a message."""
_CURSOR = {"type": "string", "description": "A place in the shop's stream."}
_USERS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"userId": {"type": "string"}, "connections": {"type": "integer"}},
    },
}
CONTROLS: dict[str, tuple[str, Part]] = {
    "stream:ready": (
        "The first message; whether nothing is missing since the given cursor.",
        {"complete": {"type": "boolean"}, "cursor": _CURSOR},
    ),
    "stream:reset": (
        "Something was missed that cannot be had.",
        {"reason": {"type": "string"}, "cursor": _CURSOR},
    ),
    "stream:bye": (
        "The last message.",
        {"reason": {"enum": ["shutdown", "expired", "rotate"]}, "cursor": _CURSOR},
    ),
    "stream:types": (
        "The types that a client of the WebSocket chose.",
        {"types": {"type": "array", "items": {"type": "string"}}},
    ),
    "stream:error": (
        "A message of a client of the WebSocket that means nothing.",
        {"detail": {"type": "string"}},
    ),
    "presence:changed": (
        "Who is connected now, for admins; without a cursor. A CloudEvent with this as its data.",
        {"connections": {"type": "integer"}, "users": _USERS},
    ),
}
"""Messages of the streams themselves: what they say, and their members."""
_OF_THE_WEBSOCKET = {"stream:types", "stream:error"}


def pushed(name: str) -> list[str]:
    """What an endpoint sends: events of shops and of the system, then what the stream itself says."""
    events = [kind for kind, topic in TOPIC_OF_TYPE.items() if topic != DEADLETTERS]
    return [*events, *(c for c in CONTROLS if name == "push.ws" or c not in _OF_THE_WEBSOCKET)]


def _api(protocol: str) -> Part:
    return {
        "host": "{address}",
        "protocol": protocol,
        "description": "An API process; with TLS where a proxy before it has that.",
        "variables": {"address": {"default": "127.0.0.1:3000"}},
    }


def _endpoint(name: str) -> Part:
    address, server, about = ENDPOINTS[name]
    return {
        "address": address,
        "description": about,
        "servers": [{"$ref": f"#/servers/{server}"}],
        "messages": {dotted(kind): _ref("components/messages", kind) for kind in pushed(name)},
    }


def _push(name: str) -> Part:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "description": "API processes send, to each subscriber what its shop and its user may see.",
        "messages": [_ref(f"channels/{name}/messages", kind) for kind in pushed(name)],
    }


def _control(name: str) -> Part:
    about, members = CONTROLS[name]
    payload = {"type": "object", "properties": members, "required": list(members)}
    return {"name": name, "title": name, "summary": about, "payload": payload}


def _ref(where: str, kind: str) -> Part:
    return {"$ref": f"#/{where}/{dotted(kind)}"}
