"""The commit is the end of the acknowledged prefix."""

import random

from pipeline.transport.ledger import Ledger


def test_nothing_is_committed_before_the_first_acknowledgement():
    ledger = Ledger()
    ledger.deliver(10)
    assert ledger.unsaved() is None
    assert not ledger.idle


def test_an_acknowledgement_out_of_order_waits_for_those_before_it():
    ledger = Ledger()
    first, second, third = ledger.deliver(10), ledger.deliver(20), ledger.deliver(35)
    third.acked = True
    assert ledger.unsaved() is None
    first.acked = True
    assert ledger.unsaved() == 10
    second.acked = True
    assert ledger.unsaved() == 35
    assert ledger.idle


def test_a_commit_is_offered_until_the_broker_confirms_it():
    ledger = Ledger()
    ledger.deliver(10).acked = True
    assert [ledger.unsaved(), ledger.unsaved()] == [10, 10]
    ledger.saved(10)
    assert ledger.unsaved() is None
    ledger.deliver(11).acked = True
    assert ledger.unsaved() == 11


def test_an_empty_ledger_is_idle_and_has_nothing_to_commit():
    assert Ledger().idle
    assert Ledger().unsaved() is None


def test_any_order_of_acknowledgements_ends_at_the_acknowledged_prefix():
    dice = random.Random(7)
    for _ in range(200):
        ledger = Ledger()
        tickets = [ledger.deliver(n) for n in sorted(dice.sample(range(1, 1000), 20))]
        order = tickets[:]
        dice.shuffle(order)
        for ticket in order:
            ticket.acked = True
            prefix = [t.next for t in tickets[: _first_open(tickets)]]
            assert ledger.end == (prefix[-1] if prefix else None)


def _first_open(tickets):
    return next((i for i, ticket in enumerate(tickets) if not ticket.acked), len(tickets))
