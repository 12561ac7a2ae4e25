"""The dead letters that there must be, beside those that there are."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from oracle.difference import listed, tree_differences
from support.events import Refusal, Sent
from support.kafka import Place, Read


def compare_letters(
    letters: Sequence[Mapping[str, Any]],
    sent: Mapping[Place, tuple[Sent, Refusal | None]],
    reads: Mapping[Place, Read],
    others: Mapping[Place, tuple[Sent, Refusal | None]] | None = None,
) -> list[str]:
    """Every refused record is told with all its fields, under an id of its own, or shares a letter with others that
    were refused for the same reason, also with `others`; no other one is."""
    lines = []
    refused = {spot: (s, r) for spot, (s, r) in sent.items() if r is not None}
    told: dict[Place, Mapping[str, Any]] = {}
    shared: set[Place] = set()
    for letter in letters:
        if "count" in letter["data"]:
            lines += _shared(letter["data"], {**(others or {}), **sent}, shared)
            continue
        spot = place_of(letter)
        if spot in told and told[spot] != letter:
            lines.append(f"dead letter {spot}: told twice, differently")
        told[spot] = letter
    ids = {letter["id"] for letter in told.values()}
    if len(ids) != len(told):
        lines.append(f"{len(told)} refused records have {len(ids)} ids")
    for spot in sorted(set(told) - set(refused)):
        lines.append(f"dead letter {spot}: should not be there: {told[spot]['data']}")
    for spot in sorted(set(refused) - set(told) - shared):
        lines.append(f"dead letter {spot}: missing, {refused[spot][1]}")
    for spot in sorted(set(refused) & set(told)):
        record, refusal = refused[spot]
        assert refusal is not None
        lines += _letter(spot, record, refusal, reads[spot], told[spot])
    return listed(lines)


def _shared(
    data: Mapping[str, Any],
    sent: Mapping[Place, tuple[Sent, Refusal | None]],
    shared: set[Place],
) -> list[str]:
    """Some of the records between two offsets have a letter of their own, so no more is known than a bound."""
    first = Place(data["topic"], data["partition"], data["offset"])
    last = first._replace(offset=data["lastOffset"])
    meant = {
        spot
        for spot, (_, refusal) in sent.items()
        if first <= spot <= last and refusal is not None and refusal.reason == data["reason"]
    }
    shared |= meant
    if {first, last} <= meant and 1 <= data["count"] <= len(meant) and data["value"] is None:
        return []
    return [f"dead letter of {data['count']} records from {first} to {last}: {len(meant)} there"]


def place_of(letter: Mapping[str, Any]) -> Place:
    """Where the record was that a dead letter tells of."""
    data = letter["data"]
    return Place(data["topic"], data["partition"], data["offset"])


def _headers(sent: Sent) -> list[dict[str, str | None]]:
    return [
        {"name": name, "value": None if value is None else base64.b64encode(value).decode()}
        for name, value in sent.headers
    ]


def _letter(
    spot: Place, sent: Sent, refusal: Refusal, read: Read, letter: Mapping[str, Any]
) -> list[str]:
    value = sent.value or b""
    hidden = refusal.reason == "too_large" or not value
    expected = {
        "topic": spot.topic,
        "partition": spot.partition,
        "offset": spot.offset,
        "timestamp": read.timestamp,
        "key": None if sent.key is None else base64.b64encode(sent.key).decode(),
        "value": None if hidden else base64.b64encode(value).decode(),
        **({"headers": _headers(sent)} if sent.headers and not hidden else {}),
        "size": len(value),
        "sha256": hashlib.sha256(value).hexdigest(),
        "reason": refusal.reason,
        "field": refusal.field,
    }
    found = dict(letter["data"])
    message = found.pop("message", None)
    lines = tree_differences(f"dead letter {spot}", expected, found)
    if not (isinstance(message, str) and message.strip()):
        lines.append(f"dead letter {spot}: message {message!r}")
    envelope = {name: letter.get(name) for name in ("specversion", "type")}
    wanted = {"specversion": "1.0", "type": "record:refused"}
    return lines + tree_differences(f"dead letter {spot}", wanted, envelope)
