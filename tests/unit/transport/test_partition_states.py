"""The states of all assigned partitions."""

from faust.types import TP

from pipeline.transport.partitions import PartitionStates, Progress, Sample

A, B = TP("orders", 0), TP("orders", 1)


def test_only_assigned_partitions_have_progress():
    states = PartitionStates()
    states.open({A: 5})
    states.fetched([Sample(A, 1.0, 5, 5), Sample(B, 1.0, 0, 0)])
    states.taken({B: 7})
    states.committed({B: 7})
    assert states.progress() == {A: Progress(5, 1.0)}
    assert states.uncommitted(B) is None


def test_an_acknowledgement_after_the_partition_was_revoked_has_no_effect():
    states = PartitionStates()
    states.open({A: 0})
    chunk = states.get(A).deliver(10)
    states.close([A])
    chunk.acked = True
    assert states.uncommitted(A) is None
    states.open({A: 0})
    assert states.uncommitted(A) is None


def test_deliveries_of_a_log_that_is_gone_are_not_committed_on_the_new_one():
    states = PartitionStates()
    states.open({A: 500})
    states.fetched([Sample(A, 1.0, 500, 500)])
    old = states.get(A).deliver(510)
    assert states.progress() == {A: Progress(500, 1.0)}
    states.fetched([Sample(A, 2.0, 0, 3)])
    old.acked = True
    assert states.uncommitted(A) == 0
    assert states.progress() == {A: Progress(0, 1.0)}
    states.get(A).deliver(3).acked = True
    assert states.uncommitted(A) == 3
    assert states.progress() == {A: Progress(3, 2.0)}
