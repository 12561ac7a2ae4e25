"""The first claim of a ticket has it, in the order in which all processes hear of them."""

import asyncio

import orjson
import pytest

from api import peers as module
from api.peers import MEMORY_SECONDS, Peers, TicketClaims


class Claims:
    """At `now`, which stands still."""

    def __init__(self) -> None:
        self.now = 0.0
        self.peers = Peers({})
        self.claims = TicketClaims(self.peers, lambda: self.now)

    def hear(self, number: str, nonce: str) -> bool:
        """Whether that claim, of this process, is the first; heard twice, as Kafka may have it twice."""
        future = self.claims._waiting[nonce] = asyncio.get_running_loop().create_future()
        said = {"kind": "ticket", "process": "p", "data": {"number": number, "nonce": nonce}}
        for _ in range(2):
            self.peers._one(orjson.dumps(said))
        del self.claims._waiting[nonce]
        return bool(future.result())


async def test_a_ticket_is_claimed_once_until_it_is_long_out_of_date() -> None:
    claims = Claims()
    assert [claims.hear("a", "1"), claims.hear("a", "2"), claims.hear("b", "3")] == [1, 0, 1]
    claims.now = MEMORY_SECONDS
    assert not claims.hear("a", "4")
    claims.now += 1
    assert claims.hear("a", "5")


async def test_no_more_are_claimed_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEMORY", 2)
    claims = Claims()
    assert [claims.hear(number, number) for number in "abcb"] == [1, 1, 0, 0]
    claims.now = MEMORY_SECONDS + 1
    assert claims.hear("c", "later")
