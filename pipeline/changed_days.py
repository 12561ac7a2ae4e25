"""Which shops and UTC days a batch may have changed, for the caches of the API processes. No I/O."""

import json

import numpy as np

from pipeline.batch import Batch
from pipeline.store import Slots
from shopstream.contracts.notices import ChangedDays
from shopstream.contracts.topics import ORDERS, SETTINGS

SHOPS, DAYS, BYTES = 1000, 10_000, 256 * 1024
"""What one progress message names at most, `BYTES` of shops' names as JSON; beyond, anything may have
changed. A broker takes a mebibyte."""


def changed_days(batch: Batch, changed: Slots) -> ChangedDays | None:
    """Every shop that the batch has an event of, with the days whose numbers the batch changed; of orders those of
    `createdAt` and `placedAt` too.

    Days are counted since 1970. An order's version that is late or repeated is included, though it changes nothing.
    """
    if not batch.staged.num_rows:
        return {}
    shops = batch.staged["shop_id"].combine_chunks().dictionary_encode()
    names: list[str] = shops.dictionary.to_pylist()
    if batch.topic == SETTINGS:
        return bounded(dict.fromkeys(names))
    days = {name: {slot // 86400 for slot in changed.get(name, ())} for name in names}
    if batch.topic == ORDERS:
        for column in ("created_at", "placed_at"):
            told = batch.staged[column].is_valid()
            at = batch.staged[column].filter(told).to_numpy().astype("datetime64[D]")
            of = shops.indices.filter(told.combine_chunks()).to_numpy()
            for shop, day in np.unique(np.stack([of, at.astype(np.int64)]), axis=1).T.tolist():
                days[names[shop]].add(day)
    return bounded(days)


def merged(one: ChangedDays | None, other: ChangedDays | None) -> ChangedDays | None:
    """Days that either has, by shop; None (anything) where one is, or where both name too much."""
    if one is None or other is None:
        return None
    found = dict(one)
    for shop, days in other.items():
        known = found.get(shop, frozenset())
        found[shop] = None if known is None or days is None else known | days
    return bounded(found)


def bounded(found: ChangedDays) -> ChangedDays | None:
    """The same, or None (anything) where it names too much."""
    if len(found) > SHOPS or sum(len(days) for days in found.values() if days) > DAYS:
        return None
    if sum(len(json.dumps(shop)) for shop in found) > BYTES:
        return None
    return found
