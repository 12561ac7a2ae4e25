"""A recreated topic is not the topic that was read."""

from uuid import UUID

import pytest

from pipeline.epochs import Epochs, TopicMissing, TopicRecreated

ONE, OTHER = UUID(int=1), UUID(int=2)


class Broker:
    def __init__(self, **topics: UUID | None) -> None:
        self.topics = topics
        self.asked: list[list[str]] = []

    def topic_ids(self, names):
        self.asked.append(list(names))
        return {name: self.topics.get(name) for name in names}


async def test_the_epoch_of_a_topic_is_known_after_a_check():
    broker = Broker(a=ONE, b=OTHER)
    epochs = Epochs(broker)
    await epochs.check({"b", "a"})
    assert broker.asked == [["a", "b"]]
    # crc32 of the 16 bytes of each id
    assert (epochs.of("a"), epochs.of("b")) == (0x9BBC7BC3, 0x02B52A79)


async def test_a_topic_that_stays_is_checked_in_silence():
    epochs = Epochs(Broker(a=ONE))
    await epochs.check(["a"])
    before = epochs.of("a")
    await epochs.check(["a"])
    assert epochs.of("a") == before


async def test_a_topic_that_does_not_exist_yet_is_missing():
    broker = Broker(a=None)
    epochs = Epochs(broker)
    with pytest.raises(TopicMissing) as caught:
        await epochs.check(["a"])
    assert str(caught.value) == "topic a does not exist; `shopstream migrate` makes it"
    broker.topics["a"] = ONE
    await epochs.check(["a"])


async def test_a_topic_that_was_made_again_is_recreated():
    broker = Broker(a=ONE)
    epochs = Epochs(broker)
    await epochs.check(["a"])
    before = epochs.of("a")
    broker.topics["a"] = OTHER
    for _ in range(2):
        with pytest.raises(TopicRecreated) as caught:
            await epochs.check(["a"])
        assert str(caught.value) == "topic a was deleted or created again"
    assert epochs.of("a") == before


async def test_a_topic_that_was_deleted_is_recreated_and_not_missing():
    broker = Broker(a=ONE)
    epochs = Epochs(broker)
    await epochs.check(["a"])
    broker.topics["a"] = None
    with pytest.raises(TopicRecreated):
        await epochs.check(["a"])


async def test_a_topic_that_was_never_checked_has_no_epoch():
    with pytest.raises(KeyError):
        Epochs(Broker()).of("a")
