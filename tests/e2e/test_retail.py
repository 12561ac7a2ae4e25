"""The invoices of a real shop, through the real broker, into every daily report: no difference, ever.

How an invoice becomes an event, in the order of the file (541,909 lines, 25,900 invoices):

- Shop: the country, lower-cased, blanks as `-`. Order id: the invoice number. `createdAt`: the date of the
  invoice's first line. Currency GBP; each line an item, its unit price the printed decimal as a JSON number;
  a line without description has no name.
- An invoice is an `order:created` with status `completed`. One with more than 1,000 lines, with a quantity
  that is not above 0 or with a price below 0 is sent as it is: it must come back as a dead letter
  (`bad_value`, the first field that breaks a rule), and the test counts it.
- A cancellation (`C…`) is matched with the latest earlier order of the same shop and customer of which every
  one of its lines is still unreturned (same stock code, same price, enough units). It becomes an
  `order:updated` of that order with the units in `refundedQuantity`, from the first line on, `updatedAt` its
  own date, `revision` one more; status `cancelled` once nothing is left of the order.
- A cancellation that matches none becomes an order of its own with status `cancelled` and the units positive:
  it never counts.

Every invoice is one record, so nothing is dropped. Records are shuffled (seeded), one in ten comes twice.

By default a slice: every country but the United Kingdom, and that one's invoices of December 2010; 2 kills
of the pipeline and 1 of the engine; every third report over HTTP (the tables that they are read from are
compared whole). With SHOPSTREAM_FULL=1 everything: without kills, and with 20 and 5; every report of every date.
"""

import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from clickhouse.verify import verify
from oracle.compare import compare_reports
from oracle.report import Reports
from support import retail
from support.load import stirred
from support.retail import Invoice, Retail
from support.scene import Scene
from support.system import FULL, System

pytestmark = pytest.mark.skipif(
    not retail.FILE.exists(), reason=f"{retail.FILE} is not there (see ../shared/data/README.md)"
)

PIPELINE_KILLS, ENGINE_KILLS = (20, 5) if FULL else (2, 1)
REPEATS = 0.1
UK_UNTIL = datetime(2011, 1, 1)
ALL = {
    "order": 20725,
    "returned whole": 131,
    "returned in part": 2358,
    "cancelled alone": 1347,
    "refused": 1339,
}
SLICE = {
    "order": 3459,
    "returned whole": 31,
    "returned in part": 416,
    "cancelled alone": 315,
    "refused": 70,
}


LINES = [[("Country", "!=", "United Kingdom")], [("InvoiceDate", "<", datetime(2011, 1, 2))]]
"""Of the slice, and some more."""


def in_slice(invoice: Invoice) -> bool:
    return FULL or invoice.shop != "united-kingdom" or invoice.at < UK_UNTIL


@pytest.fixture(scope="module")
def invoices() -> Retail:
    return retail.read(in_slice, None if FULL else LINES)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with System(tmp_path, session_seconds=2.0).start(api=True) as system:
        yield Scene(system)


def check_everything(scene: Scene, invoices: Retail) -> None:
    """Tables, names, stored orders, dead letters, and the product's own opinion of its numbers."""
    scene.system.settle(300)
    scene.compare()
    refused = sum(refusal is not None for _, refusal in scene.sent.values())
    assert refused >= invoices.counts["refused"]
    scene.check_letters()
    verdict = verify(scene.system.settings)
    assert verdict.compared and not verdict.differences


def check_reports(scene: Scene, invoices: Retail, empty: bool = False, step: int = 1) -> None:
    """Every `step`th report with an order in it; with `empty` those of all other dates too."""
    reports = Reports(scene.book)
    days = (invoices.last - invoices.first).days + 2
    span = {invoices.first + timedelta(days=n) for n in range(days if empty else 0)}
    wanted = [(s, d) for s in reports.dates for d in sorted(reports.dates[s] | span)][::step]
    found = compare_reports(scene.system.reader(reports.dates), scene.book, wanted)
    print(f"{len(wanted)} reports of {len(reports.dates)} shops, {len(found)} differences")
    assert not found, found[:20]


def test_every_invoice_becomes_a_record(invoices: Retail) -> None:
    assert invoices.counts == (ALL if FULL else SLICE)
    assert len(invoices.records) == sum(invoices.counts.values())


@pytest.mark.skipif(not FULL, reason="SHOPSTREAM_FULL=1 runs it; else the same is said with kills")
def test_every_daily_report_is_what_the_invoices_say(scene: Scene, invoices: Retail) -> None:
    began = time.monotonic()
    scene.send(stirred(2011, invoices.records, REPEATS))
    scene.system.settle(300)
    print(f"{len(scene.sent)} records in {time.monotonic() - began:.1f} s")
    check_everything(scene, invoices)
    check_reports(scene, invoices, empty=True)


def test_every_daily_report_survives_kills_and_a_replay(scene: Scene, invoices: Retail) -> None:
    chance = random.Random(536365)
    records = stirred(1941, invoices.records, REPEATS)
    pipeline, engine = scene.system.pipelines[0], scene.system.engine
    share = -(-len(records) // PIPELINE_KILLS)
    engine_kills = 0
    for kill in range(PIPELINE_KILLS):
        scene.system.until_ready(pipeline)
        scene.send(records[kill * share : (kill + 1) * share])
        if kill * ENGINE_KILLS // PIPELINE_KILLS >= engine_kills:
            time.sleep(chance.random() * 0.5)  # a random instant is what is tried here
            engine.kill()
            engine_kills += 1
            scene.system.start_engine()
        time.sleep(chance.random() * 0.5)
        pipeline.kill()
        pipeline.start()
    scene.system.settle(300)
    assert (pipeline.starts, engine.starts) == (PIPELINE_KILLS + 1, ENGINE_KILLS + 1)
    scene.compare()
    scene.send(stirred(7, invoices.records, 0))
    check_everything(scene, invoices)
    check_reports(scene, invoices, step=1 if FULL else 3)
