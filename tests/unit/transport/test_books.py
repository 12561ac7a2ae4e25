"""The books of all assigned partitions."""

from faust.types import TP

from pipeline.transport.book import Progress
from pipeline.transport.books import Books
from pipeline.transport.fetches import Sample

A, B = TP("orders", 0), TP("orders", 1)


def test_only_assigned_partitions_have_progress():
    books = Books()
    books.open({A: 5})
    books.fetched([Sample(A, 1.0, 5, 5), Sample(B, 1.0, 0, 0)])
    books.taken({B: 7})
    books.saved({B: 7})
    assert books.progress() == {A: Progress(5, 1.0)}
    assert books.unsaved(B) is None


def test_an_acknowledgement_after_the_partition_was_revoked_has_no_effect():
    books = Books()
    books.open({A: 0})
    ticket = books.get(A).deliver(10)
    books.close([A])
    ticket.acked = True
    assert books.unsaved(A) is None
    books.open({A: 0})
    assert books.unsaved(A) is None


def test_deliveries_of_a_log_that_is_gone_are_not_committed_on_the_new_one():
    books = Books()
    books.open({A: 500})
    books.fetched([Sample(A, 1.0, 500, 500)])
    old = books.get(A).deliver(510)
    assert books.progress() == {A: Progress(500, 1.0)}
    books.fetched([Sample(A, 2.0, 0, 3)])
    old.acked = True
    assert books.unsaved(A) == 0
    assert books.progress() == {A: Progress(0, 1.0)}
    books.get(A).deliver(3).acked = True
    assert books.unsaved(A) == 3
    assert books.progress() == {A: Progress(3, 2.0)}
