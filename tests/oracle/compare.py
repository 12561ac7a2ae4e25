"""What the system has, beside what it must have; each difference is a line of text."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from oracle.book import Book
from oracle.report import Reports
from oracle.tables import tables
from support.events import Refusal, Sent
from support.found import SUMS, read_tables, stored_names
from support.kafka import Place as Spot
from support.kafka import Read
from support.sql import Sql

Daily = Callable[[str, date], dict[str, Any]]
LISTED = 40


def compare_tables(sql: Sql, book: Book, shops: Iterable[str] | None = None) -> list[str]:
    """Every row of every table, of these shops or of all that there are."""
    expected = tables(book)
    chosen = None if shops is None else set(shops)
    found = read_tables(sql, chosen)
    lines: list[str] = []
    for name in SUMS:
        lines += differences(name, _of(expected.sums[name], chosen), found.sums[name])
    ours = {(shop,): value for shop, value in expected.currencies.items()}
    theirs = {(shop,): value for shop, value in found.currencies.items()}
    lines += differences("first_orders", _of(ours, chosen), theirs)
    lines += differences("orders", _of(expected.orders, chosen), found.orders)
    named = _of(expected.names, chosen)
    products = {key[:2] for key in (*expected_products(book, chosen), *named)}
    lines += differences("product_names", named, stored_names(sql, products))
    return _listed(lines)


def expected_products(book: Book, chosen: set[str] | None) -> set[tuple[str, str]]:
    return {
        (version.shop, line.product)
        for version in book.orders.values()
        if chosen is None or version.shop in chosen
        for line in version.lines
    }


def compare_reports(daily: Daily, book: Book, wanted: Iterable[tuple[str, date]]) -> list[str]:
    """The whole body of each report, `asOf` but for its being there."""
    reports, lines = Reports(book), []
    for shop, day in wanted:
        body = daily(shop, day)
        if body.pop("asOf", None) is None:
            lines.append(f"{shop} {day}: no asOf")
        lines += tree_differences(
            f"{shop} {day}", reports.daily_sales(shop, day, datetime.now(UTC)), body
        )
    return _listed(lines)


def compare_letters(
    letters: Sequence[Mapping[str, Any]],
    sent: Mapping[Spot, tuple[Sent, Refusal | None]],
    reads: Mapping[Spot, Read],
) -> list[str]:
    """Every refused record is told with all its fields, under an id of its own; no other one is."""
    lines = []
    refused = {spot: (s, r) for spot, (s, r) in sent.items() if r is not None}
    told: dict[Spot, Mapping[str, Any]] = {}
    for letter in letters:
        spot = place_of(letter)
        if spot in told and told[spot] != letter:
            lines.append(f"dead letter {spot}: told twice, differently")
        told[spot] = letter
    ids = {letter["id"] for letter in told.values()}
    if len(ids) != len(told):
        lines.append(f"{len(told)} refused records have {len(ids)} ids")
    for spot in sorted(set(told) - set(refused)):
        lines.append(f"dead letter {spot}: should not be there: {told[spot]['data']}")
    for spot in sorted(set(refused) - set(told)):
        lines.append(f"dead letter {spot}: missing, {refused[spot][1]}")
    for spot in sorted(set(refused) & set(told)):
        record, refusal = refused[spot]
        assert refusal is not None
        lines += _letter(spot, record, refusal, reads[spot], told[spot])
    return _listed(lines)


def place_of(letter: Mapping[str, Any]) -> Spot:
    """Where the record was that a dead letter tells of."""
    data = letter["data"]
    return Spot(data["topic"], data["partition"], data["offset"])


def _letter(
    spot: Spot, sent: Sent, refusal: Refusal, read: Read, letter: Mapping[str, Any]
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


def differences(name: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> list[str]:
    """A line for each key whose value is not the expected one, missing and surplus ones too."""
    lines = []
    for key in sorted(set(expected) | set(found)):
        if (wanted := expected.get(key)) != (got := found.get(key)):
            lines.append(f"{name} {key}: is {_show(got)}, should be {_show(wanted)}")
    return lines


def tree_differences(where: str, expected: Any, found: Any) -> list[str]:
    """The same of two JSON documents, by path; decimals count by value, so 1.50 is 1.5."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return [
            line
            for key in sorted(set(expected) | set(found))
            for line in tree_differences(
                f"{where} {key}", expected.get(key, "(none)"), found.get(key, "(none)")
            )
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            line
            for number, pair in enumerate(zip(expected, found, strict=True))
            for line in tree_differences(f"{where}[{number}]", *pair)
        ]
    same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
    return [] if same else [f"{where}: is {_show(found)}, should be {_show(expected)}"]


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(str(part) for part in value) + ")"
    return "nothing" if value is None else str(value)


def _of(rows: Mapping[Any, Any], chosen: set[str] | None) -> dict[Any, Any]:
    return {key: row for key, row in rows.items() if chosen is None or key[0] in chosen}


def _listed(lines: list[str]) -> list[str]:
    for line in lines[:LISTED]:
        print(line)
    if len(lines) > LISTED:
        print(f"… and {len(lines) - LISTED} more differences")
    return lines
