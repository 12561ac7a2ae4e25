"""When keys are fetched, and what is said while they cannot be."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from api.faults import KeysUnavailable
from api.jwks import AGAIN_SECONDS, ASK_SECONDS, KEEP_SECONDS, Fetched, FetchFault, Jwks
from api.jwks_http import fresh
from api.keys import read_keys
from provider.signing import Pair, key_set

OLD, NEW = Pair("RS256", "old"), Pair("RS256", "new", 1)


class Provider:
    """An identity provider, and the clock of the world."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pairs = [OLD]
        self.down: Exception | None = None
        self.fetches = 0
        self.open = asyncio.Event()
        self.open.set()

    def clock(self) -> float:
        return self.now

    async def fetch(self) -> Fetched:
        self.fetches += 1
        await self.open.wait()
        if self.down:
            raise self.down
        return Fetched(read_keys(key_set(*self.pairs)), 300)


@asynccontextmanager
async def running(provider: Provider) -> AsyncIterator[Jwks]:
    jwks = Jwks(provider.fetch, provider.clock)
    task = asyncio.create_task(jwks.run())
    await settled()
    try:
        yield jwks
    finally:
        task.cancel()
        await asyncio.wait({task})


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def names(jwks: Jwks, kid: str | None) -> list[str | None]:
    return [key.kid for key in jwks.find("RS256", kid)]


async def later(jwks: Jwks, provider: Provider, seconds: float) -> None:
    """The clock is given, so the sleeper is waked by hand."""
    provider.now += seconds
    jwks._moved.set()
    await settled()


async def test_keys_are_fetched_once_and_again_when_they_are_no_longer_fresh() -> None:
    provider = Provider()
    async with running(provider) as jwks:
        assert (names(jwks, "old"), jwks.unavailable_reason()) == (["old"], None)
        await later(jwks, provider, 299)
        assert provider.fetches == 1
        provider.pairs = [NEW]
        await later(jwks, provider, 1)
        assert (provider.fetches, names(jwks, "new"), names(jwks, "old")) == (2, ["new"], [])


async def test_an_unknown_key_is_looked_for_once_whoever_asks() -> None:
    provider = Provider()
    async with running(provider) as jwks:
        provider.now += ASK_SECONDS
        provider.pairs = [OLD, NEW]
        provider.open.clear()
        waiting = [asyncio.create_task(jwks.prepare("RS256", "new")) for _ in range(500)]
        waiting += [asyncio.create_task(jwks.prepare("RS256", f"junk-{n}")) for n in range(500)]
        await settled()
        assert not any(task.done() for task in waiting)
        provider.open.set()
        await asyncio.gather(*waiting)
        assert (provider.fetches, names(jwks, "new")) == (2, ["new"])


async def test_junk_causes_no_more_than_one_fetch_in_ten_seconds() -> None:
    provider = Provider()
    async with running(provider) as jwks:
        for n in range(2000):
            provider.now += 0.05
            await jwks.prepare("RS256", f"junk-{n}")
        assert 9 <= provider.fetches - 1 <= 10
        assert names(jwks, "junk-1") == []


async def test_a_known_key_never_waits() -> None:
    provider = Provider()
    async with running(provider) as jwks:
        provider.open.clear()
        provider.now += 1000
        await asyncio.wait_for(jwks.prepare("RS256", "old"), 0.1)
        assert names(jwks, "old") == ["old"]


async def test_a_fetch_that_hangs_holds_a_request_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.jwks.WAIT_SECONDS", 0.05)
    provider = Provider()
    provider.open.clear()
    async with running(provider) as jwks:
        await asyncio.wait_for(jwks.prepare("RS256", "old"), 1)
        with pytest.raises(KeysUnavailable):
            names(jwks, "old")
        provider.open.set()
        await settled()
        assert names(jwks, "old") == ["old"]


async def test_the_last_keys_serve_through_an_outage_and_not_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    provider = Provider()
    async with running(provider) as jwks:
        provider.down = FetchFault("id.test answers with status 500")
        await later(jwks, provider, 300)
        assert names(jwks, "old") == ["old"]
        assert jwks.unavailable_reason() == (
            "The keys of the tokens cannot be fetched: id.test answers with status 500."
            " The last ones serve for another 23.9 h.",
            True,
        )
        with pytest.raises(KeysUnavailable):
            names(jwks, "new")
        await later(jwks, provider, KEEP_SECONDS)
        with pytest.raises(KeysUnavailable):
            names(jwks, "old")
        reason = jwks.unavailable_reason()
        assert reason and not reason[1]
        provider.down = None
        await later(jwks, provider, AGAIN_SECONDS[1])
        assert (names(jwks, "old"), jwks.unavailable_reason()) == (["old"], None)
    assert [record.getMessage() for record in caplog.records] == [
        "the keys of the tokens are there: 1",
        "the keys of the tokens cannot be fetched: id.test answers with status 500",
        "the keys of the tokens are there: 1",
    ]


async def test_after_a_failure_it_is_tried_again_sooner_and_ever_more_rarely() -> None:
    provider = Provider()
    provider.down = FetchFault("down")
    async with running(provider) as jwks:
        for wait in (1, 2, 4, 8, 16, 30, 30):
            before = provider.fetches
            await later(jwks, provider, wait - 0.1)
            assert provider.fetches == before
            await later(jwks, provider, 0.1)
            assert provider.fetches == before + 1


async def test_what_nobody_thought_of_does_not_end_the_fetching() -> None:
    provider = Provider()
    provider.down = RuntimeError("?")
    async with running(provider) as jwks:
        with pytest.raises(KeysUnavailable):
            names(jwks, "old")
        provider.down = None
        await later(jwks, provider, 1)
        assert names(jwks, "old") == ["old"]


async def test_a_key_that_was_taken_back_verifies_nothing_any_more() -> None:
    provider = Provider()
    provider.pairs = [OLD, NEW]
    async with running(provider) as jwks:
        provider.pairs = [NEW]
        await later(jwks, provider, 300)
        assert names(jwks, "old") == []


@pytest.mark.parametrize(
    ("control", "seconds"),
    [
        ("", 300),
        ("public", 300),
        ("max-age=600", 600),
        ("public, Max-Age=600, must-revalidate", 600),
        ('max-age="600"', 600),
        ("s-maxage=900", 300),
        ("max-age=0", 60),
        ("max-age=5", 60),
        ("max-age=999999999", 3600),
        ("max-age=-1", 300),
        ("max-age=600, no-cache", 60),
        ("no-store", 60),
    ],
)
def test_how_long_an_answer_is_fresh_is_kept_within_bounds(control: str, seconds: float) -> None:
    assert fresh(control) == seconds
