"""Which kinds of numbers a batch may have changed, by shop and UTC day, for the caches of the API processes. No I/O."""

import json
from collections.abc import Collection, Mapping

import numpy as np

from pipeline.batch import Batch
from pipeline.store import Lookups, Slots
from shopstream.contracts.notices import (
    FIRST_ORDER,
    NAMES,
    ON_ORDER,
    PAYMENTS,
    SALES,
    SESSIONS,
    ChangedDays,
    Days,
)
from shopstream.contracts.topics import INVENTORY, ORDERS, PURCHASES, SETTINGS, TRAFFIC
from shopstream.contracts.topics import PAYMENTS as PAYMENTS_TOPIC

SHOPS, DAYS, BYTES = 1000, 10_000, 256 * 1024
"""What one progress message names at most, `BYTES` of shops' names as JSON; beyond, anything may have
changed. A broker takes a mebibyte."""

_SUMS = {ORDERS: SALES, PAYMENTS_TOPIC: PAYMENTS, TRAFFIC: SESSIONS}
"""The kind of sums that the windows of a topic are."""
_OTHERS = {INVENTORY: {NAMES: None}, PURCHASES: {ON_ORDER: None}}
_LOOKUPS = {"product_names": NAMES, "first_orders": FIRST_ORDER}
"""What reports read of the look-up tables of orders."""


def changed_days(
    batch: Batch, changed: Slots, lookups: Lookups | None = None
) -> ChangedDays | None:
    """Every shop that the batch has an event of, with the kinds and days whose numbers the batch may have changed; of
    orders those of `createdAt` and `placedAt` too.

    `lookups`: the tables for orders that the batch may have changed, None where that is not known. A version of an
    order that is late or repeated is included, though it changes nothing.
    """
    if not batch.staged.num_rows:
        return {}
    shops = batch.staged["shop_id"].combine_chunks().dictionary_encode()
    names: list[str] = shops.dictionary.to_pylist()
    if batch.topic == SETTINGS:
        return bounded(dict.fromkeys(names))
    kind = _SUMS.get(batch.topic)
    if kind is None:
        return bounded(dict.fromkeys(names, _OTHERS.get(batch.topic, {})))
    days = {name: {slot // 86400 for slot in changed.get(name, ())} for name in names}
    found: dict[str, dict[str, Days]] = {name: {kind: some} for name, some in days.items()}
    if batch.topic == ORDERS:
        for table, read in _LOOKUPS.items():
            for name in _shops(table, lookups, names):
                found[name][read] = None
        for column in ("created_at", "placed_at"):
            told = batch.staged[column].is_valid()
            at = batch.staged[column].filter(told).to_numpy().astype("datetime64[D]")
            of = shops.indices.filter(told.combine_chunks()).to_numpy()
            for shop, day in set(zip(of.tolist(), at.astype(np.int64).tolist(), strict=True)):
                days[names[shop]].add(day)
    return bounded(found)


def _shops(table: str, lookups: Lookups | None, names: list[str]) -> Collection[str]:
    """Those of a batch whose rows in a look-up table may have changed."""
    if lookups is None:
        return names
    shops = lookups.get(table, ())
    return names if shops is None else shops


def merged(one: ChangedDays | None, other: ChangedDays | None) -> ChangedDays | None:
    """Days that either has, by shop; None (anything) where one is, or where both name too much."""
    if one is None or other is None:
        return None
    found = dict(one)
    for shop, kinds in other.items():
        known = found.get(shop, {})
        found[shop] = None if known is None or kinds is None else _both(known, kinds)
    return bounded(found)


def _both(one: Mapping[str, Days], other: Mapping[str, Days]) -> Mapping[str, Days]:
    found = dict(one)
    for kind, days in other.items():
        known = found.get(kind, frozenset())
        found[kind] = None if known is None or days is None else known | days
    return found


def bounded(found: ChangedDays) -> ChangedDays | None:
    """The same, or None (anything) where it names too much."""
    days = [some for kinds in found.values() if kinds for some in kinds.values() if some]
    if len(found) > SHOPS or sum(map(len, days)) > DAYS:
        return None
    if sum(len(json.dumps(shop)) for shop in found) > BYTES:
        return None
    return found
