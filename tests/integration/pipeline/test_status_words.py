"""A shop's own words for statuses: mapped as an order is accepted, refused without a map."""

import json
import urllib.error
import urllib.request
from typing import Any

from clickhouse.verify import verify
from support.events import Refusal, Sent, order, record, settings
from support.scene import Scene
from support.system import System

SHOP = "own-words"
UNKNOWN = Refusal("bad_value", "data.status")


def told(
    name: str, status: str, version: int = 1, refusal: Refusal | None = None, **more: Any
) -> Sent:
    return record(
        order(SHOP, name, status=status, version=version, event_id=f"{name}-{version}", **more),
        refusal,
    )


def words(version: int, map: dict[str, str] | None) -> Sent:
    return record(settings(SHOP, version=version, statusMap=map))


def statuses(system: System) -> dict[str, str]:
    rows = system.sql.rows("SELECT order_id, status FROM orders FINAL ORDER BY order_id")
    return {str(name): str(status) for name, status in rows}


def pushed(system: System) -> list[str]:
    """Orders in the history of the stream, by the status that the shop wrote."""
    status, body = system.get(f"/events/history?shopId={SHOP}&types=order:updated", [SHOP])
    assert status == 200, body
    return [each["event"]["data"]["status"] for each in json.loads(body)["events"]]


def posted(system: System, sent: Sent, by: str = SHOP) -> int:
    head = {
        "Authorization": f"Bearer {system.token(by)}",
        "Content-Type": "application/cloudevents+json",
    }
    url = f"http://127.0.0.1:{system.port}/events"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, sent.value, head)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_words_are_mapped_as_an_order_is_accepted(own: Scene) -> None:
    system = own.system.start(api=True)
    early = own.send([told("a", "on-hold", refusal=UNKNOWN), told("b", "paid")])
    own.check()
    own.check_letters(early)

    own.send([words(1, {"on-hold": "pending", "Storniert": "cancelled"})])
    own.check()
    # what was refused comes again, as by `deadletters retry`
    own.send([told("a", "on-hold"), told("c", "Storniert"), told("d", "lost", refusal=UNKNOWN)])
    many = [told(f"n{number}", "on-hold" if number % 2 else "paid") for number in range(60)]
    own.send(many)
    own.check()
    assert statuses(system)["a"] == "pending"
    assert statuses(system)["c"] == "cancelled"
    assert "on-hold" in pushed(system)

    # over HTTP a word of the shop is taken, another one is not
    mapped = told("h", "on-hold")
    assert posted(system, mapped) == 202
    own.send([mapped])
    assert posted(system, told("h", "lost")) == 400
    own.check()
    # and nobody else can find out which words a shop has
    assert [posted(system, told("h", word), "other") for word in ("on-hold", "lost")] == [400, 400]

    # another map changes no order that is accepted, also where its records come again
    own.send([words(2, {"on-hold": "failed"})])
    own.check()
    own.send([*many[:20], told("c", "Storniert", refusal=UNKNOWN), told("a", "on-hold", version=2)])
    own.check()
    assert statuses(system)["n1"] == "pending"
    assert statuses(system)["a"] == "failed"
    own.check_letters()

    (pipeline,) = system.pipelines
    own.send([told(f"k{number}", "on-hold") for number in range(500)])
    pipeline.kill()
    pipeline.start()
    system.until_ready(pipeline)
    own.check()
    system.replay()
    own.check()
    assert own.check_reports([SHOP]) > 0
    assert not verify(system.settings).differences
